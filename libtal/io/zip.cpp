#include "libtal/io/zip.h"

#include <zlib.h>

#include <algorithm>
#include <limits>
#include <set>

#include "libtal/base/error.h"
#include "libtal/io/file_kind.h"

namespace tal {
namespace {

std::uint64_t little(std::string_view bytes, std::size_t at, int width) {
  std::uint64_t value = 0;
  for (int i = width - 1; i >= 0; --i)
    value = value << 8 | static_cast<unsigned char>(bytes[at + static_cast<std::size_t>(i)]);
  return value;
}

// windowBits: 15 for zlib, 15 + 16 for gzip, -15 for bare deflate.
class Inflater {
 public:
  Inflater(std::string_view in, int window_bits) {
    if (inflateInit2(&stream_, window_bits) != Z_OK) throw Error("zlib cannot start");
    rest_ = in;
  }
  ~Inflater() { inflateEnd(&stream_); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;

  // Appends until the end of one member; Error when that needs more than `limit` bytes, the data end early or are
  // damaged.
  void member(std::string& out, std::uint64_t limit) {
    for (;;) {
      if (stream_.avail_in == 0 && !rest_.empty()) {
        const std::size_t part = std::min<std::size_t>(rest_.size(), 1u << 30);
        stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));
        stream_.avail_in = static_cast<uInt>(part);
        rest_.remove_prefix(part);
      }
      char block[1 << 16];
      stream_.next_out = reinterpret_cast<Bytef*>(block);
      stream_.avail_out = sizeof block;
      const int status = inflate(&stream_, Z_NO_FLUSH);
      const std::size_t made = sizeof block - stream_.avail_out;
      if (made > limit - std::min<std::uint64_t>(limit, out.size()))
        throw Error("unpacks to more than " + std::to_string(limit) + " bytes");
      out.append(block, made);
      if (status == Z_STREAM_END) return;
      if (status == Z_BUF_ERROR || (status == Z_OK && made == 0 && stream_.avail_in == 0 && rest_.empty()))
        throw Error("the compressed data are cut off");
      if (status != Z_OK) throw Error("the compressed data are damaged");
    }
  }
  // The first bytes of a member, `most` of them when there are so many.
  std::string start(std::size_t most) {
    const std::size_t part = std::min<std::size_t>(rest_.size(), 1u << 30);
    stream_.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(rest_.data()));
    stream_.avail_in = static_cast<uInt>(part);
    std::string out(most, '\0');
    stream_.next_out = reinterpret_cast<Bytef*>(out.data());
    stream_.avail_out = static_cast<uInt>(most);
    const int status = inflate(&stream_, Z_SYNC_FLUSH);
    if (status != Z_OK && status != Z_STREAM_END && status != Z_BUF_ERROR)
      throw Error("the compressed data are damaged");
    out.resize(most - stream_.avail_out);
    return out;
  }
  // Ready for the next gzip member; its first bytes, or "" at the end.
  std::string_view next() {
    const auto left = static_cast<std::size_t>(stream_.avail_in);
    if (left > 0) rest_ = {reinterpret_cast<const char*>(stream_.next_in), left + rest_.size()};
    stream_.avail_in = 0;
    inflateReset(&stream_);
    return rest_;
  }

 private:
  z_stream stream_{};
  std::string_view rest_;
};

// Where an archive's directory lies, by its end record.
struct Directory {
  std::uint64_t entries = 0;
  std::string_view bytes;
};

// The offset of the end record: the last thing in the file but for a comment of at most 65535 bytes.
std::size_t find_end_record(std::string_view archive) {
  if (archive.size() < 22)
    throw Error("too short for a zip archive" + (looks_like_zip(archive) ? "" : what_it_is(archive)));
  const std::size_t lowest = archive.size() > 22 + 65535 ? archive.size() - 22 - 65535 : 0;
  for (std::size_t at = archive.size() - 22;; --at) {
    const bool marked = archive.substr(at, 4) == std::string_view("PK\x05\x06", 4);
    if (marked && at + 22 + little(archive, at + 20, 2) == archive.size()) return at;
    if (at == lowest && !looks_like_zip(archive)) throw Error("not a zip archive" + what_it_is(archive));
    if (at == lowest) throw Error("the zip archive has no end record: cut off?");
  }
}

Directory find_directory(std::string_view archive) {
  const std::size_t end = find_end_record(archive);
  std::uint64_t count = little(archive, end + 10, 2), size = little(archive, end + 12, 4),
                begin = little(archive, end + 16, 4);
  if (little(archive, end + 4, 2) != 0 && little(archive, end + 4, 2) != 0xffff)
    throw Error("zip archives in several parts are not read");
  if (end >= 20 && archive.substr(end - 20, 4) == std::string_view("PK\x06\x07", 4)) {
    const std::uint64_t at = little(archive, end - 20 + 8, 8);
    if (at > archive.size() || archive.size() - at < 56 || archive.substr(at, 4) != std::string_view("PK\x06\x06", 4))
      throw Error("the zip64 end record is not where it should be");
    count = little(archive, at + 32, 8), size = little(archive, at + 40, 8), begin = little(archive, at + 48, 8);
  }
  if (begin > end || size > end - begin || count > size / 46)
    throw Error("the zip directory does not lie in the archive");
  return {count, archive.substr(begin, size)};
}

// What the directory says of an entry.
struct Listed {
  std::string name;
  std::uint64_t flags = 0, method = 0, packed = 0, size = 0, local = 0;  // local: offset of the entry's own header
  std::uint32_t crc = 0;
};

