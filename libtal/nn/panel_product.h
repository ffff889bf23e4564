// Matrix products for kernels: rows times a matrix that is stored in "panels", the order in which the inner loop reads
// it.
//
// A panel is 16 columns of the matrix, stored row after row, so that one row of a panel is one vector of 64 bytes. The
// inner loop keeps a block of sums (some rows times some vectors) in registers, reads one row of a panel and one number
// of each row of the left matrix, and adds their products. A kernel has one function for each instruction set
// (vector.h) and calls multiply_by() with the block of that set. All numbers are float32.
#pragma once

#include <ATen/core/Tensor.h>

#include <algorithm>
#include <cstdint>

#include "libtal/nn/vector.h"

namespace tal {

constexpr std::int64_t kWidth = 16;  // columns of a panel: floats of the widest vector
// n, rounded up to whole panels.
constexpr std::int64_t whole_vectors(std::int64_t n) { return (n + kWidth - 1) / kWidth * kWidth; }

// The right matrix: `repeats` matrices [depth, columns], whose products are added to the same sums. Memory:
// [columns / kWidth, repeats, depth, kWidth]. columns is a multiple of kWidth.
struct Panels {
  const float* values;
  std::int64_t repeats, depth, columns;
};
// The panels of one matrix [depth, columns], as a tensor [panels, depth, kWidth]. Zeros fill up the last panel.
at::Tensor panels_of(const at::Tensor& matrix);

constexpr std::int64_t kDepth = 128;  // rows of the right matrix for one pass: they stay in the first-level cache

// Layout of the left matrix in floats: row r, column c lies at r * row + c * column. column is 1, except for a matrix
// that is read transposed.
struct Steps {
  std::int64_t row, column;
};

// One block of kRows rows x kVectors vectors of sums, kept in registers: sums = (first) or += rows [kRows, depth] x
// panels [depth, kVectors vectors]. panel: floats from one panel to the next; sums_stride: from one row of sums to the
// next.
template <class S, int kRows, int kVectors>
TAL_INLINE void multiply(const float* rows, Steps step, const float* panels, std::int64_t panel, std::int64_t depth,
                         float* sums, std::int64_t sums_stride, bool first) {
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
    for (int x = 0; x < kVectors; ++x)
      column[x] = at<S>(panels + x / kParts * panel + c * kWidth + x % kParts * kFloats<S>);
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

// The same for `count` rows, kRows at a time. Up to kRows - 1 rows behind the last one are read and written too: both
// buffers need room for kSpare rows more.
template <class S, int kRows, int kVectors>
TAL_INLINE void multiply_rows(const float* rows, Steps step, const float* panels, std::int64_t panel,
                              std::int64_t depth, float* sums, std::int64_t sums_stride, std::int64_t count,
                              bool first) {
  for (std::int64_t r = 0; r < count; r += kRows)
    multiply<S, kRows, kVectors>(rows + r * step.row, step, panels, panel, depth, sums + r * sums_stride, sums_stride,
                                 first);
}
constexpr std::int64_t kSpare = 12;      // at least kRows - 1 of every block below
constexpr std::int64_t kWholeRows = 24;  // a multiple of kRows of every block below: with so many, none is left over

// The block of each instruction set: as many sums as its registers hold. run(panels, ...): multiply_rows() for the next
// panels, `panels` of which are left; returns how many it has done.
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

// sums [count, columns] = (or +=, with add) sum over k of R_k x (repeat k of the panels), where R_k are the `count`
// rows from row k * hop on. rows and sums need room for kSpare rows behind the last one.
template <class Block>
TAL_INLINE void multiply_panels(const float* rows, Steps step, std::int64_t hop, const Panels& p, float* sums,
                                std::int64_t count, bool add) {
  const std::int64_t panel = p.repeats * p.depth * kWidth, panels = p.columns / kWidth;
  for (std::int64_t k = 0; k < p.repeats; ++k)
    for (std::int64_t c = 0; c < p.depth; c += kDepth)
      for (std::int64_t j = 0; j < panels;)
        j += Block::run(panels - j, rows + k * hop * step.row + c * step.column, step,
                        p.values + j * panel + (k * p.depth + c) * kWidth, panel, std::min(kDepth, p.depth - c),
                        sums + j * kWidth, p.columns, count, !add && k == 0 && c == 0);
}
// sums = products; the rows are `stride` floats apart.
template <class Block>
TAL_INLINE void multiply_by(const float* rows, std::int64_t stride, std::int64_t hop, const Panels& p, float* sums,
                            std::int64_t count) {
  multiply_panels<Block>(rows, {stride, 1}, hop, p, sums, count, false);
}
// sums += the product with one matrix.
template <class Block>
TAL_INLINE void add_product_by(const float* rows, Steps step, const Panels& p, float* sums, std::int64_t count) {
  multiply_panels<Block>(rows, step, 0, p, sums, count, true);
}

}  // namespace tal
