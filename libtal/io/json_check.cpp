#include "libtal/io/json_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <string>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/io/member_names.h"

namespace tal {
namespace {

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }
bool is_hex(char c) { return is_digit(c) || static_cast<unsigned char>((c | 32) - 'a') < 6; }

// What is wrong, and at which byte.
struct Fault {
  std::size_t byte;
  std::string what;
  Error::Kind kind;
};

void append_utf8(std::string& out, std::uint32_t c) {
  const auto add = [&](std::uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return add(c);
  if (c < 0x800) {
    add(0xc0 | c >> 6);
  } else {
    if (c < 0x10000) add(0xe0 | c >> 12);
    else add(0xf0 | c >> 18), add(0x80 | (c >> 12 & 63));
    add(0x80 | (c >> 6 & 63));
  }
  add(0x80 | (c & 63));
}

// A string's text without its escapes, which have been checked.
std::string unescaped(std::string_view text) {
  std::string out;
  const auto unit = [&](std::size_t at) {  // of \uXXXX
    return static_cast<std::uint32_t>(std::strtoul(std::string(text.substr(at, 4)).c_str(), nullptr, 16));
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\') {
      out += text[i];
    } else if (text[++i] != 'u') {
      constexpr std::string_view kNames = "bfnrt", kBytes = "\b\f\n\r\t";
      const auto known = kNames.find(text[i]);
      out += known == std::string_view::npos ? text[i] : kBytes[known];
    } else {
      std::uint32_t c = unit(i + 1);
      i += 4;
      if (c >= 0xd800 && c < 0xdc00 && text.substr(i + 1, 2) == "\\u") {  // the first half of a pair
        c = 0x10000 + ((c - 0xd800) << 10) + (unit(i + 3) - 0xdc00);
        i += 6;
      }
      append_utf8(out, c);
    }
  }
  return out;
}

class Check {
 public:
  Check(std::string_view text, bool comments)
      : begin_(text.data()), at_(begin_), end_(at_ + text.size()), comments_(comments) {}

  void run() {
    if (comments_) blanks();
    while (true) {
      const bool opened = value();
      if (opened) continue;
      // Behind a value: the end, what closes, or a comma and the next one.
      while (true) {
        if (open_.empty()) {
          if (comments_) blanks();
          if (at_ != end_) fail("something follows the value");
          return;
        }
        blanks();
        const char c = take();
        if (c == ',') break;
        if (c != open_.back())
          fail(open_.back() == ']' ? "a list goes on with ',' or ']'" : "an object goes on with ',' or '}'");
        close();
      }
      blanks();
      if (open_.back() == '}') key();
    }
  }

 private:
  [[noreturn]] void fail(const char* what) const {
    throw Fault{static_cast<std::size_t>(at_ - begin_), std::string("not valid JSON: ") + what, Error::Kind::kOther};
  }
  char peek() const { return at_ < end_ ? *at_ : '\0'; }
  char take() { return at_ < end_ ? *at_++ : '\0'; }
  void blanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
    if (comments_ && peek() == '/') comment();
  }
  void comment() {
    const std::string_view rest(at_, static_cast<std::size_t>(end_ - at_));
    const bool block = rest.substr(0, 2) == "/*";
    if (!block && rest.substr(0, 2) != "//") return;
    const auto end = block ? rest.find("*/", 2) : std::min(rest.find('\n'), rest.size());
    if (end == std::string_view::npos) fail("a comment is not closed");
    at_ += block ? end + 2 : end;
    blanks();
  }
  void close() {
    if (open_.back() == '}') names_.close();
    open_.pop_back();
  }

  // Returns whether a container was opened, and its first value stands next.
  bool value() {
    const char c = peek();
    if (c == '"') return string(), false;
    if (c != '{' && c != '[') return plain(), false;
    ++at_;
    open_.push_back(c == '{' ? '}' : ']');
    if (c == '{') names_.open();
    blanks();
    if (peek() == open_.back()) {
      ++at_, close();
      return false;
    }
    if (c == '{') key();
    return true;
  }

  void key() {
    if (peek() != '"') fail("a key of an object must be a string");
    const char* const begin = at_;
    string();
    std::string_view name(begin + 1, static_cast<std::size_t>(at_ - begin) - 2);
    if (name.find('\\') != std::string_view::npos) name = kept_.emplace_back(unescaped(name));
    if (!names_.add(name))
      throw Fault{static_cast<std::size_t>(begin - begin_), "the key '" + std::string(name) + "' stands twice here",
                  Error::Kind::kRepeatedKey};
    blanks();
    if (take() != ':') fail("':' is missing behind a key");
    blanks();
  }

  void string() {
    ++at_;
    while (at_ < end_ && *at_ != '"') {
      if (*at_++ != '\\') continue;
      const char c = take();
      if (c == 'u') {
        for (int i = 0; i < 4; ++i)
          if (!is_hex(take())) fail("a wrong escape in a string");
      } else if (std::string_view("\"\\/bfnrt").find(c) == std::string_view::npos) {
        fail("a wrong escape in a string");
      }
    }
    if (at_ == end_) fail("a string is not closed");
    ++at_;
  }

