// Intervals of a sequence, each resampled to L rows and convolved, without resampling the features (RPN
// paper, 3.2, 3.3, 4.2).
//
// An interval [a, b] of n = b - a rows becomes L rows of the l2-normalised sequence f, extended by zero rows on both
// sides:
//   n <= L   y_k = (1 - r) f[floor p] + r f[floor p + 1],  p = a + (k + 1/2) n / L - 1/2,  r = p - floor p
//   n >  L   y_k = element-wise max of rows floor(e_k) .. ceil(e_k+1) - 1,  e_k = a + k n / L; zero rows outside take
//   part
// A convolution over k is a sum of one matrix product for each kernel tap. Interpolation is linear, so the products are
// taken of the rows of f once, and their results are interpolated; bins that are pooled are the same for many
// intervals, so each distinct bin is pooled and multiplied once; and a result row depends on the few rows under the
// kernel only, so each distinct window of rows is computed once. Same result up to rounding: T + bins products instead
// of N L. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "libtal/base/row_range.h"
#include "libtal/base/segment.h"

namespace tal {

// x / max(|x|_2, 1e-12) row by row; a zero row stays zero. [T, C] -> [T, C].
at::Tensor normalise_rows(const at::Tensor& x);

// Whole video to `rows` rows: zero rows at the end, or the maximum over adaptive bins. [n, C] -> [rows, C].
at::Tensor rescale_rows(const at::Tensor& x, std::int64_t rows);
// Whole video to `rows` rows by linear interpolation between row centres; before the first and behind the last centre
// the end rows. [n, C] -> [rows, C].
at::Tensor resize_rows(const at::Tensor& x, std::int64_t rows);
// The same as OpenTAD's ResizeFeat("torchvision_align"): row k is the mean of ceil(n / rows) points of the k-th of
// `rows` equal parts, interpolated between row centres, of values (and n) in half precision.
at::Tensor align_rows(const at::Tensor& x, std::int64_t rows);

// The plain form of the encoding, differentiable in x. x [T, C] normalised, intervals in rows of x -> [N, L, C].
at::Tensor resample_intervals(const at::Tensor& x, const std::vector<Segment>& intervals, std::int64_t length);

// Rows of N intervals that are all L long, stored once each: row (n, k) is values[index[n, k]].
struct SharedRows {
  at::Tensor values;  // [W, D]
  at::Tensor index;   // [N, L] int64
  std::int64_t count() const { return index.size(0); }
  std::int64_t length() const { return index.size(1); }
  at::Tensor expand() const;                     // [N, L, D]
  static SharedRows of(const at::Tensor& rows);  // [N, L, D], nothing shared
};

// Which rows, bins and windows a list of intervals needs. Built once (no features needed), immutable, and movable to a
// device.
struct IntervalPlan {
  std::int64_t length = 0;  // L
  at::Tensor rows;          // [R] int64: rows of x that are used as they are
  at::Tensor bins;   // [B, M] int64: rows of x under each distinct bin, the last one repeated; x.size(0): the zero row
  at::Tensor index;  // [N, L] int64: window of row k of interval n
  // One kernel size: window w is the sum of weight * product[source * size + tap] over its entries [begin[w], begin[w +
  // 1]).
  struct Taps {
    at::Tensor entries;  // [E] int64: source * size + tap; sources are the rows, then the bins
    at::Tensor weights;  // [E] float64
    at::Tensor begin;    // [W + 1] int64
  };
  std::map<std::int64_t, Taps> taps;  // by kernel size

  IntervalPlan to(const at::Device& device, at::ScalarType dtype) const;
  // As named tensors of a batch, and back.
  void store(std::map<std::string, at::Tensor>& tensors, const std::string& prefix) const;
  static IntervalPlan load(const std::map<std::string, at::Tensor>& tensors, const std::string& prefix);

  // What the convolutions read: used rows, then pooled bins. x [T, C] normalised -> [R + B, C]; differentiable.
  at::Tensor sources(const at::Tensor& x) const;
  // A convolution with zero padding size / 2 over every interval. sources [R + B, C], weight [D, C, size], bias [D] ->
  // [W, D]; differentiable in all three.
  at::Tensor convolve(const at::Tensor& sources, const at::Tensor& weight, const at::Tensor& bias) const;
};

// Collects intervals of one or more sequences that lie behind each other in x.
class IntervalPlanner {
 public:
  // kernels: odd sizes of the convolutions that will run over the rows; `total` rows in x.
  IntervalPlanner(std::int64_t length, std::vector<std::int64_t> kernels, std::int64_t total);
  ~IntervalPlanner();
  // sequence: its rows of x. interval: rows of the sequence, counted from its own first; it may reach out of it.
  void add(const RowRange& sequence, const Segment& interval);
  IntervalPlan finish();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Time order of the weights' memory that convolve() reads without a copy: [D, C, size], laid out as [size, D, C].
at::Tensor tap_major(const at::Tensor& weight);

}  // namespace tal
