// Text in XML documents: SVG, HTML, ELAN.
#pragma once

#include <string>
#include <string_view>

namespace tal {

// Text for XML element and attribute content: markup characters escaped, what XML 1.0 forbids (control characters,
// U+FFFE, U+FFFF, bytes that are no UTF-8) replaced by U+FFFD.
std::string escape_xml(std::string_view text);
// Whether nothing is replaced.
bool fits_xml(std::string_view text);

}  // namespace tal
