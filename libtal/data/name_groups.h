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
// silently become nothing.
inline void check_groups(std::string_view format, std::size_t groups) {
  for (std::size_t at = 0; (at = format.find('$', at)) != std::string_view::npos;) {
    std::size_t number = 0, digits = 0;
    for (++at; digits < 2 && at < format.size() && format[at] >= '0' && format[at] <= '9'; ++digits)
      number = 10 * number + static_cast<std::size_t>(format[at++] - '0');
    if (digits > 0 && number > groups)
      throw Error("'" + std::string(format) + "' names group " + std::to_string(number) + ", but the expression has " +
                  std::to_string(groups) + (digits == 2 ? " ($01 is the first one before a digit)" : ""));
    if (digits == 0 && at < format.size() && format[at] == '$') ++at;  // $$ is a dollar
  }
}

}  // namespace tal
