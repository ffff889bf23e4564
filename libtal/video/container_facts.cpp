#include "libtal/video/container_facts.h"

#include <algorithm>
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
  // What stands there when it was written into a pipe: all bits, or by SoX, arecord and others about the largest number
  // with a sign, with or without the header.
  const auto unknown = [](std::uint64_t size) {
    return size == 0xffffffff || (size >= 0x7fff0000 && size <= 0x8000ffff);
  };
  if (head.size() < kEnd || !head.starts_with("RIFF")) return std::nullopt;
  const auto size = little_endian(head, kSize, 4);
  return unknown(size) ? std::nullopt : std::optional(size + kEnd);
}

namespace {

std::uint64_t big_endian(std::string_view bytes, std::size_t at, std::size_t size) {
  std::uint64_t value = 0;
  for (std::size_t i = 0; i < size; ++i) value = value << 8 | static_cast<unsigned char>(bytes[at + i]);
  return value;
}

std::uint64_t size_of(std::istream& file) {
  file.clear();
  file.seekg(0, std::ios::end);
  const auto end = file.tellg();
  return end > 0 ? static_cast<std::uint64_t>(end) : 0;
}

// As many of the bytes as there are.
std::string bytes_at(std::istream& file, std::uint64_t at, std::size_t count) {
  std::string out(count, '\0');
  file.clear();
  file.seekg(static_cast<std::streamoff>(at));
  file.read(out.data(), static_cast<std::streamsize>(count));
  out.resize(static_cast<std::size_t>(file.gcount()));
  return out;
}

std::string last_bytes(std::istream& file, std::uint64_t size, std::size_t count) {
  const auto many = static_cast<std::size_t>(std::min<std::uint64_t>(size, count));
  return bytes_at(file, size - many, many);
}

// RFC 3533: "OggS", version 0, flags (2: the stream's first page, 4: its last), granule position, serial number, 8
// bytes more, the number of segments, their sizes.
struct OggPage {
  static constexpr std::size_t kHeader = 27, kLargest = kHeader + 255 + 255 * 255;
  static constexpr std::string_view kBegins = "OggS";
  std::size_t header = 0, length = 0;  // length: of all of it; 0: this is no page, or its header is not whole
  bool first = false, last = false;
  std::int64_t granule = 0;
  std::uint64_t serial = 0;
};
OggPage ogg_page(std::string_view bytes) {
  constexpr std::size_t kFlags = 5, kGranule = 6, kSerial = 14, kSegments = 26;
  OggPage page;
  if (bytes.size() < OggPage::kHeader || !bytes.starts_with(OggPage::kBegins)) return page;
  page.header = OggPage::kHeader + static_cast<unsigned char>(bytes[kSegments]);
  if (bytes.size() < page.header) return page;
  page.length = page.header;
  for (std::size_t i = OggPage::kHeader; i < page.header; ++i) page.length += static_cast<unsigned char>(bytes[i]);
  page.first = bytes[kFlags] & 2, page.last = bytes[kFlags] & 4;
  page.granule = static_cast<std::int64_t>(little_endian(bytes, kGranule, 8));
  page.serial = little_endian(bytes, kSerial, 4);
  return page;
}

std::string ogg_end(std::istream& file, std::uint64_t size) {
  const std::string tail = last_bytes(file, size, 2 * OggPage::kLargest);
  std::string_view rest = tail;
  std::string end;
  while (true) {
    const auto at = rest.find(OggPage::kBegins);  // what follows no page may be data that look like one
    if (at == std::string_view::npos) break;
    rest.remove_prefix(at);
    const auto page = ogg_page(rest);
    if (page.length == 0 || rest.size() < page.length) return "the file ends within a page";
    end = page.last ? "" : "its last page does not say that the stream ends";
    rest.remove_prefix(page.length);
  }
  if (!rest.empty() && rest.size() < OggPage::kBegins.size() && OggPage::kBegins.starts_with(rest))
    return "the file ends within a page";
  return end;
}

// Packets of one size, each with a byte 0x47 at its beginning, or (192) behind a time stamp. Recordings may begin
// within one.
std::string transport_stream_end(std::istream& file, std::uint64_t size) {
  constexpr std::size_t kHead = 4096;
  constexpr int kSeen = 8;
  const std::string head = bytes_at(file, 0, kHead);
  for (const std::size_t packet : {188, 192, 204})
    for (std::size_t first = 0; first < packet; ++first) {
      int seen = 0;
      for (std::size_t at = first; at < head.size() && head[at] == 0x47; at += packet) ++seen;
      if (seen < kSeen) continue;
      const std::size_t before = packet == 192 && first >= 4 ? first - 4 : first;
      return (size - before) % packet == 0 ? "" : "the file ends within a packet";
    }
  return {};
}

// ISO/IEC 13818-1: pack headers, and packets that state their size. 0: none of them; npos: its header is not whole.
std::size_t program_unit(std::string_view bytes) {
  if (bytes.size() < 4 || !bytes.starts_with(std::string_view("\0\0\1", 3))) return 0;
  const auto code = static_cast<unsigned char>(bytes[3]);
  if (code == 0xb9) return 4;
  if (code == 0xba) {
    if (bytes.size() < 14) return std::string_view::npos;
    return (bytes[4] & 0xc0) == 0x40 ? 14 + (static_cast<unsigned char>(bytes[13]) & 7) : 12;  // of MPEG-1
  }
  if (code < 0xbb) return 0;
  return bytes.size() < 6 ? std::string_view::npos : 6 + static_cast<std::size_t>(big_endian(bytes, 4, 2));
}

std::string program_stream_end(std::istream& file, std::uint64_t size) {
  constexpr std::size_t kTail = 1 << 20;
  constexpr std::string_view kPack("\0\0\1\xba", 4);
  const std::string tail = last_bytes(file, size, kTail);
  std::string_view rest = tail;
  while (!rest.empty()) {
    const std::size_t unit = program_unit(rest);
    if (unit > rest.size()) return "the file ends within a packet";
    const auto next = unit > 0 ? unit : rest.find(kPack, 1);  // what is no unit is passed over
    rest.remove_prefix(std::min(next, rest.size()));
  }
  return {};
}

// Tags of 11 bytes and their data, behind each its size once more.
std::string flv_end(std::istream& file, std::uint64_t size) {
  constexpr std::size_t kTag = 11, kBack = 4;
  const auto tag_at = [&](std::uint64_t at) -> std::uint64_t {  // its size; 0: none
    const std::string tag = bytes_at(file, at, kTag);
    const int kind = tag.empty() ? 0 : tag[0] & 0x1f;
    return tag.size() == kTag && (kind == 8 || kind == 9 || kind == 18) ? kTag + big_endian(tag, 1, 3) : 0;
  };
  const std::string back = last_bytes(file, size, kBack);
  if (back.size() < kBack) return {};
  const std::uint64_t last = big_endian(back, 0, kBack);
  if (last > 0 && last + kBack <= size && tag_at(size - kBack - last) == last) return {};
  // Some writers get that size wrong: from the beginning, tag by tag.
  const std::string head = bytes_at(file, 0, 9);
  std::uint64_t at = head.size() < 9 ? size : big_endian(head, 5, 4) + kBack;
  while (at + kTag <= size) {
    const std::uint64_t tag = tag_at(at);
    if (tag == 0) return {};  // something else
    at += tag + kBack;
  }
  return at == size || at == size + kBack ? "" : "the file ends within a tag";
}

// Bytes of the whole file by its header: Sony's Wave64, RF64 and BW64, Apple's CAF. 0: it does not say.
std::uint64_t stated_bytes(std::istream& file, const std::string& head) {
  constexpr std::size_t kWave = 40, kChunk = 12;
  if (head == "caff") {
    for (std::uint64_t at = 8;;) {
      const std::string chunk = bytes_at(file, at, kChunk);
      const std::uint64_t many = chunk.size() < kChunk ? 0 : big_endian(chunk, 4, 8);
      if (many == 0 || many >> 62 != 0) return 0;  // of sound that is still written, -1
      at += kChunk + many;
      if (chunk.starts_with("data")) return at;
    }
  }
  const std::string wave = bytes_at(file, 0, kWave);
  if (wave.size() < kWave) return 0;
  if (head == "riff") return little_endian(wave, 16, 8);
  return (head == "RF64" || head == "BW64") && wave.substr(12, 4) == "ds64" ? little_endian(wave, 20, 8) + 8 : 0;
}

}  // namespace

