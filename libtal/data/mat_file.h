// MATLAB level 5 files, as far as the field's result files need them: numeric and cell arrays, compressed or not.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace tal {

// A numeric or cell array of a MATLAB level 5 file, column major. Other classes (char, struct) have no data here.
struct MatArray {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<double> data;
  std::vector<MatArray> cells;
  std::string other;  // what it holds when that is no real numbers: "text", "a sparse matrix: save full(x)"
  double at(std::size_t row, std::size_t column) const { return data[column * shape[0] + row]; }
};
// Little-endian level 5 (MATLAB's save -v5 to -v7), compressed or not. Error for anything else, truncated or
// inconsistent.
std::vector<MatArray> parse_mat(std::string_view bytes);

}  // namespace tal
