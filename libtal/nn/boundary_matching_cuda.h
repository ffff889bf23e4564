// The boundary-matching layer by the kernels of libtal/cuda/boundary_matching.cu.
#pragma once

#include "libtal/nn/boundary_matching.h"
#include "libtal/nn/cuda_kernels.h"

namespace tal {

// boundary_matching() where the features live: products of LibTorch, sparse sums of `kernels`. Float. The table is
// uploaded once for each spec and device.
at::Tensor boundary_matching_by(const CudaKernels& kernels, const at::Tensor& features, const at::Tensor& weight,
                                const at::Tensor& bias, const BoundaryMatchingTable& table, bool relu);

}  // namespace tal
