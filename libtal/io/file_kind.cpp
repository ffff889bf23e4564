#include "libtal/io/file_kind.h"

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/base/text.h"

namespace tal {
namespace {

constexpr const char* kText = "UTF-8 text";
constexpr const char* kItself = "the file itself";

struct Beginning {
  std::string_view bytes;
  FileKind kind;
};

// Tables of other programs, which theirs write as text.
constexpr const char* kTable = "save its table as CSV (pandas reads it, to_csv('FILE.csv', index=False) writes it)";
constexpr FileKind kParquet{"a Parquet file", kText, kTable};
constexpr FileKind kFeather{"a Feather or Arrow file", kText, kTable};
constexpr FileKind kStata{"a file of Stata (.dta)", kText, kTable};
constexpr FileKind kSpss{"a file of SPSS (.sav)", kText, kTable};
constexpr FileKind kSas{"a file of SAS", kText, kTable};
constexpr FileKind kR{"a file of R (.rds, .RData)", kText,
                      "save its table as CSV (in R, write.csv(x, 'FILE.csv', row.names = FALSE))"};

// Longer ones first: UTF-32's mark begins like UTF-16's.
constexpr Beginning kBeginnings[] = {
    {{"\xff\xfe\0\0", 4}, {"UTF-32 text", kText, "save it as UTF-8"}},
    {{"\0\0\xfe\xff", 4}, {"UTF-32 text", kText, "save it as UTF-8"}},
    {"\xff\xfe", {"UTF-16 text", kText, "save it as UTF-8"}},
    {"\xfe\xff", {"UTF-16 text", kText, "save it as UTF-8"}},
    {{"PK\3\4", 4},
     {"a ZIP archive (workbooks of spreadsheets are such)", kText, "unpack it, or save it as CSV in UTF-8"}},
    {"\xd0\xcf\x11\xe0", {"an old office file", kText, "save it as CSV in UTF-8"}},
    {"\x1f\x8b", {"compressed with gzip", kText, "unpack it with gunzip"}},
    {{"\3757zXZ\0", 6}, {"compressed with xz", kItself, "unpack it with unxz"}},
    {"\x28\xb5\x2f\xfd", {"compressed with zstd", kItself, "unpack it with unzstd"}},
    {"7z\xbc\xaf\x27\x1c", {"a 7-Zip archive", kItself, "unpack it"}},
    {"Rar!\x1a\7", {"a RAR archive", kItself, "unpack it"}},
    {"version https://git-lfs", {"a Git LFS pointer", kItself, "git lfs pull fetches it"}},
    {{"SQLite format 3\0", 16}, {"an SQLite database", kText, "export its table"}},
    {"\x93NUMPY",
     {"a NumPy array (.npy)", kText,
      "give it where arrays are read (tal-convert --from features, tal-check of an .npy)"}},
    {"\x89HDF\r\n\x1a\n", {"an HDF5 file", kText, "give it where arrays are read (tal-convert --from features)"}},
    {"MATLAB 5.0 MAT-file", {"a MATLAB file", kText, "give it where arrays are read (tal-convert --from features)"}},
    {"%PDF-", {"a PDF document", kText, "copy its table into a file of text (CSV in UTF-8)"}},
    {"{\\rtf", {"a document of a word processor (RTF)", kText, "save it as text in UTF-8"}},
    {{"ARROW1\0\0", 8}, kFeather},
    {{"FEA1\0\0\0\0", 8}, kFeather},
    {{"Obj\1", 4}, {"an Avro file", kText, "save its table as CSV"}},
    {"<stata_dta>", kStata},
    {{"\x71\1\1\0", 4}, kStata},
    {{"\x71\2\1\0", 4}, kStata},
    {{"\x72\1\1\0", 4}, kStata},
    {{"\x72\2\1\0", 4}, kStata},
    {{"\x73\1\1\0", 4}, kStata},
    {{"\x73\2\1\0", 4}, kStata},
    {"$FL2@(#)", kSpss},
    {"$FL3@(#)", kSpss},
    {{"\0\0\0\0\0\0\0\0\0\0\0\0\xc2\xea\x81\x60", 16}, kSas},
    {"HEADER RECORD*******LIB", kSas},
    {{"X\n\0\0\0", 5}, kR},
    {"RDX2\nX\n", kR},
    {"RDX3\nX\n", kR},
};
constexpr FileKind kPickle{"a Python pickle (older .pt and .pth files are such)", kText,
                           "tal-convert --weights reads those of PyTorch"};
constexpr FileKind kSafetensors{"a safetensors file", kText,
                                "tal-check takes it as --kind model, the tools as --model or weights"};
constexpr FileKind kTar{"a tar archive", kItself, "unpack it"};

// What a ZIP archive is by the name of its first file.
struct Archive {
  std::string_view part;  // of the name
  FileKind kind;
};
constexpr FileKind kTorch{"a PyTorch file (.pt, .pth)", kText, "tal-convert --weights reads its tensors"};
constexpr FileKind kWorkbook{"a workbook of a spreadsheet or another office file", kText, "save it as CSV in UTF-8"};
constexpr Archive kArchives[] = {
    {"/data.pkl", kTorch},
    {"/.format_version", kTorch},
    {"/byteorder", kTorch},
    {"/version", kTorch},
    {"/constants.pkl", kTorch},
    {"[Content_Types].xml", kWorkbook},
    {"_rels/", kWorkbook},
    {"docProps/", kWorkbook},
    {"xl/", kWorkbook},
    {"mimetype", kWorkbook},
    {".npy", {"an archive of NumPy arrays (.npz)", kText, "tal-convert --from features reads it"}},
};

constexpr const char* kToExtract = "tal-extract makes features of it, and tal-check opens the videos that records name";
constexpr FileKind kVideo{"a video", kText, kToExtract};
constexpr FileKind kMatroska{"a video (Matroska or WebM)", kText, kToExtract};
constexpr FileKind kMp4{"a video or sound (MP4 or MOV)", kText, kToExtract};
constexpr FileKind kAvi{"a video (AVI)", kText, kToExtract};
constexpr FileKind kMpeg{"a video (MPEG)", kText, kToExtract};
constexpr FileKind kSound{"a sound file", kText, "tal-extract makes features of it (--encoder log-mel)"};
constexpr FileKind kPicture{"a picture", kText, "no tool reads one by itself"};
constexpr Beginning kMedia[] = {
    {"\x1a\x45\xdf\xa3", kMatroska},
    {"FLV\1", kVideo},
    {"\x30\x26\xb2\x75\x8e\x66\xcf\x11", kVideo},
    {{"\0\0\1\xba", 4}, kMpeg},
    {{"OggS\0", 5}, {"a video or sound (Ogg)", kText, kToExtract}},
    {{"fLaC\0\0", 6}, kSound},
    {{"ID3\2\0", 5}, kSound},
    {{"ID3\3\0", 5}, kSound},
    {{"ID3\4\0", 5}, kSound},
    {"\x89PNG\r\n\x1a\n", kPicture},
    {"\xff\xd8\xff", kPicture},
    {"GIF87a", kPicture},
    {"GIF89a", kPicture},
    {{"II*\0", 4}, kPicture},
    {{"MM\0*", 4}, kPicture},
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

// Its mark, then Thrift's bytes; an id of a video may begin with the letters alone.
bool is_parquet(std::string_view bytes) {
  return bytes.size() > 4 && bytes.starts_with("PAR1") && static_cast<unsigned char>(bytes[4]) < ' ' &&
         std::string_view("\t\r\n").find(bytes[4]) == std::string_view::npos;
}

// Of an archive the kind of its first file.
const FileKind* archive_kind(std::string_view bytes) {
  constexpr std::size_t kHeader = 30, kLength = 26;
  if (!bytes.starts_with(std::string_view("PK\3\4", 4)) || bytes.size() < kHeader) return nullptr;
  const auto byte = [&](std::size_t at) { return static_cast<std::size_t>(static_cast<unsigned char>(bytes[at])); };
  const auto name = bytes.substr(kHeader, byte(kLength) | byte(kLength + 1) << 8);
  for (const auto& [part, kind] : kArchives)
    if (name.ends_with(part) || (part.back() == '/' && name.starts_with(part))) return &kind;
  return nullptr;
}

bool is_pickle(std::string_view bytes) {
  return bytes.size() > 2 && bytes[0] == '\x80' && bytes[1] >= 2 && bytes[1] <= 5;
}

// Eight bytes with the length of a header that is JSON.
bool is_safetensors(std::string_view bytes) {
  return bytes.size() > 10 && bytes[8] == '{' && bytes.substr(5, 3) == std::string_view("\0\0\0", 3) &&
         (bytes[9] == '"' || bytes[9] == '}');
}

bool is_transport_stream(std::string_view bytes) {
  constexpr std::size_t kPacket = 188;
  return bytes.size() > 2 * kPacket && bytes[0] == 'G' && bytes[kPacket] == 'G' && bytes[2 * kPacket] == 'G' &&
         bytes.substr(0, kPacket).find_first_of(std::string_view("\0\xff", 2)) != std::string_view::npos;
}

bool is_html(std::string_view bytes) {
  bytes.remove_prefix(std::min(bytes.find_first_not_of(" \t\r\n"), bytes.size()));
  return begins_alike(bytes, "<!doctype html") || begins_alike(bytes, "<html") || begins_alike(bytes, "<table");
}

}  // namespace

const FileKind* file_kind(std::string_view bytes) {
  if (const auto* kind = archive_kind(bytes)) return kind;
  for (const auto& [beginning, kind] : kBeginnings)
    if (bytes.starts_with(beginning)) return &kind;
  if (is_bzip2(bytes)) return &kBzip2;
  if (is_parquet(bytes)) return &kParquet;
  if (is_pickle(bytes)) return &kPickle;
  if (bytes.size() > 262 && bytes.substr(257, 5) == "ustar") return &kTar;
  return is_bare_utf16(bytes) ? &kBareUtf16 : is_html(bytes) ? &kHtml : nullptr;
}

const FileKind* media_kind(std::string_view bytes) {
  for (const auto& [beginning, kind] : kMedia)
    if (bytes.starts_with(beginning)) return &kind;
  if (is_safetensors(bytes)) return &kSafetensors;
  if (bytes.starts_with("RIFF")) {
    const auto form = bytes.size() < 12 ? "" : bytes.substr(8, 4);
    return form == "WAVE" ? &kSound : form == "WEBP" ? &kPicture : form == "AVI " ? &kAvi : nullptr;
  }
  if (bytes.size() > 8 && bytes[0] == '\0')
    for (const std::string_view box : {"ftyp", "moov", "mdat", "free", "skip", "wide"})
      if (bytes.substr(4, 4) == box) return &kMp4;
  return is_transport_stream(bytes) ? &kMpeg : nullptr;
}

const FileKind* foreign_kind(std::string_view bytes) {
  const FileKind* media = media_kind(bytes);
  return media ? media : file_kind(bytes);
}

void refuse_foreign(std::string_view bytes, const std::string& source) {
  if (const FileKind* kind = foreign_kind(bytes))
    throw Error(std::string("is ") + kind->what + ", not " + kind->not_what + ": " + kind->remedy,
                Error::Kind::kNotUtf8)
        .at_line(source, 0);
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

std::string picture_advice(const std::string& folder, const std::string& ending) {
  return "the pictures of a video become one with ffmpeg -framerate RATE -pattern_type glob -i '" + folder + "*" +
         ending + "' -c:v ffv1 VIDEO.mkv";
}

}  // namespace tal