  std::ptrdiff_t digits() {
    const char* const begin = at_;
    while (at_ < end_ && is_digit(*at_)) ++at_;
    return at_ - begin;
  }
  // A number: whether it is one of JSON's, and what a double holds.
  bool number() {
    const char* const begin = at_;
    if (peek() == '-') ++at_;
    const bool zero = peek() == '0';
    const auto whole = digits();
    if (whole == 0 || (zero && whole > 1)) return false;
    bool small = whole < 200;
    if (peek() == '.') {
      ++at_;
      if (digits() == 0) return false;
    }
    if (peek() == 'e' || peek() == 'E') {
      ++at_;
      if (peek() == '+' || peek() == '-') ++at_;
      const auto exponent = digits();
      if (exponent == 0) return false;
      small = small && exponent < 3;
    }
    return small || std::isfinite(std::strtod(std::string(begin, at_).c_str(), nullptr));
  }
  bool word() {
    for (const std::string_view known : {"true", "false", "null"})
      if (std::string_view(at_, static_cast<std::size_t>(end_ - at_)).substr(0, known.size()) == known)
        return at_ += known.size(), true;
    return false;
  }
  bool ends() const {
    const char c = peek();
    return c == ',' || c == ']' || c == '}' || c == ' ' || at_ == end_ || c == '\n' || c == '\t' || c == '\r';
  }
  void plain() {
    const char* const begin = at_;
    if ((is_digit(peek()) || peek() == '-' ? number() : word()) && ends()) return;
    const std::string_view rest(begin, static_cast<std::size_t>(end_ - begin));
    const auto token =
        rest.substr(0, std::max<std::size_t>(1, std::min(rest.find_first_of(",]} \t\r\n"), rest.size())));
    throw Fault{static_cast<std::size_t>(begin - begin_),
                "'" + std::string(token.substr(0, 40)) + (token.size() > 40 ? "..." : "") +
                    "' is not a value of JSON (numbers are finite and written plainly)",
                Error::Kind::kNotFinite};
  }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  const bool comments_;
  std::vector<char> open_;  // what closes the containers around
  MemberNames names_;
  std::deque<std::string> kept_;  // names that have escapes, without them
};

// The way from the root to a byte of a text that is JSON up to there.
class Path {
 public:
  Path(std::string_view text, std::size_t byte, bool comments) : text_(text.substr(0, byte)), comments_(comments) {
    for (std::size_t i = 0; i < text_.size();) i = step(i);
  }
  // The place behind the name of the member that `names` lead to; the text's size when there is none.
  static std::size_t find(std::string_view text, const std::vector<std::string_view>& names) {
    Path path(text, 0, false);
    path.text_ = text;
    std::size_t i = 0;
    while (i < text.size()) {
      i = path.step(i);
      if (text[i < text.size() ? i : 0] == ':' && path.is_at(names)) return i;
    }
    return text.size();
  }
  std::string text() const {
    std::string out;
    for (const auto& level : levels_) {
      if (level.list) out += '[' + std::to_string(level.index) + ']';
      else if (level.named) out += (out.empty() ? "" : ".") + level.key;
    }
    return out;
  }

 private:
  struct Level {
    bool list, named = false;
    std::size_t index = 0;
    std::string key;
  };

  bool is_at(const std::vector<std::string_view>& names) const {
    return levels_.size() == names.size() &&
           std::equal(names.begin(), names.end(), levels_.begin(),
                      [](std::string_view name, const Level& level) { return level.named && level.key == name; });
  }
  // Takes what stands at `i`; returns the place behind it.
  std::size_t step(std::size_t i) {
    const char c = text_[i];
    if (c == '"') return string(i);
    if (comments_ && text_.substr(i, 2) == "//") return std::min(text_.find('\n', i), text_.size());
    if (comments_ && text_.substr(i, 2) == "/*") return std::min(text_.find("*/", i), text_.size() - 2) + 2;
    if (c == '{' || c == '[') levels_.push_back({c == '[', false, 0, {}});
    if ((c == '}' || c == ']') && !levels_.empty()) levels_.pop_back();
    if (c == ',' && !levels_.empty()) ++levels_.back().index, levels_.back().named = false;
    return i + 1;
  }
  std::size_t string(std::size_t begin) {
    std::size_t end = begin + 1;
    while (end < text_.size() && text_[end] != '"') end += text_[end] == '\\' ? 2 : 1;
    if (end < text_.size() && !levels_.empty() && !levels_.back().list && !levels_.back().named) {
      levels_.back().named = true;
      levels_.back().key = unescaped(text_.substr(begin + 1, end - begin - 1));
    }
    return end + 1;
  }

  std::string_view text_;
  const bool comments_;
  std::vector<Level> levels_;
};

}  // namespace

void check_json(std::string_view text, std::string_view name) {
  try {
    Check(text, false).run();
  } catch (const Fault& fault) {
    Error error(fault.what, fault.kind);
    if (!name.empty()) {
      const std::string path = Path(text, fault.byte, false).text();
      error.at_field(std::string(name) + (path.empty() || path.front() == '[' ? "" : ".") + path);
    }
    throw error;
  }
}

std::size_t find_member(std::string_view text, const std::vector<std::string_view>& names) {
  const auto behind_name = Path::find(text, names);
  return behind_name == text.size() ? text.size() : text.find_first_not_of(" \t\r\n", behind_name + 1);
}

std::string_view check_json_file(const SourceText& source, bool comments) {
  const std::string_view text = utf8_text(source);
  const auto begin = std::min(text.find_first_not_of(" \t\r\n"), text.size());
  const auto end = text.find_last_not_of(" \t\r\n") + 1;  // 0: blank
  if (begin >= end) throw Error("empty: JSON was expected").at_line(source.name, 0);
  try {
    Check(text.substr(begin, end - begin), comments).run();
  } catch (const Fault& fault) {
    const std::size_t byte = begin + fault.byte;
    const auto [line, column] = place_of(text, byte);
    throw Error(fault.what + " (column " + std::to_string(column) + ")", fault.kind)
        .at_field(Path(text, byte, comments).text())
        .at_line(source.name, line);
  }
  return text;
}

}  // namespace tal
