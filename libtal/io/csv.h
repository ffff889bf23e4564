// Tables of numbers as text: CSV with or without a header line, and blank-separated columns.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/features.h"

namespace tal {

struct NumberTable {
  std::vector<std::string> header;  // empty when the first line is numbers
  FeatureMatrix values;             // [rows, columns]
};

// The separator is the comma, else the semicolon, else the tab, else runs of blanks: the first that the first line has.
// The first line is a header when a field of it is not a number. Blank lines at the end are fine. Error (with the line)
// for a field that is not a finite number, or rows of different lengths. `columns` chooses by number (from 1) or name
// of the header, in this order; the others need not be numbers.
NumberTable parse_number_table(std::string_view text, const std::vector<std::string>& columns = {});

}  // namespace tal
