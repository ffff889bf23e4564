#include "libtal/base/spelling.h"

#include <algorithm>
#include <cctype>

#include "libtal/base/look_alike.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"

namespace tal {
namespace {

std::string_view without_prefix(std::string_view id) { return id.substr(id.starts_with("v_") ? 2 : 0); }

}  // namespace

std::string joined_names(const std::string& given, const std::function<bool(const std::string&)>& is_known) {
  if (is_known(given)) return "";
  for (const char* signs : {", ;", ",;"}) {
    std::vector<std::string> parts;
    for (std::size_t at = 0; at < given.size();) {
      const auto end = std::min(given.find_first_of(signs, at), given.size());
      if (const auto part = trim(std::string_view(given).substr(at, end - at)); !part.empty()) parts.emplace_back(part);
      at = end + 1;
    }
    if (parts.size() > 1 && std::all_of(parts.begin(), parts.end(), is_known))
      return "'" + given + "' is none of them, but '" + joined(parts, "' and '") + "' are";
  }
  return "";
}

std::string lower_case(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(), ascii_lower);
  return out;
}

// Letters and digits, and what is not ASCII, in their look_alike_form(). What stands between two digits is kept as "-":
// "6,0" is not 60.
std::string Spellings::key(std::string_view name) const {
  const std::string id = look_alike_form(videos_ ? video_id(name) : std::string(name));
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  std::string out;
  bool apart = false;
  for (const char c : lower_case(videos_ ? without_prefix(id) : id)) {
    if (static_cast<unsigned char>(c) < 0x80 && !std::isalnum(static_cast<unsigned char>(c))) {
      apart = true;
      continue;
    }
    if (apart && is_digit(c) && !out.empty() && is_digit(out.back())) out += '-';
    apart = false;
    out += c;
  }
  return out;
}

std::string Spellings::reason(const std::string& name) const {
  const auto found = names_.find(key(name));
  if (found == names_.end() || found->first.empty() || found->second == name) return "";
  const std::string& other = found->second;
  std::string why = "the spelling";
  if (look_alike_form(name) == look_alike_form(other))
    why = "other characters that look alike, " + first_difference(name, other);
  else if (lower_case(name) == lower_case(other)) why = "upper and lower case";
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
