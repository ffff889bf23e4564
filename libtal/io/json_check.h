// Whether a text is JSON, for values that nobody reads: a skipping reader checks neither commas, nor what closes what,
// nor plain values.
#pragma once

#include <string_view>

namespace tal {

// Throws Error unless the text, without white space around it, is one JSON value (RFC 8259) of finite numbers. Depth is
// no danger. UTF-8 and control characters in strings are the caller's.
void check_json(std::string_view text);

}  // namespace tal
