// Fixed-size features of segments of a sequence: structured temporal pyramid pooling (means) and RoI pooling (maxima).
// Row i of a sequence is [i, i + 1], its centre i + 0.5.
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <span>
#include <vector>

#include "libtal/base/row_range.h"
#include "libtal/base/segment.h"

namespace tal {

// Sums of the first rows of a sequence, so that the mean of any range costs two rows. [T, C] -> [T + 1, C], double.
class PrefixSums {
 public:
  explicit PrefixSums(const at::Tensor& x);
  // [N, C] in x's type; 0 where a range is empty. Differentiable in x. Error for a range that reaches out of the rows.
  at::Tensor means(std::span<const RowRange> ranges) const;
  // ranges in groups of `parts`, the columns in as many blocks: the sum over p of the mean of block p over range p. [N
  // / parts, C / parts].
  at::Tensor part_sums(std::span<const RowRange> ranges, std::int64_t parts) const;

 private:
  at::Tensor sums_;
  at::ScalarType type_;
};

// Structured temporal pyramid pooling of SSN (Zhao et al., ICCV 2017; ETP 3.3). A segment [s, e] (rows), d = e - s, has
// five parts: starting [s - d/2, s), course [s, e), its halves, ending [e, e + d/2). A part is the mean of the rows
// whose centre lies in it; without one, the row at the midpoint of what lies inside the sequence; wholly outside, 0.
inline constexpr std::int64_t kPyramidParts = 5;
std::vector<RowRange> pyramid_ranges(std::span<const Segment> segments, std::int64_t rows);  // part p of segment m at 5
                                                                                             // m + p
at::Tensor pyramid_pool(const at::Tensor& x, std::span<const Segment> segments);             // [T, C] -> [M, 5, C]

// RoI pooling of row ranges to `length` bins: bin k of n rows [s, e) is the maximum over rows s + floor(k n / P) .. s +
// ceil((k + 1) n / P) - 1. f [T, C], rois non-empty and inside f (Error for others) -> [M, C, P]. Differentiable. O(T C
// log T + M P C) whatever the lengths, by a sparse table of maxima.
at::Tensor roi_max_pool(const at::Tensor& f, std::span<const RowRange> rois, std::int64_t length);

}  // namespace tal
