// What stands in the first line and in the first columns of a table of numbers: names, row numbers, or values.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libtal/io/table.h"

namespace tal {

// The first line and as many rows below it as tell what it is.
class FirstLine {
 public:
  // row_names: names of a column that names the rows, as text.
  FirstLine(const TableText& text, const SourceText& source, const TableDialect& dialect,
            const std::vector<std::string>& row_names);

  // Whether the line names the columns. Error, with the line and the column, where it may as well be values of which
  // one cannot be read, and where it counts the columns.
  bool is_header() const;
  // Error for two columns of whole numbers, which commas separate: they may be one with decimal commas.
  void refuse_commas() const;
  // The names of all columns, of a header; a header of R's write.table, which does not name the column with the rows'
  // names, has an unnamed first one. Error when the rows have one field more for another reason.
  std::vector<std::string> names() const;
  // No row below has a number there, and there are rows.
  bool is_text(std::size_t column) const;
  bool is_whole(std::size_t column) const;     // whole numbers there
  bool counts_rows(std::size_t column) const;  // 0, 1, 2, ... or 1, 2, 3, ... there

 private:
  bool mixed_is_header() const;
  bool one_short() const;  // of all rows, as a header without a name for the column of their names
  [[noreturn]] void refuse_mixed() const;
  bool is_known_name(const std::string& field) const;
  std::size_t values_below(std::size_t column) const;

  const SourceText& source_;
  const TableDialect dialect_;
  const std::vector<std::string>& row_names_;
  const char separator_;
  const bool said_;  // what a comma separates
  std::uint64_t line_ = 0;
  std::vector<std::string> fields_;
  std::vector<std::vector<std::string>> below_;
  bool quoted_ = false;           // a field in quotes
  bool row_names_quoted_ = true;  // the first field of every row below
};

// A column that may number or time the rows, field by field.
class RowNumbers {
 public:
  std::optional<double> see(std::string_view field);  // its number; nullopt: a text
  bool count() const;                                 // 0, 1, 2, ... or 1, 2, 3, ...
  bool place() const;                                 // it counts or rises, or holds no numbers
  bool steady() const;                                // equal steps, and more of them than by chance
  bool by_one() const;                                // 7, 8, 9, ..., of more than two rows
  bool gaps() const;  // whole numbers that rise, mostly by the same step, but not always

 private:
  std::size_t rows_ = 0, texts_ = 0, same_ = 0;  // same_: steps as the first
  double first_ = 0, last_ = 0, step_ = 0;
  bool counts_ = true, rises_ = true, steady_ = true, whole_ = true;
};

}  // namespace tal
