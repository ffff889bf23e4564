// One value of JSON as a shape: what stands in it but its numbers and strings. Lists of records repeat one shape, and
// what repeats the shape of a value that has been checked is JSON as that one is: braces, names and their places are
// the same bytes, and only the numbers and strings between are looked at.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace tal {

class JsonShape {
 public:
  // Of a value that is JSON, without white space around it. Whether it is short enough to be kept.
  bool set(std::string_view value);
  // Behind the value that begins at `at` and has this shape; nullptr: it has another, or one that needs a closer look
  // (escapes, exponents, long numbers, the last bytes before `end`).
  const char* match(const char* at, const char* end) const;

 private:
  static constexpr std::size_t kMostBytes = 512, kMostParts = 64, kBlock = 16;
  enum class Kind : std::uint8_t { kNone, kNumber, kString };
  struct Part {
    std::uint16_t begin, size;  // bytes that stay the same
    Kind then;                  // what follows them
  };

  std::array<Part, kMostParts> parts_;
  std::size_t count_ = 0;
  std::array<char, kMostBytes + kBlock> bytes_;  // a block beyond the last part may be read
};

}  // namespace tal
