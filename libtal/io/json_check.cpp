#include "libtal/io/json_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <deque>
#include <string>
#include <utility>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/io/byte_masks.h"
#include "libtal/io/digits.h"
#include "libtal/io/json_advice.h"
#include "libtal/io/json_shape.h"
#include "libtal/io/member_names.h"

namespace tal {
namespace {

bool is_hex(char c) { return is_digit(c) || static_cast<unsigned char>((c | 32) - 'a') < 6; }

// What is wrong, and at which byte.
struct Fault {
  std::size_t byte;
  std::string what;
  Error::Kind kind;
  std::size_t back = 0;  // bytes before `byte` where the wrong character stands
};

constexpr std::size_t kMostPath = 120;  // of what is nested too deeply a message says nothing more

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

// The members of the objects around, and names that have escapes without them.
struct Names {
  MemberNames members;
  std::deque<std::string> kept;
  bool repeated = false;  // a name may stand twice
  std::size_t deepest = static_cast<std::size_t>(-1);
  std::string_view keep(std::string_view escaped) { return kept.emplace_back(unescaped(escaped)); }
};

class Check {
 public:
  Check(std::string_view text, Names& names)
      : begin_(text.data()), at_(begin_), end_(at_ + text.size()), names_(names) {}

  void run() {
    while (true) {
      if (!open_.empty()) open_.back().element = at_;
      bool behind = !value();
      // Behind a value: the end, what closes, or a comma and the next one.
      while (behind) {
        if (open_.empty()) {
          if (at_ != end_) fail("something follows the value");
          return;
        }
        const Open& around = open_.back();
        const char* const end = at_;
        blanks();
        const char c = take();
        if (c == around.close) {
          close();
          continue;
        }
        if (c != ',')
          fail_behind(at_ - begin_, c,
                      around.close == ']' ? "a list goes on with ',' or ']'" : "an object goes on with ',' or '}'");
        blanks();
        if (around.close == '}') key();
        behind = around.close == ']' && repeat(end);
      }
    }
  }

 private:
  // Static, here and below: a pointer to the members that went anywhere would keep them out of registers.
  [[noreturn, gnu::noinline]] static void fail_at(std::ptrdiff_t byte, const char* what) {
    throw Fault{static_cast<std::size_t>(byte), std::string("not valid JSON: ") + what, Error::Kind::kOther};
  }
  [[noreturn]] void fail(const char* what) const { fail_at(at_ - begin_, what); }
  // Behind a character that was taken; '\0': the text's end.
  [[noreturn, gnu::noinline]] static void fail_behind(std::ptrdiff_t byte, char taken, const char* what) {
    throw Fault{static_cast<std::size_t>(byte), std::string("not valid JSON: ") + what, Error::Kind::kOther,
                taken == '\0' ? std::size_t{0} : std::size_t{1}};
  }
  [[noreturn, gnu::noinline]] static void fail_twice(std::ptrdiff_t byte, std::string_view name) {
    throw Fault{static_cast<std::size_t>(byte), "the key '" + std::string(name) + "' stands twice here",
                Error::Kind::kRepeatedKey};
  }
  [[noreturn, gnu::noinline]] static void fail_plain(std::ptrdiff_t byte, std::string_view rest) {
    if (rest.empty()) fail_at(byte, "it ends where a value was expected");
    const auto token =
        rest.substr(0, std::max<std::size_t>(1, std::min(rest.find_first_of(",]} \t\r\n"), rest.size())));
    throw Fault{static_cast<std::size_t>(byte),
                "'" + std::string(token.substr(0, 40)) + (token.size() > 40 ? "..." : "") +
                    "' is not a value of JSON (numbers are finite and written plainly)",
                Error::Kind::kNotFinite};
  }
  struct Open {
    char close;                     // what closes it
    int misses = 0;                 // of a list: elements in turn whose shape the next one had not
    const char* element = nullptr;  // where its last value begins
  };

  // In a list, before an element and behind the one that ends at `end`: takes the elements that have its shape. Returns
  // whether it stands behind the last of them; else the next element is to be looked at.
  bool repeat(const char* end) {
    constexpr int kMostMisses = 4;  // then this list is none of one shape
    Open& list = open_.back();
    if (list.misses > kMostMisses) return false;
    ++list.misses;
    if (!shape_.set({list.element, static_cast<std::size_t>(end - list.element)})) return false;
    while (const char* behind = shape_.match(at_, end_)) {
      const char* const begin = std::exchange(at_, behind);
      if (!ends()) return at_ = begin, false;  // a number that goes on
      list.misses = 0;
      if (peek() != ',') return true;
      ++at_;
      blanks();
    }
    return false;
  }

  char peek() const { return at_ < end_ ? *at_ : '\0'; }
  char take() { return at_ < end_ ? *at_++ : '\0'; }
  void blanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }
  void close() {
    if (open_.back().close == '}') names_.members.close();
    open_.pop_back();
  }

