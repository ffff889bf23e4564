#include "libtal/base/text.h"

#include <algorithm>

namespace tal {

std::string_view trim(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

bool begins_alike(std::string_view text, std::string_view beginning) {
  return text.size() >= beginning.size() && std::equal(beginning.begin(), beginning.end(), text.begin(),
                                                       [](char a, char b) { return ascii_lower(a) == ascii_lower(b); });
}

bool ends_alike(std::string_view text, std::string_view ending) {
  return text.size() >= ending.size() && begins_alike(text.substr(text.size() - ending.size()), ending);
}

std::string in_quotes(std::string_view text) {
  constexpr std::size_t kMost = 40;
  return "'" + std::string(text.substr(0, kMost)) + (text.size() > kMost ? "...'" : "'");
}

std::string joined(const std::vector<std::string>& words, std::string_view between) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i) {
    if (i) text += between;
    text += words[i];
  }
  return text;
}

std::string joined_first(const std::vector<std::string>& words, std::size_t most, std::string_view between) {
  if (words.size() <= most) return joined(words, between);
  return joined({words.begin(), words.begin() + static_cast<std::ptrdiff_t>(most)}, between) + std::string(between) +
         "...";
}

std::string shell_word(const std::string& text) {
  constexpr auto kPlain = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-+=./:,@%";
  if (!text.empty() && text.find_first_not_of(kPlain) == std::string::npos) return text;
  std::string out = "'";
  for (const char c : text) c == '\'' ? out += "'\\''" : out += c;
  return out + '\'';
}

void append_utf8(std::string& out, std::uint32_t code) {
  const auto more = [&](int shift) { out += static_cast<char>(0x80 | (code >> shift & 0x3f)); };
  if (code < 0x80) out += static_cast<char>(code);
  else if (code < 0x800) out += static_cast<char>(0xc0 | code >> 6), more(0);
  else if (code < 0x10000) out += static_cast<char>(0xe0 | code >> 12), more(6), more(0);
  else out += static_cast<char>(0xf0 | (code >> 18 & 7)), more(12), more(6), more(0);
}

}  // namespace tal
