#include "libtal/base/digest.h"

#include <cstring>

namespace tal {
namespace {

constexpr std::uint64_t kSecret[4] = {0x2d358dccaa6c78a5u, 0x8bb84b93962eacc9u, 0x4b33a62ed433d4a3u,
                                      0x4d5a2da51de1aa47u};

struct Wide {
  std::uint64_t low, high;
};
Wide product(std::uint64_t a, std::uint64_t b) {
  __extension__ using Product = unsigned __int128;
  const Product p = static_cast<Product>(a) * b;
  return {static_cast<std::uint64_t>(p), static_cast<std::uint64_t>(p >> 64)};
}
std::uint64_t mixed(std::uint64_t a, std::uint64_t b) {
  const Wide p = product(a, b);
  return p.low ^ p.high;
}

std::uint64_t eight(const char* at) {
  std::uint64_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
std::uint64_t four(const char* at) {
  std::uint32_t value;
  std::memcpy(&value, at, sizeof value);
  return value;
}
std::uint64_t one(char c) { return static_cast<unsigned char>(c); }

// Up to 16 bytes as two words.
Wide short_words(std::string_view bytes) {
  const char* const at = bytes.data();
  const std::size_t size = bytes.size(), middle = size >> 3 << 2;
  if (size >= 4) return {four(at) << 32 | four(at + middle), four(at + size - 4) << 32 | four(at + size - 4 - middle)};
  if (size > 0) return {one(at[0]) << 16 | one(at[size >> 1]) << 8 | one(at[size - 1]), 0};
  return {0, 0};
}

}  // namespace

std::uint64_t wyhash(std::string_view bytes, std::uint64_t seed) {
  const char* at = bytes.data();
  std::size_t left = bytes.size();
  seed ^= mixed(seed ^ kSecret[0], kSecret[1]);
  Wide last;
  if (left <= 16) {
    last = short_words(bytes);
  } else {
    if (left >= 48) {
      std::uint64_t second = seed, third = seed;
      for (; left >= 48; at += 48, left -= 48) {
        seed = mixed(eight(at) ^ kSecret[1], eight(at + 8) ^ seed);
        second = mixed(eight(at + 16) ^ kSecret[2], eight(at + 24) ^ second);
        third = mixed(eight(at + 32) ^ kSecret[3], eight(at + 40) ^ third);
      }
      seed ^= second ^ third;
    }
    for (; left > 16; at += 16, left -= 16) seed = mixed(eight(at) ^ kSecret[1], eight(at + 8) ^ seed);
    last = {eight(at + left - 16), eight(at + left - 8)};
  }
  last = product(last.low ^ kSecret[1], last.high ^ seed);
  return mixed(last.low ^ kSecret[0] ^ bytes.size(), last.high ^ kSecret[1]);
}

std::string hex16(std::uint64_t value) {
  static constexpr char kDigits[] = "0123456789abcdef";
  std::string out(16, '0');
  for (std::size_t i = 16; i-- > 0; value >>= 4) out[i] = kDigits[value & 15];
  return out;
}

}  // namespace tal
