#include "libtal/base/spelling.h"

#include <algorithm>
#include <cctype>

#include "libtal/base/text.h"
#include "libtal/base/video_id.h"

namespace tal {
namespace {

std::string_view without_prefix(std::string_view id) { return id.substr(id.starts_with("v_") ? 2 : 0); }

}  // namespace

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
  return out;
}

// Letters and digits, and what is not ASCII.
std::string Spellings::key(std::string_view name) const {
  const std::string id = videos_ ? video_id(name) : std::string(name);
  std::string out = lower_case(videos_ ? without_prefix(id) : id);
  std::erase_if(
      out, [](char c) { return static_cast<unsigned char>(c) < 0x80 && !std::isalnum(static_cast<unsigned char>(c)); });
  return out;
}

std::string Spellings::reason(const std::string& name) const {
  const auto found = names_.find(key(name));
  if (found == names_.end() || found->first.empty() || found->second == name) return "";
  const std::string& other = found->second;
  std::string why = "the spelling";
  if (lower_case(name) == lower_case(other)) why = "upper and lower case";
  else if (videos_ && without_prefix(name) == without_prefix(other)) why = "the prefix v_ (tal-convert --ids)";
  else if (videos_ && video_id(name) == video_id(other)) why = "the name of a file";
  return "; '" + name + "' here seems to be '" + other + "' there: " + why;
}

std::string Spellings::reason(const std::vector<std::string>& names) const {
  for (const auto& name : names)
    if (auto text = reason(name); !text.empty()) return text;
  return "";
}

}  // namespace tal
