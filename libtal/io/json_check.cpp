#include "libtal/io/json_check.h"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <string>
#include <vector>

#include "libtal/base/error.h"

namespace tal {
namespace {

bool is_digit(char c) { return static_cast<unsigned char>(c - '0') < 10; }
bool is_hex(char c) { return is_digit(c) || static_cast<unsigned char>((c | 32) - 'a') < 6; }

class Check {
 public:
  explicit Check(std::string_view text) : at_(text.data()), end_(at_ + text.size()) {}

  void run() {
    while (true) {
      const bool opened = value();
      if (opened) continue;
      // Behind a value: the end, what closes, or a comma and the next one.
      while (true) {
        if (open_.empty()) {
          if (at_ != end_) fail("something follows the value");
          return;
        }
        blanks();
        const char c = take();
        if (c == ',') break;
        if (c != open_.back())
          fail(open_.back() == ']' ? "a list goes on with ',' or ']'" : "an object goes on with ',' or '}'");
        open_.pop_back();
      }
      blanks();
      if (open_.back() == '}') key();
    }
  }

 private:
  [[noreturn]] void fail(const char* what) const { throw Error(std::string("not valid JSON: ") + what); }
  char peek() const { return at_ < end_ ? *at_ : '\0'; }
  char take() { return at_ < end_ ? *at_++ : '\0'; }
  void blanks() {
    while (at_ < end_ && (*at_ == ' ' || *at_ == '\t' || *at_ == '\n' || *at_ == '\r')) ++at_;
  }

  // Returns whether a container was opened, and its first value stands next.
  bool value() {
    const char c = peek();
    if (c == '"') return string(), false;
    if (c != '{' && c != '[') return plain(), false;
    ++at_;
    open_.push_back(c == '{' ? '}' : ']');
    blanks();
    if (peek() == open_.back()) {
      ++at_, open_.pop_back();
      return false;
    }
    if (c == '{') key();
    return true;
  }

  void key() {
    if (peek() != '"') fail("a key of an object must be a string");
    string();
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
    throw Error("'" + std::string(token.substr(0, 40)) + (token.size() > 40 ? "..." : "") +
                    "' is not a value of JSON (numbers are finite and written plainly)",
                Error::Kind::kNotFinite);
  }

  const char* at_;
  const char* const end_;
  std::vector<char> open_;  // what closes the containers around
};

}  // namespace

void check_json(std::string_view text) { Check(text).run(); }

}  // namespace tal
