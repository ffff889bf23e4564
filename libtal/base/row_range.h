// Rows of a sequence, or snippets, frames or units: whatever is counted from 0.
#pragma once

#include <cstdint>

namespace tal {

// [first, end): half-open, so that end - first are the rows inside; none when both are equal.
struct RowRange {
  std::int64_t first = 0, end = 0;
  std::int64_t count() const { return end - first; }
  bool operator==(const RowRange&) const = default;
};

}  // namespace tal
