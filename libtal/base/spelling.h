// Names that one side knows under another spelling: why a video or label seems to be missing.
#pragma once

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

// In lower case, of A to Z.
std::string lower_case(std::string_view text);

}  // namespace tal