std::string file_end(std::istream& file) {
  const std::uint64_t size = size_of(file);
  const std::string head = bytes_at(file, 0, 4);
  if (head == "OggS") return ogg_end(file, size);
  if (head.starts_with("FLV")) return flv_end(file, size);
  if (head == std::string_view("\0\0\1\xba", 4)) return program_stream_end(file, size);
  if (stated_bytes(file, head) > size) return "the file is shorter than its header says";
  return transport_stream_end(file, size);
}

bool vorbis_in_one_page(std::istream& file) {
  constexpr std::string_view kVorbis("\1vorbis", 7);
  std::optional<std::uint64_t> serial;
  for (std::uint64_t at = 0;;) {
    const std::string bytes = bytes_at(file, at, OggPage::kHeader + 255 + kVorbis.size());
    const auto page = ogg_page(bytes);
    if (page.length == 0) return false;
    if (page.first && std::string_view(bytes).substr(page.header).starts_with(kVorbis)) {
      if (serial) return false;
      serial = page.serial;
    }
    // Headers stand at 0; no packet ends in pages at -1.
    if (serial == page.serial && page.granule > 0) return page.last;
    at += page.length;
  }
}

bool is_animated_webp(std::string_view head) {
  constexpr std::size_t kFlags = 20;
  return head.starts_with("RIFF") && head.size() > kFlags && head.substr(8, 8) == "WEBPVP8X" && (head[kFlags] & 2) != 0;
}

}  // namespace tal
