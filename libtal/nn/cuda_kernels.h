// The kernels of libtal/cuda. nvcc compiles them into libtal_cuda.so, which is opened at run time (beside libtal.so,
// then where the system looks), so that nothing links CUDA. Without it, layers run as LibTorch's operations on CUDA.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "libtal/cuda/tal_cuda.h"

namespace tal {

struct CudaKernels {
  decltype(&tal_cuda_message) message;
  decltype(&tal_cuda_matching_forward) matching_forward;
  decltype(&tal_cuda_matching_backward) matching_backward;
  decltype(&tal_cuda_roi_points) roi_points;
  decltype(&tal_cuda_roi_forward) roi_forward;
  decltype(&tal_cuda_roi_backward) roi_backward;
  decltype(&tal_cuda_scan_forward) scan_forward;
  decltype(&tal_cuda_scan_backward) scan_backward;
  decltype(&tal_cuda_max_pool) max_pool;

  // Error, naming the layer, when code is not 0.
  void check(std::int32_t code, const char* layer) const;
};

// Opened once; null when there is no library. Error when there is one of another version of this program. Thread safe.
const CudaKernels* cuda_kernels();
// The kernels for float tensors where `tensor` lives, or null: what can be computed with them.
const CudaKernels* kernels_for(const at::Tensor& tensor);
// "libtal_cuda.so", or why it is not used.
std::string cuda_kernels_state();

// LibTorch's current stream on the tensor's device; Error when this LibTorch does not tell it. The CPU has none.
TalCudaQueue queue_of(const at::Tensor& tensor);

}  // namespace tal
