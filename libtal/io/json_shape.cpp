#include "libtal/io/json_shape.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "libtal/io/byte_masks.h"

namespace tal {
namespace {

bool begins_number(char c) { return c == '-' || static_cast<unsigned char>(c - '0') < 10; }

// Behind a number without exponent of at most 30 bytes, where 32 can be read; nullptr: none. What stands behind it is
// the next part's to compare.
const char* plain_number(const char* at) {
  const std::uint32_t digits = digit_bytes(at) | digit_bytes(at + 16) << 16;
  std::uint32_t i = *at == '-' ? 1 : 0;
  const auto whole = static_cast<std::uint32_t>(std::countr_one(digits >> i));
  if (whole == 0 || (whole > 1 && at[i] == '0')) return nullptr;
  i += whole;
  if (i >= 31) return nullptr;
  if (at[i] == '.') {
    const auto fraction = static_cast<std::uint32_t>(std::countr_one(digits >> (i + 1)));
    if (fraction == 0) return nullptr;
    i += 1 + fraction;
    if (i >= 32) return nullptr;
  }
  return at + i;
}

// Behind a string without escapes; nullptr: none, or it reaches the last bytes.
const char* plain_string(const char* at, const char* end) {
  if (*at++ != '"') return nullptr;
  at = skip_plain(at, end);
  return end - at >= 16 && *at == '"' ? at + 1 : nullptr;
}

}  // namespace

bool JsonShape::set(std::string_view value) {
  count_ = 0;
  if (value.size() > kMostBytes) return false;
  std::memcpy(bytes_.data(), value.data(), value.size());
  std::size_t begin = 0;
  const auto add = [&](std::size_t end, Kind then) {
    if (count_ == kMostParts) return false;
    parts_[count_++] = {static_cast<std::uint16_t>(begin), static_cast<std::uint16_t>(end - begin), then};
    return true;
  };
  for (std::size_t i = 0; i < value.size();) {
    if (value[i] == '"') {
      std::size_t end = i + 1;
      while (value[end] != '"') end += value[end] == '\\' ? 2 : 1;
      ++end;
      const auto next = value.find_first_not_of(" \t\r\n", end);
      const bool name = next != std::string_view::npos && value[next] == ':';
      if (!name) {
        if (!add(i, Kind::kString)) return count_ = 0, false;
        begin = end;
      }
      i = end;
    } else if (begins_number(value[i])) {
      if (!add(i, Kind::kNumber)) return count_ = 0, false;
      i = std::min(value.find_first_of(",]} \t\r\n", i), value.size());
      begin = i;
    } else {
      ++i;
    }
  }
  if (!add(value.size(), Kind::kNone)) return count_ = 0, false;
  return true;
}

const char* JsonShape::match(const char* at, const char* end) const {
  for (std::size_t k = 0; k < count_; ++k) {
    const Part& part = parts_[k];
    const char* own = bytes_.data() + part.begin;
    // Room for the part's last block, and for those in which what follows it is looked for.
    if (end - at < static_cast<std::ptrdiff_t>(part.size + 2 * kBlock)) return nullptr;
    std::size_t left = part.size;
    for (; left >= kBlock; left -= kBlock, at += kBlock, own += kBlock)
      if (equal_bytes(at, own) != 0xffff) return nullptr;
    if (const std::uint32_t wanted = (1u << left) - 1; (equal_bytes(at, own) & wanted) != wanted) return nullptr;
    at += left;
    if (part.then == Kind::kNumber) at = plain_number(at);
    else if (part.then == Kind::kString) at = plain_string(at, end);
    if (!at) return nullptr;
  }
  return count_ > 0 ? at : nullptr;
}

}  // namespace tal
