// SHA-256 (FIPS 180-4): names the settings and the contents of feature streams.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace tal {

// Bytes may come in any pieces; hex() ends the message and can be called once.
class Sha256 {
 public:
  Sha256();
  void update(std::string_view bytes);
  std::string hex();  // 64 lower-case digits

 private:
  void block(const unsigned char* bytes);
  std::array<std::uint32_t, 8> state_;
  std::array<unsigned char, 64> buffer_{};
  std::size_t filled_ = 0;
  std::uint64_t bytes_ = 0;
};

// "sha256:" and the digits.
std::string sha256(std::string_view bytes);

// Whether the text has the form that sha256() gives.
bool is_sha256(std::string_view text);

}  // namespace tal
