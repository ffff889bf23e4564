// What a text is that is no JSON but was taken for it: Python's words, comments, several values, a comma too many.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace tal {

// What stands at the byte where a reader of JSON could not go on, and what makes it right, behind ": "; "": nothing is
// known of it. records: where one a line is wanted, and not one JSON document;
// a text that begins with one says so itself.
std::string json_advice(std::string_view text, std::size_t at, bool records = false);

// Whether a line that is, or might be, a record has members start and end and none that holds segments: a row of a
// table as pandas and R write it.
bool is_table_row(std::string_view line);

// Of such rows, one a line: which command makes a table of them, as record_advice().
std::string table_advice();

// The same of a file, or its beginning, that is rows of a table: one a line, a list of rows or of lists, or an object
// of columns, of rows, or of columns and data; "": it is none.
std::string rows_advice(std::string_view text);

// Of a text that is JSON (or what Python prints) where a table of numbers is wanted: what it is, and what makes one of
// it; "": it is none.
std::string numbers_advice(std::string_view text);

// Of a line that is no record, or is_table_row(): what it, or its file, is and which command makes records of it, in
// brackets behind a blank; "": nothing is known of it.
std::string record_advice(std::string_view line);

}  // namespace tal
