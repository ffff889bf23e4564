// What people write as numbers and programs do not read.
#pragma once

#include <string>
#include <string_view>

namespace tal {

// What to write in place of "1,234.5", "1 234" or "87 %", in brackets with a blank before it; "": of any other text.
std::string number_advice(std::string_view text);

}  // namespace tal
