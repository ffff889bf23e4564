// What numeric files are packed in: gzip, zlib, and zip archives (.npz, PyTorch's .pt/.pth). All sizes come from
// untrusted bytes and are checked against the archive before anything is read or allocated.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tal {

struct ZipEntry {
  std::string name;
  bool deflated = false;
  std::uint32_t crc = 0;
  std::uint64_t size = 0;   // unpacked
  std::string_view packed;  // the entry's bytes in the archive
};

// The entries of an archive in memory (zip and zip64; stored or deflated). Error for anything else: encrypted entries,
// doubled names, sizes that do not lie in the archive or that deflate cannot reach.
std::vector<ZipEntry> zip_entries(std::string_view archive);
bool looks_like_zip(std::string_view bytes);

// The entry's unpacked bytes, its checksum verified. Error names the entry. Stored entries come back as a view;
// deflated ones are unpacked into `storage`.
std::string_view unzip(const ZipEntry& entry, std::string& storage);

// At most the first `most` of the entry's unpacked bytes, without its checksum: enough to look at a header.
std::string unzip_start(const ZipEntry& entry, std::size_t most);

// Unpacks gzip (several members are joined); at most `limit` bytes. Error when cut off or damaged.
bool looks_like_gzip(std::string_view bytes);
std::string gunzip(std::string_view bytes, std::uint64_t limit = 1ull << 32);
// Unpacks one zlib stream (MATLAB's compressed elements); at most `limit` bytes. Error as gunzip.
std::string inflate_zlib(std::string_view bytes, std::uint64_t limit);

}  // namespace tal
