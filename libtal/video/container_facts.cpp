#include "libtal/video/container_facts.h"

#include <algorithm>
#include <bit>
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

constexpr const char *kWithinFragment = "the file ends within a fragment",
                     *kNoIndex = "the index at its end is missing";

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

// RFC 8794: an element's id and size. length 0: it is none; npos: it is not whole.
struct EbmlHead {
  static constexpr std::size_t kLongest = 12;
  std::size_t length = 0;
  std::uint64_t id = 0, size = 0;
  bool sized = true;
};
EbmlHead ebml_head(std::string_view bytes) {
  const auto width = [&](std::size_t at) {
    return static_cast<std::size_t>(std::countl_zero(static_cast<unsigned char>(bytes[at]))) + 1;
  };
  EbmlHead head;
  if (bytes.empty() || width(0) > 4) return head;
  head.length = std::string_view::npos;
  const std::size_t name = width(0);
  if (bytes.size() <= name) return head;
  const std::size_t size = width(name);
  if (size <= 8 && bytes.size() < name + size) return head;
  head.length = size > 8 ? 0 : name + size;
  if (head.length == 0) return head;
  const std::uint64_t most = (std::uint64_t{1} << 7 * size) - 1;
  head.id = big_endian(bytes, 0, name), head.size = big_endian(bytes, name, size) & most;
  head.sized = head.size != most;
  return head;
}

// Clusters and, of those without a size, their blocks. Cut behind them, the file lacks no picture.
std::string matroska_end(std::istream& file, std::uint64_t size) {
  constexpr std::uint64_t kSegment = 0x18538067, kCluster = 0x1f43b675, kGroup = 0xa0, kBlock = 0xa3;
  for (std::uint64_t at = 0; at < size;) {
    const auto head = ebml_head(bytes_at(file, at, EbmlHead::kLongest));
    if (head.length == std::string_view::npos) return "the file ends within a cluster";
    if (head.length == 0) return {};  // something else
    const bool open = head.id == kSegment || (head.id == kCluster && !head.sized);
    if (!open && !head.sized) return {};
    at += head.length;
    if (open) continue;
    if (head.size > size - std::min(at, size)) {
      if (head.id == kGroup || head.id == kBlock) return "the file ends within a block";
      return head.id == kCluster ? "the file ends within a cluster" : "";
    }
    at += head.size;
  }
  return {};
}

// GIF89a: blocks of 255 bytes at most, up to an empty one. Some writers leave out the trailer.
std::string gif_end(std::istream& file, std::uint64_t size) {
  const auto byte = [&](std::uint64_t at) {
    const std::string one = bytes_at(file, at, 1);
    return one.empty() ? 0u : static_cast<unsigned char>(one[0]);
  };
  const auto colours = [](unsigned flags) { return flags & 0x80 ? 3u << ((flags & 7) + 1) : 0u; };
  for (std::uint64_t at = 13 + colours(byte(10)); at < size;) {
    const unsigned kind = byte(at);
    if (kind != 0x21 && kind != 0x2c) return {};  // the trailer, or something else
    at += kind == 0x21 ? 2 : 11 + colours(byte(at + 9));
    unsigned count = 1;
    for (; count > 0 && at < size; at += 1 + count) count = byte(at);
    if (count > 0 || at > size) return "the file ends within a picture";
  }
  return {};
}

// PNG and animated PNG: chunks with their length, name, data and checksum, up to IEND.
std::string png_end(std::istream& file, std::uint64_t size) {
  constexpr std::size_t kHead = 8, kAround = 12;
  for (std::uint64_t at = kHead; at + kAround <= size;) {
    const std::string head = bytes_at(file, at, kHead);
    if (head.ends_with("IEND")) return {};
    at += kAround + big_endian(head, 0, 4);
  }
  return "the file ends within a chunk";
}

// Pictures behind their size and time stamp.
std::string ivf_end(std::istream& file, std::uint64_t size) {
  constexpr std::size_t kFrame = 12;
  const std::string head = bytes_at(file, 0, 8);
  if (head.size() < 8) return {};
  std::uint64_t at = little_endian(head, 6, 2);
  while (at + kFrame <= size) at += kFrame + little_endian(bytes_at(file, at, 4), 0, 4);
  return at == size ? "" : "the file ends within a picture";
}

// A line that begins with FRAME, then a picture as it is.
std::string y4m_end(std::istream& file, std::uint64_t size, std::uint64_t picture) {
  constexpr std::string_view kFrame = "FRAME";
  constexpr std::size_t kLine = 1024;
  std::uint64_t at = bytes_at(file, 0, kLine).find('\n') + 1;
  while (at > 0 && at < size) {
    const std::string line = bytes_at(file, at, kLine);
    const auto length = line.find('\n') + 1;
    if (!line.starts_with(kFrame.substr(0, line.size()))) return {};  // something else
    if (length == 0 || at + length + picture > size) return "the file ends within a picture";
    at += length + picture;
  }
  return {};
}

