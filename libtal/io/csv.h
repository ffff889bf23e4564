// Tables of numbers as text, with or without a header line (libtal/io/table.h reads the lines).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/io/features.h"
#include "libtal/io/table.h"

namespace tal {

struct NumberTable {
  std::vector<std::string> header;     // empty when the first line is numbers
  FeatureMatrix values;                // [rows, columns]
  std::vector<std::string> left_out;   // names of columns that number, time or name the rows
  std::vector<std::string> row_names;  // where a column with one of the names that were asked for has them
  std::vector<std::uint64_t> lines;    // of the rows, beside row_names
};

// The first line is a header when its fields are names, or when it counts the columns as pandas does (0,1,2,...) above
// rows of decimals; where such a line, or one of numbers and texts, may be data too, that is an Error unless the
// dialect says has_header. A first column without a name that counts the rows, or holds no numbers, is no column of
// values, nor is a first one that is called index, frame, time or the like and rises; without a header one that counts
// the rows is an Error. `columns` chooses by name of the header or by number (from 1; an index counts), in this order;
// the others need not be numbers. row_names: how a column may be called that names the rows. Error, with the line, for
// a field that is no finite number, rows of different lengths, and a header that names a chosen column twice.
NumberTable parse_number_table(const SourceText& source, const std::vector<std::string>& columns = {},
                               const TableDialect& dialect = {}, const std::vector<std::string>& row_names = {});

}  // namespace tal
