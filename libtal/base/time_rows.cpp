#include "libtal/base/time_rows.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"

namespace tal {

TailRule tail_rule(const std::string& name) {
  if (name == "drop") return TailRule::drop;
  if (name == "pad") return TailRule::pad;
  if (name == "shift") return TailRule::shift;
  throw UsageError("--tail: '" + name + "' is not drop, pad or shift");
}

Rows feature_rows(std::int64_t frames, double window, double stride, TailRule tail) {
  if (!(window > 0) || !(stride > 0)) throw Error("window and stride must be positive");
  Rows rows;
  const double n = static_cast<double>(frames);
  if (frames <= 0) return rows;
  if (n < window) {
    if (tail == TailRule::drop) return rows;
    rows.starts.push_back(0);
    rows.padded = window - n;
    return rows;
  }
  const auto full = static_cast<std::int64_t>(std::floor((n - window) / stride)) + 1;
  for (std::int64_t g = 0; g < full; ++g) rows.starts.push_back(static_cast<double>(g) * stride);
  const double covered = rows.starts.back() + window, next = static_cast<double>(full) * stride;
  if (tail == TailRule::drop || covered >= n) return rows;
  if (tail == TailRule::shift) {
    rows.starts.push_back(n - window);
    rows.shifted = true;
  } else if (next < n) {
    rows.starts.push_back(next);
    rows.padded = next + window - n;
  }
  return rows;
}

std::int64_t RowTime::nearest(double at, std::int64_t rows) const {
  if (rows <= 0) return 0;
  const double x = std::floor(row(at));
  return static_cast<std::int64_t>(std::clamp(x, 0.0, static_cast<double>(rows - 1)));
}

}  // namespace tal
