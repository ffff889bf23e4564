// Tables of numbers as text, with or without a header line (libtal/io/table.h reads the lines).
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/io/features.h"
#include "libtal/io/row_column.h"
#include "libtal/io/table.h"

namespace tal {

// A column that numbers, times or bounds the rows, in numbers.
struct RowPlaces {
  std::string name;
  std::vector<double> values;            // of each row; times of the clock in seconds
  std::vector<std::uint64_t> lines;      // where each stands
  bool clock = false;                    // written as times of the clock
  RowColumn column = RowColumn::kPlace;  // kPlace, kIndex, kMayIndex, kStart or kEnd
};

// A column that says something of the video: what stands in each row where rows have names, else the one thing that it
// says in all of them.
struct VideoFact {
  std::string name;
  RowColumn column;
  std::vector<std::string> fields;
  std::uint64_t line = 0;  // of the first
};

struct NumberTable {
  std::vector<std::string> header;     // empty when the first line is numbers
  FeatureMatrix values;                // [rows, columns]
  std::vector<double> doubles;         // or, where they were asked for, these in the place of values.values
  std::vector<std::string> left_out;   // names of columns that number, time, bound or name the rows
  std::vector<std::string> counting;   // of columns of values that rise by one step, 0, 1, 2, ... or 0.02, 0.04, ...
  std::vector<RowPlaces> places;       // those of left_out that hold numbers
  std::vector<VideoFact> facts;        // further columns that are no values
  std::vector<std::string> row_names;  // where a column with one of the names that were asked for has them
  std::vector<std::uint64_t> lines;    // of the rows, beside row_names
  std::set<std::int64_t> faulty;       // rows that a RowFault was told of; their values are NaN
};
// What is wrong with a table that has no rows of numbers.
Error no_rows(const NumberTable& table);
using RowFault = std::function<void(Error& error, std::string_view row)>;

struct NumberTableOptions {
  std::vector<std::string> row_names;  // how a column may be called that names the rows; each is another video
  std::set<std::string> values;        // names of columns that hold values, whatever else they may mean
  RowFault fault;                      // is told of rows that are not read, and may throw; else they are an Error
  bool doubles = false;                // the values are wanted as the text has them, and not in single precision
  bool non_finite = false;             // empty fields and those that say that a value is missing are NaN, and no Error
};

// The first line is a header when its fields are names, or when it counts the columns as pandas does (0,1,2,...) above
// rows of decimals; where such a line, or one of numbers and texts, may be data too, that is an Error unless the
// dialect says has_header. What is no value by its name (row_columns()) is left out wherever it stands: Error where a
// number or time of the rows does not rise, or a fact of the video differs from row to row, and for a column of labels.
// A first column without a name that counts the rows, or holds no numbers, is no column of values; without a header one
// that counts the rows is an Error. `columns` chooses by name of the header, by number (from 1; an index counts), or by
// a range of them ("2-5", "ax:az"), in this order, and whatever the names mean; the others need not be numbers. Error,
// with the line, for a field that is no finite number, rows of different lengths, and a header that names a chosen
// column twice, or one that is chosen twice.
NumberTable parse_number_table(const SourceText& source, const std::vector<std::string>& columns = {},
                               const TableDialect& dialect = {}, const NumberTableOptions& options = {});

}  // namespace tal
