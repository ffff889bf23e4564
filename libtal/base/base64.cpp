#include "libtal/base/base64.h"

#include <algorithm>
#include <array>
#include <cstdint>

#include "libtal/base/error.h"

namespace tal {
namespace {

constexpr char kAlphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string base64_encode(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t group = 0;
    const std::size_t have = std::min<std::size_t>(3, bytes.size() - i);
    for (std::size_t k = 0; k < 3; ++k) group = group << 8 | (k < have ? static_cast<unsigned char>(bytes[i + k]) : 0u);
    for (std::size_t k = 0; k < 4; ++k) out += k <= have ? kAlphabet[group >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

std::string base64_decode(std::string_view text) {
  static const auto table = [] {
    std::array<signed char, 256> t{};
    t.fill(-1);
    for (int i = 0; i < 64; ++i) t[static_cast<unsigned char>(kAlphabet[i])] = static_cast<signed char>(i);
    return t;
  }();
  while (!text.empty() && text.back() == '=') text.remove_suffix(1);
  if (text.size() % 4 == 1) throw Error("the inline data are not base64: cut off");
  std::string out;
  out.reserve(text.size() * 3 / 4);
  std::uint32_t group = 0;
  int have = 0;
  for (const char c : text) {
    const int value = table[static_cast<unsigned char>(c)];
    if (value < 0) throw Error("the inline data are not base64");
    group = group << 6 | static_cast<std::uint32_t>(value);
    if (++have == 4) {
      out += static_cast<char>(group >> 16), out += static_cast<char>(group >> 8), out += static_cast<char>(group);
      group = 0, have = 0;
    }
  }
  if (have == 2) out += static_cast<char>(group >> 4);
  if (have == 3) out += static_cast<char>(group >> 10), out += static_cast<char>(group >> 2);
  return out;
}

}  // namespace tal
