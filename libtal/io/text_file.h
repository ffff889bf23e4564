// Text files as users bring them: how they are encoded, and where their lines end.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tal {

struct SourceText {
  std::string name;  // path, or "stdin"; for messages, and where a file's name means something (class, video)
  std::string text;  // inflated when the file was gzip
};

// What bytes are that are no UTF-8 text, for messages: "UTF-16 text", "a ZIP archive". nullptr when nothing is known
// against them; only the first bytes are looked at.
const char* foreign_format(std::string_view bytes);

// The text behind a byte-order mark. Error, with line and column, for what is no UTF-8 text; it names UTF-16, UTF-32,
// archives and office files, and the first byte that is not UTF-8, or zero.
std::string_view utf8_text(const SourceText& source);

// What is said of text in another encoding. Which one it is the bytes do not tell: with a wrong one, labels become
// others.
inline constexpr char kForeignText[] =
    "not valid UTF-8: save it as UTF-8, or iconv -f ENCODING -t UTF-8 with the encoding of who wrote it (WINDOWS-1252, "
    "MACINTOSH, WINDOWS-1251, SHIFT_JIS, GB18030, BIG5, EUC-KR?), and look at its labels";

// UTF-16 text behind its byte-order mark as UTF-8 with line ends as they are; any other text as it came. Error, with
// the line, for half of a character. For formats whose tools write UTF-16.
SourceText decoded_utf16(const SourceText& source);
// Whether it begins with UTF-16's byte-order mark (UTF-32's begins with the same bytes).
bool is_utf16(std::string_view bytes);

// The first character that is no white space; '\0': there is none.
char first_character(std::string_view text);

// Lines end with LF, CRLF or a single CR. Takes the first one off `text`.
std::string_view take_line(std::string_view& text);

// All lines of utf8_text(), without their ends; blank ones are kept, so that index + 1 is the line number.
std::vector<std::string_view> split_lines(const SourceText& source);

// Where a byte of the text stands, both from 1; the column counts bytes.
struct TextPlace {
  std::uint64_t line = 0, column = 0;
};
TextPlace place_of(std::string_view text, std::size_t byte);

}  // namespace tal
