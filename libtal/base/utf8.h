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

// How many columns a text takes on a terminal: none for marks on the letter before, two for the characters of East Asia
// and pictures.
inline std::size_t terminal_columns(std::string_view text) {
  std::size_t columns = 0;
  for (std::size_t at = 0; at < text.size();) {
    const char32_t c = next_code_point(text, at);
    const auto in = [&](char32_t first, char32_t last) { return c >= first && c <= last; };
    if (in(0x300, 0x36f) || in(0x200b, 0x200f) || in(0xfe00, 0xfe0f)) continue;
    const bool wide = in(0x1100, 0x115f) || in(0x2e80, 0xa4cf) || in(0xac00, 0xd7a3) || in(0xf900, 0xfaff) ||
                      in(0xfe30, 0xfe6f) || in(0xff00, 0xff60) || in(0xffe0, 0xffe6) || in(0x1f300, 0x1faff) ||
                      in(0x20000, 0x3fffd);
    columns += wide ? 2 : 1;
  }
  return columns;
}

}  // namespace tal
