// 3 x 3 convolutions with a quarter of the multiplications: Winograd's F(4 x 4, 3 x 3) (Lavin and Gray, CVPR 2016), on the CPU.
//
// A tile of 6 x 6 pixels becomes 36 points by B^T d B, the filter 36 points by G g G^T; their products, summed over channels, become 4 x 4 pixels of the
// result by A^T m A. The polynomials are evaluated at 0, +-3/4, +-3/2 and infinity: rounding stays at about 2e-6 of the largest result, less than half of
// what the usual points 0, +-1, +-2 give and five times that of the sums of the convolution itself.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace tal {

// What is done to a convolution's result while it is at hand: y = relu(x * w + bias + add).
struct Epilogue {
  bool relu = false;
  at::Tensor add = {};  // as the result, or undefined
};

// Filters [O, C, 3, 3], or [O, C, K, 3, 3] with K (odd) frames, transformed once. Float, on the CPU; four times the memory of the weights.
class WinogradFilters {
 public:
  explicit WinogradFilters(const at::Tensor& weight);

  // Stride 1 and zeros around, so that sizes stay: [B, C, H, W] -> [B, O, H, W] or [B, C, T, H, W] -> [B, O, T, H, W], float. bias [O] or undefined. The
  // result is laid out channels last; an x that is not is copied first. Takes no part in differentiation.
  at::Tensor convolve(const at::Tensor& x, const at::Tensor& bias, const Epilogue& then = {}) const;

  // Pictures of which only some pixels exist, packed: [B, L, C] -> [B, L, O]; K = 1. rows [H, W] (int): the row of each pixel, -1 where there is none;
  // such pixels have the values `outside` [C], those around the picture are 0.
  at::Tensor convolve_packed(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& outside, const at::Tensor& bias) const;

  // Whether filters [O, C, ..] are faster so than by the convolution's own sums: float, on the CPU, channels that fill vectors of at least 32 bytes.
  static bool pay(const at::Tensor& weight);

 private:
  struct Work;
  void run(const Work& work) const;

  std::int64_t in_ = 0, out_ = 0, frames_ = 1;
  at::Tensor points_;  // [36, O / 16, K, C, 16]
};

}  // namespace tal