// Takes zip64's sizes out of an entry's extra fields: only those that overflowed, in this order.
void read_wide_sizes(std::string_view extra, Listed& entry) {
  while (extra.size() >= 4) {
    const std::size_t id = little(extra, 0, 2), length = little(extra, 2, 2);
    if (length > extra.size() - 4) break;
    if (id == 1) {
      std::string_view wide = extra.substr(4, length);
      for (auto* field : {&entry.size, &entry.packed, &entry.local}) {
        if (*field != 0xffffffff) continue;
        if (wide.size() < 8) throw Error("'" + entry.name + "': the zip64 sizes are missing");
        *field = little(wide, 0, 8);
        wide.remove_prefix(8);
      }
    }
    extra.remove_prefix(4 + length);
  }
}

// Takes one entry off the front of the directory.
Listed next_listed(std::string_view& directory) {
  if (directory.size() < 46 || directory.substr(0, 4) != std::string_view("PK\x01\x02", 4))
    throw Error("the zip directory is damaged");
  const std::size_t name = little(directory, 28, 2), extra = little(directory, 30, 2),
                    comment = little(directory, 32, 2);
  if (directory.size() - 46 < name + extra + comment) throw Error("the zip directory is damaged");
  Listed entry;
  entry.name = directory.substr(46, name);
  entry.flags = little(directory, 8, 2), entry.method = little(directory, 10, 2);
  entry.crc = static_cast<std::uint32_t>(little(directory, 16, 4));
  entry.packed = little(directory, 20, 4), entry.size = little(directory, 24, 4),
  entry.local = little(directory, 42, 4);
  read_wide_sizes(directory.substr(46 + name, extra), entry);
  directory.remove_prefix(46 + name + extra + comment);
  return entry;
}

ZipEntry entry_of(std::string_view archive, Listed&& listed) {
  const auto fail = [&](const std::string& why) { return Error("'" + listed.name + "': " + why); };
  const std::uint64_t local = listed.local;
  if (listed.flags & 1) throw fail("encrypted entries are not read");
  if (listed.method != 0 && listed.method != 8)
    throw fail("zip method " + std::to_string(listed.method) + " is not read (stored and deflated are)");
  if (local > archive.size() || archive.size() - local < 30 ||
      archive.substr(local, 4) != std::string_view("PK\x03\x04", 4))
    throw fail("the entry is not where the directory says");
  const std::uint64_t data = local + 30 + little(archive, local + 26, 2) + little(archive, local + 28, 2);
  if (data > archive.size() || listed.packed > archive.size() - data) throw fail("the data do not lie in the archive");
  const bool deflated = listed.method == 8;
  // Deflate shrinks at most 1032 times: a larger claim is a lie.
  if (deflated ? listed.size / 1040 > listed.packed + 1 : listed.size != listed.packed)
    throw fail("the sizes are not possible");
  return {std::move(listed.name), deflated, listed.crc, listed.size, archive.substr(data, listed.packed)};
}

}  // namespace

bool looks_like_zip(std::string_view bytes) {
  return bytes.substr(0, 4) == std::string_view("PK\x03\x04", 4) ||
         bytes.substr(0, 4) == std::string_view("PK\x05\x06", 4);
}
bool looks_like_gzip(std::string_view bytes) { return bytes.substr(0, 3) == std::string_view("\x1f\x8b\x08", 3); }

std::vector<ZipEntry> zip_entries(std::string_view archive) {
  Directory directory = find_directory(archive);
  std::vector<ZipEntry> entries;
  std::set<std::string> names;
  for (std::uint64_t i = 0; i < directory.entries; ++i) {
    auto& entry = entries.emplace_back(entry_of(archive, next_listed(directory.bytes)));
    if (!names.insert(entry.name).second) throw Error("'" + entry.name + "': stands in the archive twice");
  }
  return entries;
}

std::string_view unzip(const ZipEntry& entry, std::string& storage) {
  try {
    std::string_view bytes = entry.packed;
    if (entry.deflated) {
      storage.clear();
      Inflater(entry.packed, -15).member(storage, entry.size);
      bytes = storage;
      if (bytes.size() != entry.size)
        throw Error("unpacks to " + std::to_string(bytes.size()) + " bytes, not " + std::to_string(entry.size));
    }
    if (crc32_z(0, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size()) != entry.crc)
      throw Error("the checksum does not fit: damaged");
    return bytes;
  } catch (const Error& error) {
    throw Error("'" + entry.name + "': " + error.message());
  }
}

std::string unzip_start(const ZipEntry& entry, std::size_t most) {
  if (!entry.deflated) return std::string(entry.packed.substr(0, most));
  try {
    return Inflater(entry.packed, -15).start(most);
  } catch (const Error& error) {
    throw Error("'" + entry.name + "': " + error.message());
  }
}

std::string gunzip(std::string_view bytes, std::uint64_t limit) {
  std::string out;
  try {
    Inflater inflater(bytes, 15 + 16);
    do inflater.member(out, limit);
    while (looks_like_gzip(inflater.next()));
  } catch (const Error& error) {
    throw Error("gzip: " + error.message());
  }
  return out;
}

std::string inflate_zlib(std::string_view bytes, std::uint64_t limit) {
  std::string out;
  Inflater(bytes, 15).member(out, limit);
  return out;
}

}  // namespace tal
