// Words and lists in messages.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace tal {

// Without blanks and tabs at its ends, and the carriage return of a line of Windows.
std::string_view trim(std::string_view text);

// "a, b, c"
std::string joined(const std::vector<std::string>& words, std::string_view between = ", ");

}  // namespace tal
