// 1-D RoIAlign by the kernels of libtal/cuda/roi_align_1d.cu, and as operations of LibTorch.
#pragma once

#include "libtal/nn/cuda_kernels.h"
#include "libtal/nn/roi_align_1d.h"

namespace tal {

// roi_align_1d() where the rows live, by `kernels`; rows of less precision than float are widened. Points are computed
// in double.
at::Tensor roi_align_1d_by(const CudaKernels& kernels, const PyramidRows& pyramid, const at::Tensor& segments,
                           std::int64_t rows, std::int64_t sampling);
// The same in operations of LibTorch, on any device.
at::Tensor roi_align_1d_operations(const PyramidRows& pyramid, const at::Tensor& segments, std::int64_t rows,
                                   std::int64_t sampling);

}  // namespace tal
