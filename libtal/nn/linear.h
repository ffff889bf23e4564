// A linear layer over many rows, such as the proposals of a video.
#pragma once

#include <ATen/core/Tensor.h>

namespace tal {

// x [.., C] with weight [O, C], or that of a convolution of one tap [O, C, 1 ..], and bias [O] (may be undefined) -> [.., O], then ReLU. Differentiable, any type and device:
// LibTorch's own. Without gradients, many rows of float on the CPU go through products in registers, up to 1.5 times as fast for the 64 or 128 outputs that heads of proposals
// have, and the end in the same pass.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool relu = false);

}  // namespace tal
