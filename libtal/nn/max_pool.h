// Max-pooling of pictures and clips. On CUDA without a gradient by our own kernel, which writes no indices; else
// LibTorch's.
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

#include "libtal/nn/cuda_kernels.h"

namespace tal {

struct PoolShape {
  std::vector<std::int64_t> kernel, stride, padding = {};  // a number for each axis; no padding: zeros
  bool ceil = false;                                       // room for a last window that is not whole
};

// x [B, C, H, W] or [B, C, T, H, W] -> [B, C, axes'...]. What lies outside takes no part.
at::Tensor max_pool(const at::Tensor& x, const PoolShape& shape);

// The same by these kernels; x of 2 or 4 bytes a value, in any memory format. The result is in channels last. Takes no
// part in differentiation.
at::Tensor max_pool_by(const CudaKernels& kernels, const at::Tensor& x, const PoolShape& shape);

}  // namespace tal