  // Returns whether a container was opened, and its first value stands next.
  bool value() {
    const char c = peek();
    if (c == '"') return string(), false;
    if (c != '{' && c != '[') return plain(), false;
    if (open_.size() >= names_.deepest) fail("lists and objects in each other, too many of them");
    ++at_;
    open_.push_back({c == '{' ? '}' : ']'});
    if (c == '{') names_.members.open();
    blanks();
    if (peek() == open_.back().close) {
      ++at_, close();
      return false;
    }
    if (c == '{') key();
    return true;
  }

  void key() {
    if (peek() != '"') fail("a key of an object must be a string");
    const char* const begin = at_;
    const std::string_view rest(at_ + 1, static_cast<std::size_t>(end_ - at_ - 1));
    if (const auto length = names_.members.add_expected(rest); length != std::string_view::npos) {
      at_ += length + 2;
    } else {
      const bool escapes = string();
      std::string_view name(begin + 1, static_cast<std::size_t>(at_ - begin) - 2);
      if (escapes) name = names_.keep(name);
      if (!names_.members.add(name) && !names_.repeated) fail_twice(begin - begin_, name);
    }
    blanks();
    if (const char c = take(); c != ':') fail_behind(at_ - begin_, c, "':' is missing behind a key");
    blanks();
  }

