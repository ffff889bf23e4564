// Words and lists in messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace tal {

// Without what shows nothing at its ends: blanks, tabs, the carriage return of a line of Windows, is_invisible().
std::string_view trim(std::string_view text);
// Characters that show nothing and are no blank or tab: no-break and wide spaces, zero-width ones, soft hyphens, marks
// of byte order and of the direction of writing.
bool is_invisible(char32_t code);
// The text with such characters by their code points, "v<U+200B>1".
std::string with_invisible_named(std::string_view text);

// Of A to Z; other letters stay.
inline char ascii_lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c | 32) : c; }
// Whether they begin, or end, alike, in upper or lower case.
bool begins_alike(std::string_view text, std::string_view beginning);
bool ends_alike(std::string_view text, std::string_view ending);

// The letters and digits of a name that has letters, without case, accents of Latin letters, blanks and what joins
// words: names of one form are easily taken for each other. Any other name as it is.
std::string loose_form(std::string_view name);

// In quotes, a long text cut short, with_invisible_named().
std::string in_quotes(std::string_view text);

// "a, b, c"
std::string joined(const std::vector<std::string>& words, std::string_view between = ", ");

// The first `most` of them, and "..." for the others.
std::string joined_first(const std::vector<std::string>& words, std::size_t most, std::string_view between = ", ");

// `text` as one word of a shell's command line, quoted where it must be.
std::string shell_word(const std::string& text);
// Appends the character as UTF-8. code: up to 0x1fffff; surrogates are not looked for.
void append_utf8(std::string& out, std::uint32_t code);

}  // namespace tal
