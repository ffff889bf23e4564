// Words and lists in messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tal {

// "a, b, c"
std::string joined(const std::vector<std::string>& words, std::string_view between = ", ");

}  // namespace tal
