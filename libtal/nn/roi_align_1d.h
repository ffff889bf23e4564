// Segments of a temporal feature pyramid, each resampled to a fixed number of rows (1-D RoIAlign, aligned), batched
// over clips and segments: one gather of weighted rows for all of them. Error for inputs of another shape
// (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace tal {

// The rows of all levels of all clips in one matrix. Made once for a pyramid; every stage's segments are aligned from
// it.
struct PyramidRows {
  PyramidRows() = default;
  // levels [B, C, T_k], at least one, the finest first.
  explicit PyramidRows(const std::vector<at::Tensor>& levels);

  at::Tensor values;                     // [B sum(T_k), C]: clip after clip, level after level
  std::vector<std::int64_t> lengths;     // T_k
  at::Tensor length_table, begin_table;  // [levels] float64 T_k and int64 first row of a level within a clip
  std::int64_t clips = 0;
};

// floor(levels - 1 + log2 length) clamped to 0 .. levels - 1. lengths [any] -> [same] int64.
at::Tensor pyramid_levels(const at::Tensor& lengths, std::int64_t levels);

// Segment (centre, length) in fractions of the clip, widened by length / 5 on each side, from the level of its own
// length: rows x sampling points at x = T (a + (b - a) (m + 1/2) / (rows sampling)) - 1/2, 0 for x < -1 or x > T,
// otherwise x clamped to [0, T - 1] and interpolated; a row is the mean of its points. No gradient with respect to the
// segments. segments [B, N, 2] -> [B, N, rows, C].
at::Tensor roi_align_1d(const PyramidRows& pyramid, const at::Tensor& segments, std::int64_t rows,
                        std::int64_t sampling);

}  // namespace tal
