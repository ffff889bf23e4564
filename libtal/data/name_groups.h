// Names made of the groups of a regular expression: new names of tensors, videos and streams of feature files.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "libtal/base/error.h"

namespace tal {

// Matching recurses with the length of the text, and the stack is finite: longer names are refused.
constexpr std::size_t kMaxMatched = 4096;  // bytes

// Error when `format` (std::regex's: $1, $12, $&) names a group that an expression of `groups` groups has not: it would
// silently become nothing. Also for groups as Python, sed and shells write them (\1, \g<1>, ${1}), which would stay
// text.
inline void check_groups(std::string_view format, std::size_t groups) {
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  const auto foreign = [&](std::string_view found) {
    return Error("'" + std::string(format) + "' holds " + std::string(found) +
                 ": groups are written $1, $2, ... ($01 is the first one before a digit), the whole match $&, and a "
                 "dollar sign $$");
  };
  for (std::size_t at = 0; (at = format.find_first_of("$\\", at)) != std::string_view::npos;) {
    const std::size_t sign = at++;
    const char next = at < format.size() ? format[at] : '\0';
    if (format[sign] == '\\') {
      if (is_digit(next) || format.substr(at).starts_with("g<")) throw foreign(format.substr(sign, 2));
      continue;
    }
    std::size_t number = 0, digits = 0;
    for (; digits < 2 && at < format.size() && is_digit(format[at]); ++digits)
      number = 10 * number + static_cast<std::size_t>(format[at++] - '0');
    if (digits > 0 && number > groups)
      throw Error("'" + std::string(format) + "' names group " + std::to_string(number) + ", but the expression has " +
                  std::to_string(groups) + (digits == 2 ? " ($01 is the first one before a digit)" : ""));
    if (digits == 0 && std::string_view("$&`'").find(next) == std::string_view::npos)
      throw foreign(format.substr(sign, 2));
    if (digits == 0) ++at;  // $$ is a dollar
  }
}

}  // namespace tal
