#include "libtal/io/file_kind.h"

#include <algorithm>

#include "libtal/base/text.h"

namespace tal {
namespace {

constexpr const char* kText = "UTF-8 text";
constexpr const char* kItself = "the file itself";

struct Beginning {
  std::string_view bytes;
  FileKind kind;
};

// Longer ones first: UTF-32's mark begins like UTF-16's.
constexpr Beginning kBeginnings[] = {
    {{"\xff\xfe\0\0", 4}, {"UTF-32 text", kText, "save it as UTF-8"}},
    {{"\0\0\xfe\xff", 4}, {"UTF-32 text", kText, "save it as UTF-8"}},
    {"\xff\xfe", {"UTF-16 text", kText, "save it as UTF-8"}},
    {"\xfe\xff", {"UTF-16 text", kText, "save it as UTF-8"}},
    {{"PK\3\4", 4}, {"a ZIP archive (workbooks of spreadsheets are such)", kText, "save it as UTF-8"}},
    {"\xd0\xcf\x11\xe0", {"an old office file", kText, "save it as UTF-8"}},
    {"\x1f\x8b", {"compressed with gzip", kText, "unpack it with gunzip"}},
    {{"\3757zXZ\0", 6}, {"compressed with xz", kItself, "unpack it with unxz"}},
    {"\x28\xb5\x2f\xfd", {"compressed with zstd", kItself, "unpack it with unzstd"}},
    {"7z\xbc\xaf\x27\x1c", {"a 7-Zip archive", kItself, "unpack it"}},
    {"Rar!\x1a\7", {"a RAR archive", kItself, "unpack it"}},
    {"version https://git-lfs", {"a Git LFS pointer", kItself, "git lfs pull fetches it"}},
    {{"SQLite format 3\0", 16}, {"an SQLite database", kText, "export its table"}},
    {"\x93NUMPY", {"a NumPy array (.npy)", kText, "give it where arrays are read"}},
    {"\x89HDF\r\n\x1a\n", {"an HDF5 file", kText, "give it where arrays are read"}},
    {"%PDF-", {"a PDF document", kText, "save it as UTF-8"}},
};
constexpr FileKind kBareUtf16{"UTF-16 text", kText, "save it as UTF-8"};
constexpr FileKind kBzip2{"compressed with bzip2", kItself, "unpack it with bunzip2"};
constexpr FileKind kHtml{"an HTML page", kItself, "what a server says instead of a file? Fetch it anew"};

// Every other byte of plain text in UTF-16 is zero, with or without a mark before it.
bool is_bare_utf16(std::string_view bytes) {
  if (bytes.size() < 4) return false;
  const auto zero = [&](std::size_t i) { return bytes[i] == '\0'; };
  return (!zero(0) && zero(1) && !zero(2) && zero(3)) || (zero(0) && !zero(1) && zero(2) && !zero(3));
}

// Its size of blocks, then pi; an id of a video may begin with the letters alone.
bool is_bzip2(std::string_view bytes) { return bytes.starts_with("BZh") && bytes.substr(4).starts_with("1AY&SY"); }

bool is_html(std::string_view bytes) {
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
  return begins_alike(bytes, "<!doctype html") || begins_alike(bytes, "<html") || begins_alike(bytes, "<table");
}

}  // namespace

const FileKind* file_kind(std::string_view bytes) {
  for (const auto& [beginning, kind] : kBeginnings)
    if (bytes.starts_with(beginning)) return &kind;
  if (is_bzip2(bytes)) return &kBzip2;
  return is_bare_utf16(bytes) ? &kBareUtf16 : is_html(bytes) ? &kHtml : nullptr;
}

std::string what_it_is(std::string_view bytes) {
  if (bytes.empty()) return " (it is empty)";
  const FileKind* kind = file_kind(bytes);
  if (!kind) {
    bytes = bytes.substr(0, 4096);
    const bool text =
        std::all_of(bytes.begin(), bytes.end(), [](char c) { return c >= ' ' || c == '\n' || c == '\r' || c == '\t'; });
    const auto line = bytes.substr(0, std::min(bytes.find_first_of("\r\n"), bytes.size()));
    return text ? " (it is text, which begins " + in_quotes(line) + ")" : "";
  }
  const std::string why = kind->not_what == kItself ? std::string(", not the file itself: ") + kind->remedy : "";
  return std::string(" (it is ") + kind->what + why + ")";
}

}  // namespace tal
