// The selective scan by the kernels of libtal/cuda/selective_scan.cu.
#pragma once

#include "libtal/nn/cuda_kernels.h"
#include "libtal/nn/selective_scan.h"

namespace tal {

// What kernels take: contiguous, channels last, of one type. u, delta, z [B, L, D]; A [N, D]; B, C [B, L, N]; D and
// bias [D]; D, z and bias undefined where there are none.
struct ScanLayers {
  at::Tensor u, delta, A, B, C, D, z, bias;
  bool softplus;

  std::int64_t batch() const { return u.size(0); }
  std::int64_t steps() const { return u.size(1); }
  std::int64_t channels() const { return u.size(2); }
  std::int64_t states() const { return A.size(0); }
};

// What the backward pass needs of the forward one: states before each chunk of steps, and the chunks' totals.
struct ScanStates {
  at::Tensor states, totals;
};

// y [B, L, D], where x lives.
at::Tensor scan_by(const CudaKernels& kernels, const ScanLayers& x, ScanStates& states);
// The gradients of y's upstream dy [B, L, D], of u, delta, A, B, C, D, z and bias, as they lie in ScanLayers; undefined
// where those are.
ScanLayers scan_gradients_by(const CudaKernels& kernels, const ScanLayers& x, const ScanStates& states,
                             const at::Tensor& dy);

// selective_scan() by `kernels`, where the tensors live. Float.
at::Tensor selective_scan_by(const CudaKernels& kernels, const at::Tensor& u, const at::Tensor& delta,
                             const at::Tensor& A, const at::Tensor& B, const at::Tensor& C, const at::Tensor& D,
                             const at::Tensor& z, const at::Tensor& delta_bias, bool softplus);

}  // namespace tal
