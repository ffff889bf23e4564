// Names that one side knows under another spelling: why a video or label seems to be missing.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace tal {

class Spellings {
 public:
  // videos: names of videos, of files too; else of labels.
  explicit Spellings(bool videos) : videos_(videos) {}
  Spellings(const std::vector<std::string>& known, bool videos) : videos_(videos) {
    for (const auto& name : known) add(name);
  }
  void add(const std::string& name) { names_.emplace(key(name), name); }
  // "; 'v_a' here seems to be 'a' there: the prefix v_ (tal-convert --ids)"; "": no name that was added is like it.
  std::string reason(const std::string& name) const;
  std::string reason(const std::vector<std::string>& names) const;  // of the first that has one

 private:
  std::string key(std::string_view name) const;
  bool videos_;
  std::map<std::string, std::string> names_;  // letters and digits of the name -> the name
};

// "'a b' is none of them, but 'a' and 'b' are" of names in one word of the command line that blanks or commas join; "":
// it is known, or its parts are not.
std::string joined_names(const std::string& given, const std::function<bool(const std::string&)>& is_known);

// In lower case, of A to Z.
std::string lower_case(std::string_view text);

}  // namespace tal
