// Exact minimum-cost assignment (the Hungarian method by shortest augmenting paths, O(rows^2 columns) for rows <=
// columns).
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace tal {

// The column of every row so that the summed cost is smallest, each column used at most once. cost [rows x columns],
// row by row. With more rows than columns the rows left out get -1. Error for a cost that is not finite or a span of
// the wrong size.
std::vector<std::int64_t> assign(std::span<const double> cost, std::int64_t rows, std::int64_t columns);

}  // namespace tal
