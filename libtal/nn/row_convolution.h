// Convolutions and pooling over the rows of sequences that lie channels last, as detectors on features want them:
// a linear layer, a norm over channels and attention then need no other order. x [B, T, C]; rows outside a sequence are
// zero (pooling: nothing). Kernels of k rows, k odd, are centred: row t of the result sees x[t s - k / 2 .. t s + k /
// 2], so that it stands where row t s of x stood; stride s gives ceil(T / s) rows. Differentiable, any floating type
// and device. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

namespace tal {

// x [B, T, C], weight [O, C, k] as PyTorch's Conv1d has it, bias [O] or undefined -> [B, ceil(T / s), O]. One product
// of matrices, of all rows at once.
at::Tensor row_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {},
                           std::int64_t stride = 1);

// Every channel by itself: weight [C, 1, k], bias [C] or undefined -> [B, ceil(T / s), C].
at::Tensor depthwise_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {},
                          std::int64_t stride = 1);
// The same with LibTorch's Conv1d: what the kernel for float32 on the CPU is compared with.
at::Tensor depthwise_rows_reference(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias = {},
                                    std::int64_t stride = 1);

// The largest of rows 2 t - 1, 2 t, 2 t + 1 -> [B, ceil(T / 2), C]. Of equal ones the first takes the gradient.
at::Tensor max_pool_rows(const at::Tensor& x);

}  // namespace tal
