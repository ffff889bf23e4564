// Names that look alike and are other characters.
#pragma once

#include <string>
#include <string_view>

namespace tal {

// One form of what looks alike: Latin letters with accents as letters and accents (Unicode's NFD), full-width signs,
// dashes, and letters of Cyrillic and Greek that look as Latin ones as ASCII, blanks that do not break or have another
// width as ' ', without what shows nothing. Names of one form are hardly told apart; other scripts stay as they are.
std::string look_alike_form(std::string_view name);

// Where two names of one form differ first: "U+00E9 here, U+0065 U+0301 there"; "": they are the same.
std::string first_difference(std::string_view here, std::string_view there);

}  // namespace tal
