#include "libtal/io/text_file.h"

#include <simdjson.h>

#include <algorithm>
#include <cstring>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/io/file_kind.h"

namespace tal {
namespace {

[[noreturn]] void fail_at(const SourceText& source, std::size_t byte, const std::string& what, Error::Kind kind) {
  const auto [line, column] = place_of(source.text, byte);
  throw Error(what + " (column " + std::to_string(column) + ")", kind).at_line(source.name, line);
}

// The first byte of the first character that is no UTF-8.
std::size_t first_wrong_byte(std::string_view text) {
  std::size_t at = 0;
  while (at < text.size()) {
    const auto lead = static_cast<unsigned char>(text[at]);
    const std::size_t size = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (size > 1 && (at + size > text.size() || !simdjson::validate_utf8(text.data() + at, size))) break;
    at += size;
  }
  return at;
}

}  // namespace

const char* foreign_format(std::string_view bytes) {
  const FileKind* kind = foreign_kind(bytes);
  return kind ? kind->what : nullptr;
}

std::string_view utf8_text(const SourceText& source) {
  std::string_view text = source.text;
  refuse_foreign(text, source.name);
  if (!simdjson::validate_utf8(text.data(), text.size()))
    fail_at(source, first_wrong_byte(text), kForeignText, Error::Kind::kNotUtf8);
  if (const auto nul = text.find('\0'); nul != std::string_view::npos)
    fail_at(source, nul, "holds a zero byte: not a text file", Error::Kind::kOther);
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  return text;
}

bool is_utf16(std::string_view bytes) {
  const bool wide = bytes.starts_with(std::string_view("\xff\xfe\0\0", 4));
  return bytes.starts_with("\xfe\xff") || (bytes.starts_with("\xff\xfe") && !wide);
}

SourceText decoded_utf16(const SourceText& source) {
  const std::string_view bytes = source.text;
  if (!is_utf16(bytes)) return source;
  const bool big = bytes.starts_with("\xfe\xff");
  SourceText out{source.name, {}};
  out.text.reserve(bytes.size());
  const auto fail = [&](const char* what) {
    return Error(what, Error::Kind::kNotUtf8).at_line(source.name, place_of(out.text, out.text.size()).line);
  };
  if (bytes.size() % 2) throw fail("half of a character of UTF-16");
  const auto unit = [&](std::size_t i) {
    const auto a = static_cast<unsigned char>(bytes[i]), b = static_cast<unsigned char>(bytes[i + 1]);
    return static_cast<std::uint32_t>(big ? a << 8 | b : b << 8 | a);
  };
  for (std::size_t i = 2; i < bytes.size(); i += 2) {
    std::uint32_t code = unit(i);
    if (code >= 0xd800 && code < 0xe000) {
      const std::uint32_t low = code < 0xdc00 && i + 2 < bytes.size() ? unit(i += 2) : 0;
      if (low < 0xdc00 || low >= 0xe000) throw fail("half of a character of UTF-16");
      code = 0x10000 + ((code - 0xd800) << 10) + (low - 0xdc00);
    }
    append_utf8(out.text, code);
  }
  return out;
}

char first_character(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  return first == std::string_view::npos ? '\0' : text[first];
}

std::string_view take_line(std::string_view& text) {
  const auto end = std::min(text.find_first_of("\n\r"), text.size());
  const auto line = text.substr(0, end);
  text.remove_prefix(end);
  if (!text.empty()) text.remove_prefix(text.substr(0, 2) == "\r\n" ? 2 : 1);
  return line;
}

std::vector<std::string_view> split_lines(const SourceText& source) {
  std::string_view text = utf8_text(source);
  std::vector<std::string_view> lines;
  while (!text.empty()) lines.push_back(take_line(text));
  return lines;
}

TextPlace place_of(std::string_view text, std::size_t byte) {
  byte = std::min(byte, text.size());
  TextPlace place{1, 1};
  for (std::size_t i = 0; i < byte; ++i) {
    const bool ends = text[i] == '\n' || (text[i] == '\r' && (i + 1 == text.size() || text[i + 1] != '\n'));
    if (ends) ++place.line, place.column = 1;
    else ++place.column;
  }
  return place;
}

}  // namespace tal
