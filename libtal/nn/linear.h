// A linear layer over many rows, such as the proposals of a video.
#pragma once

#include <ATen/core/Tensor.h>

namespace tal {

// y = x W^T + bias, then ReLU if asked for. x: [..., C]. weight: [O, C], or that of a convolution with one tap,
// [O, C, 1, ...]. bias: [O], or undefined. -> [..., O]. Differentiable; any type and device. Error for shapes that do
// not fit. Usually this is LibTorch's linear layer. Only without gradients, for 256 rows and more of float32 on the CPU
// and O a multiple of 16, a kernel of ours computes it (panel_product.h): it is up to 1.5 times as fast for the 64 or
// 128 outputs that heads over proposals have, because bias and ReLU need no second pass over the result.
at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool relu = false);

}  // namespace tal
