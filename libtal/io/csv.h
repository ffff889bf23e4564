// Tables of numbers as text, with or without a header line (libtal/io/table.h reads the lines).
#pragma once

#include <string>
#include <vector>

#include "libtal/io/features.h"
#include "libtal/io/table.h"

namespace tal {

struct NumberTable {
  std::vector<std::string> header;  // empty when the first line is numbers
  FeatureMatrix values;             // [rows, columns]
};

// The first line is a header when a field of it is no number, or when it counts the columns as pandas does (0,1,2,...)
// above rows of decimals; where such a line may be data too, that is an Error unless the dialect says has_header. A
// first column without a name that counts the rows is an index, not a column. `columns` chooses by name of the header
// or by number (from 1; an index counts), in this order; the others need not be numbers. Error, with the line, for a
// field that is no finite number, rows of different lengths, and a header that names a chosen column twice.
NumberTable parse_number_table(const SourceText& source, const std::vector<std::string>& columns = {},
                               const TableDialect& dialect = {});

}  // namespace tal
