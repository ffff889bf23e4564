#include "libtal/video/container_facts.h"

#include <cstdint>

namespace tal {
namespace {

std::uint64_t little_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = size; i-- > 0;) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

}  // namespace

std::optional<double> asf_duration(std::string_view head) {
  constexpr std::string_view kHeader("\x30\x26\xb2\x75\x8e\x66\xcf\x11", 8),
      kFileProperties("\xa1\xdc\xab\x8c\x47\xa9\xcf\x11\x8e\xe4\x00\xc0\x0c\x20\x53\x65", 16);
  // Behind the object's GUID: its size, the file's GUID, its size, its date, its packets, then these.
  constexpr std::size_t kPlay = 64, kPreroll = 80, kFlags = 88, kEnd = 92;
  const auto at = head.find(kFileProperties);
  if (!head.starts_with(kHeader) || at == std::string_view::npos || head.size() - at < kEnd) return std::nullopt;
  const auto object = head.substr(at);
  const bool broadcast = little_endian(object, kFlags, 4) & 1;
  const double play = static_cast<double>(little_endian(object, kPlay, 8)) / 1e7,
               preroll = static_cast<double>(little_endian(object, kPreroll, 8)) / 1e3;
  if (broadcast || play <= preroll) return std::nullopt;
  return play - preroll;
}

std::optional<std::uint64_t> riff_bytes(std::string_view head) {
  constexpr std::size_t kSize = 4, kEnd = 8;
  constexpr std::uint64_t kUnknown = 0xffffffff;  // of one that was written into a pipe
  if (head.size() < kEnd || !head.starts_with("RIFF")) return std::nullopt;
  const auto size = little_endian(head, kSize, 4);
  return size == kUnknown ? std::nullopt : std::optional(size + kEnd);
}

bool is_animated_webp(std::string_view head) {
  constexpr std::size_t kFlags = 20;
  return head.starts_with("RIFF") && head.size() > kFlags && head.substr(8, 8) == "WEBPVP8X" && (head[kFlags] & 2) != 0;
}

}  // namespace tal
