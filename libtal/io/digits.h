// Decimal digits in a text.
#pragma once

#include <cstddef>
#include <string_view>

namespace tal {

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

// How many stand one behind the other from there on.
inline std::size_t digits_at(std::string_view text, std::size_t at) {
  std::size_t n = 0;
  while (at + n < text.size() && is_digit(text[at + n])) ++n;
  return n;
}

// Nothing but digits, and at least one.
inline bool is_digits(std::string_view text) { return !text.empty() && digits_at(text, 0) == text.size(); }

}  // namespace tal