  // Returns whether it has escapes.
  bool string() {
    bool escapes = false;
    ++at_;
    while (at_ = skip_plain(at_, end_), at_ < end_ && *at_ != '"') {
      if (*at_++ != '\\') continue;
      escapes = true;
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
    return escapes;
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
    fail_plain(begin - begin_, {begin, static_cast<std::size_t>(end_ - begin)});
  }

  const char* const begin_;
  const char* at_;
  const char* const end_;
  std::vector<Open> open_;  // the containers around
  JsonShape shape_;
  Names& names_;
};

// The way from the root to a byte of a text that is JSON up to there.
class Path {
 public:
  Path(std::string_view text, std::size_t byte) : text_(text.substr(0, byte)) {
    for (std::size_t i = 0; i < text_.size();) i = step(i);
  }
  // The place behind the name of the member that `names` lead to; the text's size when there is none.
  static std::size_t find(std::string_view text, const std::vector<std::string_view>& names) {
    Path path(text, 0);
    path.text_ = text;
    std::size_t i = 0;
    while (i < text.size()) {
      i = path.step(i);
      if (text[i < text.size() ? i : 0] == ':' && path.is_at(names)) return i;
    }
    return text.size();
  }
  // The same of a path as text() writes it.
  static std::size_t find(std::string_view text, std::string_view wanted) {
    Path path(text, 0);
    path.text_ = text;
    for (std::size_t i = 0; i < text.size();) {
      const char c = text[i];
      i = path.step(i);
      if ((c == ':' || c == '[' || c == ',') && path.text() == wanted) return i;
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
  std::vector<Level> levels_;
};

// Strings as a file must have them: no control characters, and halves of characters only in pairs. The text has passed
// Check.
void check_strings(std::string_view text) {
  const auto unit = [&](std::size_t at) {  // of \uXXXX at `at`; 0: there is none
    if (text.substr(at, 2) != "\\u") return 0ul;
    return std::strtoul(std::string(text.substr(at + 2, 4)).c_str(), nullptr, 16);
  };
  const auto fail = [](std::size_t byte, const char* what) {
    throw Fault{byte, std::string("not valid JSON: ") + what, Error::Kind::kOther};
  };
  bool inside = false;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '"') inside = !inside;
    if (!inside) continue;
    if (static_cast<unsigned char>(text[i]) < 0x20) fail(i, "a control character in a string");
    if (text[i] != '\\') continue;
    const auto code = unit(i);
    const bool first = code >= 0xd800 && code < 0xdc00, second = code >= 0xdc00 && code < 0xe000;
    const auto next = first ? unit(i + 6) : 0;
    if (second || (first && !(next >= 0xdc00 && next < 0xe000)))
      fail(i, "half of a character in a string, a surrogate that is no Unicode alone");
    i += first ? 7 : 1;
  }
}

// The text with blanks in the place of // and /* */.
std::string without_comments(std::string_view text) {
  std::string out(text);
  for (std::size_t i = 0; i < out.size(); ++i) {
    if (out[i] == '"') {
      for (++i; i < out.size() && out[i] != '"';) i += out[i] == '\\' ? 2 : 1;
      continue;
    }
    const auto two = text.substr(i, 2);
    if (two != "//" && two != "/*") continue;
    const auto end = two == "//" ? std::min(text.find('\n', i), text.size()) : text.find("*/", i + 2);
    if (end == std::string_view::npos) return out;  // not closed: the check says so
    for (const auto behind = two == "//" ? end : end + 2; i < behind; ++i)
      if (out[i] != '\n' && out[i] != '\r') out[i] = ' ';
    --i;
  }
  return out;
}

}  // namespace

std::string_view trim_json(std::string_view text) {
  const auto begin = text.find_first_not_of(" \t\r\n");
  return begin == std::string_view::npos ? std::string_view()
                                         : text.substr(begin, text.find_last_not_of(" \t\r\n") - begin + 1);
}

void check_json(std::string_view text, std::string_view name, bool repeated) {
  try {
    Names names;
    names.repeated = repeated;
    Check(text, names).run();
  } catch (const Fault& fault) {
    Error error(fault.what + json_advice(text, fault.byte, true), fault.kind);
    if (!name.empty()) {
      const std::string path = Path(text, fault.byte).text();
      error.at_field(std::string(name) + (path.empty() || path.front() == '[' ? "" : ".") + path);
    }
    throw error;
  }
}

std::optional<Error> advised_fault(std::string_view text) {
  try {
    Names names;
    Check(text, names).run();
  } catch (const Fault& fault) {
    if (const auto advice = json_advice(text, fault.byte, true); !advice.empty())
      return Error(fault.what + advice, fault.kind);
  }
  return std::nullopt;
}

std::optional<Error> json_fault(std::string_view line) {
  try {
    Names names;
    Check(line, names).run();
    check_strings(line);
  } catch (const Fault& fault) {
    const bool twice = fault.kind == Error::Kind::kRepeatedKey,
               said = twice || fault.what.starts_with("not valid JSON");
    Error error((said ? "" : "not valid JSON: ") + fault.what + " (column " +
                    std::to_string(fault.byte - fault.back + 1) + ")" + json_advice(line, fault.byte, true),
                twice ? fault.kind : Error::Kind::kOther);
    // Between the members there is no place that has a name, and of what is nested deeply the member is enough.
    std::string path = Path(line, fault.byte).text();
    const auto member = path.find_first_of(".[");
    if (path.size() > kMostPath) path.resize(std::min(member, path.size()));
    if (member != std::string::npos) error.at_field(path);
    return error;
  }
  return std::nullopt;
}

std::string without_non_finite(std::string_view text) {
  std::string out;
  bool quoted = false;
  while (!text.empty()) {
    std::size_t length = 1;
    const auto is = [&](std::string_view name) { return text.starts_with(name) && (length = name.size()) > 0; };
    const bool none = !quoted && (is("NaN") || is("Infinity") || is("-Infinity"));
    if (quoted && text.front() == '\\') length = std::min<std::size_t>(2, text.size());
    if (text.front() == '"') quoted = !quoted;
    out += none ? "null" : text.substr(0, length);
    text.remove_prefix(length);
  }
  return out;
}

std::vector<SourceText> json_documents(SourceText source) {
  std::string_view rest = source.text;
  if (rest.starts_with("\xEF\xBB\xBF")) rest.remove_prefix(3);
  std::vector<SourceText> out;
  for (std::size_t before = 0; !rest.empty(); ++before) {
    const auto line = trim_json(take_line(rest));
    if (line.empty()) continue;
    const bool opens = line.front() == '{' || line.front() == '[', alone = out.empty() && trim_json(rest).empty();
    if (alone || (out.size() < 2 && !opens) || (out.empty() && json_fault(line))) {
      out.clear();
      break;
    }
    out.push_back({source.name, std::string(before, '\n') + std::string(line)});
  }
  if (out.empty()) out.push_back(std::move(source));
  return out;
}

std::size_t find_member(std::string_view text, const std::vector<std::string_view>& names) {
  const auto behind_name = Path::find(text, names);
  return behind_name == text.size() ? text.size() : text.find_first_not_of(" \t\r\n", behind_name + 1);
}

std::size_t find_path(std::string_view text, std::string_view path) {
  while (!path.empty()) {
    if (const auto found = Path::find(text, path); found < text.size())
      return std::min(text.find_first_not_of(" \t\r\n", found), text.size());
    path = path.substr(0, path.find_last_of(".[") == std::string_view::npos ? 0 : path.find_last_of(".["));
  }
  return 0;
}

std::string_view check_json_file(const SourceText& source, bool comments, std::size_t deepest) {
  const std::string_view text = utf8_text(source);
  const std::string plain = comments ? without_comments(text) : "";
  const std::string_view json = comments ? std::string_view(plain) : text;
  const auto begin = std::min(json.find_first_not_of(" \t\r\n"), json.size());
  const auto end = json.find_last_not_of(" \t\r\n") + 1;  // 0: blank
  if (begin >= end) throw Error("empty: JSON was expected").at_line(source.name, 0);
  try {
    Names names;
    if (deepest > 0) names.deepest = deepest;
    Check(json.substr(begin, end - begin), names).run();
    check_strings(json.substr(begin, end - begin));
  } catch (const Fault& fault) {
    const std::size_t byte = begin + fault.byte;
    const auto [line, column] = place_of(text, byte - fault.back);
    std::string path = Path(json, byte).text();
    if (path.size() > kMostPath) path = path.substr(0, kMostPath) + "...";
    throw Error(fault.what + " (column " + std::to_string(column) + ")" + json_advice(json, byte), fault.kind)
        .at_field(path)
        .at_line(source.name, line);
  }
  return text;
}

void check_json_line(std::string_view line, std::size_t deepest) {
  try {
    (void)check_json_file({"", std::string(line)}, false, deepest);
  } catch (const Error& error) {
    throw Error(error.message(), error.kind()).at_field(error.field());
  }
}

}  // namespace tal
