// Tables of numbers as text, with or without a header line (libtal/io/table.h reads the lines).
#pragma once

#include <cstdint>
#include <functional>
#include <set>
#include <string>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/io/features.h"
#include "libtal/io/table.h"

namespace tal {

// A column that numbers or times the rows, in numbers.
struct RowPlaces {
  std::string name;
  std::vector<double> values;        // of each row; times of the clock in seconds
  std::vector<std::uint64_t> lines;  // where each stands
  bool clock = false;                // written as times of the clock
};

struct NumberTable {
  std::vector<std::string> header;     // empty when the first line is numbers
  FeatureMatrix values;                // [rows, columns]
  std::vector<double> doubles;         // or, where they were asked for, these in the place of values.values
  std::vector<std::string> left_out;   // names of columns that number, time or name the rows
  std::vector<std::string> counting;   // of columns of values that count the rows, 0, 1, 2, ... or 1, 2, 3, ...
  std::vector<RowPlaces> places;       // those of them that hold numbers
  std::vector<std::string> row_names;  // where a column with one of the names that were asked for has them
  std::vector<std::uint64_t> lines;    // of the rows, beside row_names
  std::set<std::int64_t> faulty;       // rows that a RowFault was told of; their values are NaN
};
using RowFault = std::function<void(Error& error, std::string_view row)>;

// The first line is a header when its fields are names, or when it counts the columns as pandas does (0,1,2,...) above
// rows of decimals; where such a line, or one of numbers and texts, may be data too, that is an Error unless the
// dialect says has_header. A first column without a name that counts the rows, or holds no numbers, is no column of
// values, nor is a first one that is called index, frame, time or the like and rises, or id, X or the like and counts
// the rows; without a header one that counts the rows is an Error. `columns` chooses by name of the header, by number
// (from 1; an index counts), or by a range of them ("2-5", "ax:az"), in this order; the others need not be numbers.
// row_names: how a column may be called that names the rows. Error, with the line, for a field that is no finite
// number, rows of different lengths, and a header that names a chosen column twice, or one that is chosen twice. fault:
// is told of rows that are not read, and may throw; without it they are an Error. doubles: the values are wanted as
// the text has them, and not in single precision.
NumberTable parse_number_table(const SourceText& source, const std::vector<std::string>& columns = {},
                               const TableDialect& dialect = {}, const std::vector<std::string>& row_names = {},
                               const RowFault& fault = {}, bool doubles = false);

}  // namespace tal