// AVI that was written into a pipe, whose sizes are not known: chunks with their size, filled up to a whole word.
std::string avi_end(std::istream& file, std::uint64_t size) {
  constexpr std::size_t kHead = 12, kChunk = 8;
  if (riff_bytes(bytes_at(file, 0, kChunk)) || bytes_at(file, kChunk, 4) != "AVI ") return {};
  for (std::uint64_t at = kHead; at < size;) {
    const std::string head = bytes_at(file, at, kHead);
    if (head.size() < kChunk) return "the file ends within a chunk";
    const bool word = std::all_of(head.begin(), head.begin() + 4, [](unsigned char c) { return c > ' ' && c < 0x7f; });
    if (!word) return {};  // something else
    const auto length = little_endian(head, 4, 4);
    const bool open = (head.starts_with("LIST") || head.starts_with("RIFF")) && length > size - at;
    if (!open && length > size - at - kChunk) return "the file ends within a chunk";
    at += open ? kHead : kChunk + length + length % 2;
  }
  return {};
}

// ISO/IEC 14496-12: boxes with their size. The pictures of a fragment (moof) follow it. Of files without fragments
// their index tells.
std::string fragments_end(std::istream& file, std::uint64_t size) {
  constexpr std::size_t kBox = 8, kLarge = 16;
  bool fragments = false, waiting = false;  // waiting: for the pictures of a fragment
  for (std::uint64_t at = 0; at < size;) {
    const std::string head = bytes_at(file, at, kLarge);
    if (head.size() < kBox)
      return waiting || (fragments && head.find_first_not_of('\0') != head.npos) ? kWithinFragment : "";
    const std::string kind = head.substr(4, 4);
    std::uint64_t length = big_endian(head, 0, 4);
    if (length == 1 && head.size() == kLarge) length = big_endian(head, 8, 8);
    const bool word = std::all_of(kind.begin(), kind.end(), [](unsigned char c) { return c >= ' ' && c < 0x7f; });
    if (length < kBox || !word) return "";  // up to the end, or something else
    fragments = fragments || kind == "moof";
    waiting = kind == "moof" || (waiting && kind != "mdat");
    const bool behind = kind == "mfra" || kind == "free" || kind == "skip" || kind == "uuid";  // no pictures there
    if (length > size - at) return fragments && (waiting || !behind) ? kWithinFragment : "";
    at += length;
  }
  return waiting ? kWithinFragment : "";
}

// NUT: behind the pictures an index: its code, its length (7 bits a byte), its entries. Others' bytes may follow.
std::string nut_end(std::istream& file, std::uint64_t size) {
  constexpr std::string_view kIndex("NX\xdd\x67\x2f\x23\xe6\x4e", 8);
  constexpr std::size_t kTail = 1 << 20, kBehind = 12;
  const std::string tail = last_bytes(file, size, kTail);
  if (auto at = tail.rfind(kIndex); at != std::string::npos) {
    std::uint64_t length = 0;
    for (at += kIndex.size(); at < tail.size(); ++at) {
      length = length << 7 | (tail[at] & 0x7f);
      if ((tail[at] & 0x80) == 0) return length < tail.size() - at ? "" : kNoIndex;
    }
    return kNoIndex;
  }
  // One that is longer: at the end stands how long, and a checksum.
  const std::uint64_t length = tail.size() < kBehind ? 0 : big_endian(tail, tail.size() - kBehind, 8);
  return length <= size && bytes_at(file, size - length, kIndex.size()) == kIndex ? "" : kNoIndex;
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

std::string file_end(std::istream& file, std::uint64_t picture) {
  const std::uint64_t size = size_of(file);
  const std::string head = bytes_at(file, 0, 4);
  if (head == "OggS") return ogg_end(file, size);
  if (head.starts_with("FLV")) return flv_end(file, size);
  if (head == std::string_view("\0\0\1\xba", 4)) return program_stream_end(file, size);
  if (head == "\x1a\x45\xdf\xa3") return matroska_end(file, size);
  if (head == "GIF8") return gif_end(file, size);
  if (head == "\x89PNG") return png_end(file, size);
  if (head == "RIFF") return avi_end(file, size);
  if (head == "nut/") return nut_end(file, size);
  if (const std::string kind = bytes_at(file, 4, 4); kind == "ftyp" || kind == "styp" || kind == "moov")
    return fragments_end(file, size);
  if (head == "DKIF") return ivf_end(file, size);
  if (head == "YUV4" && picture > 0) return y4m_end(file, size, picture);
  if (stated_bytes(file, head) > size) return "the file is shorter than its header says";
  return transport_stream_end(file, size);
}

std::optional<std::int64_t> avi_pictures(std::istream& file, int stream) {
  constexpr std::size_t kHead = 12, kChunk = 8, kEntry = 16;
  const std::uint64_t size = size_of(file);
  const auto riff = riff_bytes(bytes_at(file, 0, kChunk));
  if (!riff || bytes_at(file, *riff + *riff % 2, 4) == "RIFF") return std::nullopt;
  std::string number = std::to_string(stream);
  number.insert(0, number.size() < 2 ? 1 : 0, '0');
  for (std::uint64_t at = kHead; at + kChunk <= size;) {
    const std::string head = bytes_at(file, at, kChunk);
    const auto length = little_endian(head, 4, 4);
    if (head.starts_with("idx1")) {
      const std::string index = bytes_at(file, at + kChunk, static_cast<std::size_t>(std::min(length, size)));
      if (index.size() < length) return std::nullopt;
      std::int64_t pictures = 0;  // of chunks such as 00dc; 00pc are palettes
      for (std::size_t k = 0; k + kEntry <= index.size(); k += kEntry)
        pictures += index.compare(k, 2, number) == 0 && index[k + 2] != 'p' && little_endian(index, k + 12, 4) > 0;
      return pictures;
    }
    at += kChunk + length + length % 2;
  }
  return std::nullopt;
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
