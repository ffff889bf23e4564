#include "libtal/segment/assignment.h"

#include <cmath>
#include <limits>

#include "libtal/base/error.h"

namespace tal {
namespace {

// Rows enter one after the other. For each, Dijkstra's search over the reduced costs cost - u - v finds the cheapest
// path to a free column that changes other rows' columns on its way; the potentials u, v keep all reduced costs
// non-negative. Index 0 is the outside: column 0 holds the row that is being entered.
class Solver {
 public:
  Solver(std::span<const double> cost, std::size_t rows, std::size_t columns)
      : cost_(cost), columns_(columns), u_(rows + 1), v_(columns + 1), row_of_(columns + 1), from_(columns + 1) {}

  void enter(std::size_t row) {
    std::vector<double> distance(columns_ + 1, std::numeric_limits<double>::infinity());
    std::vector<char> reached(columns_ + 1, 0);
    row_of_[0] = row;
    std::size_t column = 0;
    do {
      reached[column] = 1;
      column = extend(column, distance, reached);
    } while (row_of_[column]);
    for (; column; column = from_[column]) row_of_[column] = row_of_[from_[column]];  // turn the path round
  }

  std::size_t row_of(std::size_t column) const { return row_of_[column]; }  // 1-based, 0: free

 private:
  // Relaxes the costs of the row in `column`, shifts the potentials by the smallest distance, and returns the column
  // that has it.
  std::size_t extend(std::size_t column, std::vector<double>& distance, const std::vector<char>& reached) {
    const std::size_t row = row_of_[column];
    std::size_t next = 0;
    double step = std::numeric_limits<double>::infinity();
    for (std::size_t j = 1; j <= columns_; ++j) {
      if (reached[j]) continue;
      const double reduced = cost_[(row - 1) * columns_ + j - 1] - u_[row] - v_[j];
      if (reduced < distance[j]) distance[j] = reduced, from_[j] = column;
      if (distance[j] < step) step = distance[j], next = j;
    }
    for (std::size_t j = 0; j <= columns_; ++j) {
      if (reached[j]) u_[row_of_[j]] += step, v_[j] -= step;
      else distance[j] -= step;
    }
    return next;
  }

  std::span<const double> cost_;
  std::size_t columns_;
  std::vector<double> u_, v_;
  std::vector<std::size_t> row_of_, from_;
};

}  // namespace

std::vector<std::int64_t> assign(std::span<const double> cost, std::int64_t rows, std::int64_t columns) {
  if (rows < 0 || columns < 0 || cost.size() != static_cast<std::size_t>(rows * columns))
    throw Error("assignment: the costs are not rows x columns");
  for (const double value : cost)
    if (!std::isfinite(value)) throw Error("assignment: a cost is not finite");
  const auto n = static_cast<std::size_t>(rows), m = static_cast<std::size_t>(columns);
  std::vector<std::int64_t> column_of(n, -1);
  if (n > m) {
    std::vector<double> turned(cost.size());
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t j = 0; j < m; ++j) turned[j * n + i] = cost[i * m + j];
    const auto row_of = assign(turned, columns, rows);
    for (std::size_t j = 0; j < m; ++j) column_of[static_cast<std::size_t>(row_of[j])] = static_cast<std::int64_t>(j);
    return column_of;
  }
  Solver solver(cost, n, m);
  for (std::size_t row = 1; row <= n; ++row) solver.enter(row);
  for (std::size_t column = 1; column <= m; ++column)
    if (solver.row_of(column)) column_of[solver.row_of(column) - 1] = static_cast<std::int64_t>(column - 1);
  return column_of;
}

}  // namespace tal
