// 3 x 3 convolutions with a quarter of the multiplications: Winograd's F(4 x 4, 3 x 3) (Lavin and Gray, CVPR 2016), on
// the CPU.
//
// The picture is cut into tiles of 4 x 4 results. Each needs 6 x 6 pixels d. Three steps:
//   1. B^T d B turns the pixels into 36 numbers, the tile's "points". G g G^T turned the filter g into 36 points
//   before.
//   2. Points of tile and filter are multiplied one by one and summed over the channels. As this is done for all tiles
//      and filters together, it is 36 matrix products.
//   3. A^T m A turns the 36 sums m into the 4 x 4 results.
// Matrices B, G and A evaluate polynomials at 0, +-3/4, +-3/2 and infinity. The rounding error is about 2e-6 of the
// largest result: less than half of the error with the usual places 0, +-1, +-2, and five times that of a plain
// convolution.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace tal {

// What is done to the result of a convolution before it is written: y = relu(x * w + bias + add).
struct Epilogue {
  bool relu = false;
  at::Tensor add = {};  // with the shape of the result; undefined: nothing is added
};

// The filters of one layer, transformed once (step 1) and used many times. They take four times the memory of the
// weights. Takes no part in differentiation.
class WinogradFilters {
 public:
  // weight: [O, C, 3, 3], or [O, C, K, 3, 3] with an odd number K of frames; float32, on the CPU. Error for any other.
  explicit WinogradFilters(const at::Tensor& weight);

  // Stride 1, padded with zeros so that the sizes stay: [B, C, H, W] -> [B, O, H, W] or [B, C, T, H, W] ->
  // [B, O, T, H, W], float32 on the CPU. bias: [O], or undefined. The result is in the memory format channels last; an
  // x in another format is copied first. Error for what does not fit.
  at::Tensor convolve(const at::Tensor& x, const at::Tensor& bias, const Epilogue& then = {}) const;

  // The same for pictures of which only L of the H x W pixels exist: x [B, L, C] -> [B, L, O]. Filters without frames.
  // rows: [H, W] int32, the row of x that each pixel has, or -1 for a pixel that does not exist. outside: [C], the
  // values of pixels that do not exist; around the picture there are zeros. Error for what does not fit.
  at::Tensor convolve_packed(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& outside,
                             const at::Tensor& bias) const;

  // Whether filters [O, C, ...] are faster by this method than by a plain convolution: float32 on the CPU, with enough
  // channels to fill vectors of at least 32 bytes.
  static bool pay(const at::Tensor& weight);

 private:
  struct Work;  // one call
  struct Plan;  // how the call is divided into tasks
  struct Room;  // points of one task; each thread has its own
  void run(const Work& work) const;
  void run_task(const Work& work, const Plan& plan, std::int64_t task, Room& room) const;

  std::int64_t in_ = 0, out_ = 0, frames_ = 1;
  at::Tensor points_;  // [36, O / 16, K, C, 16]
};

}  // namespace tal
