// Whether a text is JSON, and has no object with two members of one name: a reader that skips values checks neither
// commas, nor what closes what, nor plain values, and every reader keeps one of two members and loses the other.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/io/text_file.h"

namespace tal {

// The text without JSON's white space around it.
std::string_view trim_json(std::string_view text);

// Throws Error unless the text, without white space around it, is one JSON value (RFC 8259) of finite numbers, whose
// objects have no two members of one name (Error::Kind::kRepeatedKey). Depth is no danger. UTF-8 and control characters
// in strings are the caller's. name: what the text is called; errors name the place below it, annotations[3].segment.
// repeated: whether such members pass, for who looks for them himself.
void check_json(std::string_view text, std::string_view name = {}, bool repeated = false);

// The error of check_json() where more is known of what stands there (json_advice()); nullopt: it is JSON, or nothing
// is.
std::optional<Error> advised_fault(std::string_view text);

// What check_json() says of a line, with the path of the place and the column; nullopt: it is JSON.
std::optional<Error> json_fault(std::string_view line);

// The same of a whole file, strings included: its text behind a byte-order mark, which is returned. Errors name line,
// column and the path of the place: database.v_1.annotations[0].segment[1]. comments: // and /* */ count as white
// space. deepest: lists and objects in each other; 0: any number.
std::string_view check_json_file(const SourceText& source, bool comments = false, std::size_t deepest = 0);

// The same of a line of a file of such lines; its errors name column and path.
void check_json_line(std::string_view line, std::size_t deepest = 0);

// The text with null in the place of NaN and Infinity, which are no JSON, but what Python's json module writes.
std::string without_non_finite(std::string_view text);

// A file of several lists or objects, one on each line, such as what --rejects keeps of files that hold many videos:
// each as a file of its own, on its line. Any other file is one.
std::vector<SourceText> json_documents(SourceText source);

// Where the value of a member begins, in a text that has been checked: names lead to it from the root through objects.
// The text's size when there is none.
std::size_t find_member(std::string_view text, const std::vector<std::string_view>& names);

// Where the value of a path begins, as errors write one (database.v_1.annotations[0]), in a text that has been checked;
// of a path that is not there, the innermost place on the way to it. 0 for the empty path.
std::size_t find_path(std::string_view text, std::string_view path);

}  // namespace tal
