// Walking through UTF-8 text that may be broken.
#pragma once

#include <cstddef>
#include <string_view>

namespace tal {

// The code point at `at`, which moves behind it; U+FFFD (and one byte) for bytes that are no UTF-8.
inline char32_t next_code_point(std::string_view text, std::size_t& at) {
  const auto first = static_cast<unsigned char>(text[at++]);
  if (first < 0x80) return first;
  const int more = first >= 0xf0 && first < 0xf5   ? 3
                   : first >= 0xe0 && first < 0xf0 ? 2
                   : first >= 0xc2 && first < 0xe0 ? 1
                                                   : -1;
  if (more < 0 || at + static_cast<std::size_t>(more) > text.size()) return 0xfffd;
  char32_t code = first & (0x3f >> more);
  for (int i = 0; i < more; ++i) {
    const auto byte = static_cast<unsigned char>(text[at + static_cast<std::size_t>(i)]);
    if ((byte & 0xc0) != 0x80) return 0xfffd;
    code = code << 6 | (byte & 0x3f);
  }
  if ((more == 2 && code < 0x800) || (more == 3 && (code < 0x10000 || code > 0x10ffff)) ||
      (code >= 0xd800 && code < 0xe000))
    return 0xfffd;
  at += static_cast<std::size_t>(more);
  return code;
}

}  // namespace tal
