// Names that look alike and are other characters.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <unordered_set>
#include <vector>

namespace tal {

// One form of what looks alike: letters with accents of Latin, Greek and Cyrillic, syllables of Hangul and voiced Kana
// as letters and marks (Unicode's NFD), ligatures and Roman numerals as letters, full-width signs, dashes, quotes, and
// letters of other scripts that look as Latin ones as ASCII, blanks that do not break or have another width as ' ',
// without what shows nothing. Names of one form are hardly told apart; all else stays as it is.
std::string look_alike_form(std::string_view name);

// Where two names of one form differ first: "U+00E9 here, U+0065 U+0301 there"; "": they are the same.
std::string first_difference(std::string_view here, std::string_view there);

// Finds the different names, of videos or of labels, that look alike.
class LookAlikes {
 public:
  // What is to be said of a name behind it: "looks like 'a', which is another name: U+0430 here, U+0061 there"; "": it
  // came before, or none that came looks like it.
  std::string see(const std::string& name);
  // Of all that came: "labels look alike but ...: 'a' and 'b' (U+0430 here, U+0061 there)"; "": none do. names: what
  // they are.
  std::string text(const std::string& names) const;

 private:
  std::unordered_set<std::string> seen_;
  std::map<std::string, std::string> first_;  // of each form
  std::vector<std::string> pairs_;
};

}  // namespace tal
