// Products of rows with a matrix that is laid out once as the registers read it. For kernels: a function of each instruction set calls multiply_by().
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

#include "libtal/nn/vector.h"

namespace tal {

// Columns that lie together: the widest vector.
constexpr std::int64_t kWidth = 16;
constexpr std::int64_t whole_vectors(std::int64_t n) { return (n + kWidth - 1) / kWidth * kWidth; }

// A matrix [depth, columns] in panels of kWidth columns: [columns / kWidth, repeats, depth, kWidth]; `repeats` matrices one after the other, each for rows
// of its own.
struct Panels {
  const float* values;
  std::int64_t repeats, depth, columns;  // columns: whole vectors
};
// Of a matrix [depth, columns], zeros behind the last column.
at::Tensor panels_of(const at::Tensor& matrix);

constexpr std::int64_t kDepth = 128;  // rows of the matrix that are used up at a time: they stay in the first cache

// Where row r, column c of the left matrix lies: r * row + c * column. column is 1 but for transposed matrices.
struct Steps {
  std::int64_t row, column;
};

// sums = or += rows [.., depth] x panels [depth, ..] for kRows rows and kVectors vectors, which stay in registers.
template <class S, int kRows, int kVectors>
TAL_INLINE void multiply(const float* rows, Steps step, const float* panels, std::int64_t panel, std::int64_t depth, float* sums, std::int64_t sums_stride, bool first) {
  typedef typename S::type Vector;
  constexpr std::int64_t kParts = kWidth / kFloats<S>;
  Vector sum[kRows][kVectors];
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int x = 0; x < kVectors; ++x) sum[r][x] = first ? Vector{} : at<S>(sums + r * sums_stride + x * kFloats<S>);
  for (std::int64_t c = 0; c < depth; ++c) {
    Vector column[kVectors];
#pragma GCC unroll 4
    for (int x = 0; x < kVectors; ++x) column[x] = at<S>(panels + x / kParts * panel + c * kWidth + x % kParts * kFloats<S>);
#pragma GCC unroll 16
    for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
      for (int x = 0; x < kVectors; ++x) sum[r][x] += rows[r * step.row + c * step.column] * column[x];
  }
#pragma GCC unroll 16
  for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
    for (int x = 0; x < kVectors; ++x) at<S>(sums + r * sums_stride + x * kFloats<S>) = sum[r][x];
}

// Rows beyond the last one are computed too; there is room for them.
template <class S, int kRows, int kVectors>
TAL_INLINE void multiply_rows(const float* rows, Steps step, const float* panels, std::int64_t panel, std::int64_t depth, float* sums, std::int64_t sums_stride, std::int64_t count,
                              bool first) {
  for (std::int64_t r = 0; r < count; r += kRows) multiply<S, kRows, kVectors>(rows + r * step.row, step, panels, panel, depth, sums + r * sums_stride, sums_stride, first);
}
constexpr std::int64_t kSpare = 12;  // most rows beyond the last one
constexpr std::int64_t kWholeRows = 24;  // a multiple of the rows of every block of registers: that many leave none over

// As many sums as the registers of a processor hold. run(): does so for the next columns and returns how many times kWidth.
struct Block512 : Vector64 {  // 32 registers of 16
  template <class... A>
  static TAL_INLINE std::int64_t run(std::int64_t panels, A... a) {
    if (panels == 3 || panels == 5 || panels == 9) return multiply_rows<Vector64, 8, 3>(a...), 3;
    if (panels >= 4) return multiply_rows<Vector64, 6, 4>(a...), 4;
    if (panels == 2) return multiply_rows<Vector64, 12, 2>(a...), 2;
    return multiply_rows<Vector64, 12, 1>(a...), 1;
  }
};
struct Block256 : Vector32 {  // 16 registers of 8
  template <class... A>
  static TAL_INLINE std::int64_t run(std::int64_t, A... a) {
    return multiply_rows<Vector32, 6, 2>(a...), 1;
  }
};
struct Block128 : Vector16 {
  template <class... A>
  static TAL_INLINE std::int64_t run(std::int64_t, A... a) {
    return multiply_rows<Vector16, 3, 4>(a...), 1;
  }
};

// sums [count, columns] (+)= sum over k of rows [k * hop .., depth] x repeat k of the panels. Up to kSpare rows behind the last are read and written too.
template <class Block>
TAL_INLINE void multiply_panels(const float* rows, Steps step, std::int64_t hop, const Panels& p, float* sums, std::int64_t count, bool add) {
  const std::int64_t panel = p.repeats * p.depth * kWidth, panels = p.columns / kWidth;
  for (std::int64_t k = 0; k < p.repeats; ++k)
    for (std::int64_t c = 0; c < p.depth; c += kDepth)
      for (std::int64_t j = 0; j < panels;)
        j += Block::run(panels - j, rows + k * hop * step.row + c * step.column, step, p.values + j * panel + (k * p.depth + c) * kWidth, panel, std::min(kDepth, p.depth - c), sums + j * kWidth,
                        p.columns, count, !add && k == 0 && c == 0);
}
template <class Block>
TAL_INLINE void multiply_by(const float* rows, std::int64_t stride, std::int64_t hop, const Panels& p, float* sums, std::int64_t count) {
  multiply_panels<Block>(rows, {stride, 1}, hop, p, sums, count, false);
}
template <class Block>
TAL_INLINE void add_product_by(const float* rows, Steps step, const Panels& p, float* sums, std::int64_t count) {
  multiply_panels<Block>(rows, step, 0, p, sums, count, true);
}

}  // namespace tal
