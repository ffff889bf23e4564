#include "libtal/base/text.h"

#include <algorithm>
#include <cstdio>

#include "libtal/base/look_alike.h"
#include "libtal/base/utf8.h"

namespace tal {
namespace {

// Bytes of the blank or invisible character that the text begins with, or ends with; 0: none.
std::size_t blank_before(std::string_view text) {
  if (text.empty() || text.front() == ' ' || text.front() == '\t') return !text.empty();
  std::size_t end = 0;
  return static_cast<signed char>(text.front()) < 0 && is_invisible(next_code_point(text, end)) ? end : 0;
}
std::size_t blank_behind(std::string_view text) {
  if (text.empty() || text.back() == ' ' || text.back() == '\t' || text.back() == '\r') return !text.empty();
  for (const std::size_t size : {2u, 3u})
    if (std::size_t end = 0; static_cast<signed char>(text.back()) < 0 && text.size() >= size &&
                             is_invisible(next_code_point(text.substr(text.size() - size), end)) && end == size)
      return size;
  return 0;
}

}  // namespace

bool is_invisible(char32_t c) {
  return c == 0x85 || c == 0xa0 || c == 0xad || c == 0x61c || c == 0x1680 || c == 0x180e ||
         (c >= 0x2000 && c <= 0x200f) || (c >= 0x2028 && c <= 0x202f) || (c >= 0x205f && c <= 0x206f) || c == 0x3000 ||
         c == 0xfeff;
}

std::string_view trim(std::string_view text) {
  while (const auto size = blank_before(text)) text.remove_prefix(size);
  while (const auto size = blank_behind(text)) text.remove_suffix(size);
  return text;
}

std::string with_invisible_named(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t begin = at;
    const char32_t code = next_code_point(text, at);
    if (!is_invisible(code)) {
      out += text.substr(begin, at - begin);
      continue;
    }
    char name[16];
    std::snprintf(name, sizeof name, "<U+%04X>", static_cast<unsigned>(code));
    out += name;
  }
  return out;
}

std::string loose_form(std::string_view given) {
  const std::string name = look_alike_form(given);
  // U+00C0 to U+00FF.
  constexpr std::string_view kPlain = "aaaaaaaceeeeiiiidnooooo*ouuuuytsaaaaaaaceeeeiiiidnooooo/ouuuuyty";
  std::string out;
  bool letters = false;
  for (std::size_t at = 0; at < name.size();) {
    const std::size_t begin = at;
    const char32_t c = next_code_point(name, at);
    const bool accent = c >= 0x300 && c < 0x370;
    if (c == ' ' || c == '_' || c == '-' || c == '\t' || accent || is_invisible(c)) continue;
    if (c < 0x80) out += ascii_lower(static_cast<char>(c));
    else if (c >= 0xc0 && c <= 0xff) out += kPlain[c - 0xc0];
    else out.append(name, begin, at - begin);
    letters =
        letters || c >= 0x80 || (ascii_lower(static_cast<char>(c)) >= 'a' && ascii_lower(static_cast<char>(c)) <= 'z');
  }
  return letters ? out : std::string(given);
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
  return "'" + with_invisible_named(text.substr(0, kMost)) + (text.size() > kMost ? "...'" : "'");
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
