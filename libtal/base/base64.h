// Base64 (RFC 4648, section 4).
#pragma once

#include <string>
#include <string_view>

namespace tal {

std::string base64_encode(std::string_view bytes);  // padded with '='
// Padding may be missing. Error when the text is not base64.
std::string base64_decode(std::string_view text);

}  // namespace tal
