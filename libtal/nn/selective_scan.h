// The selective scan of Mamba (Gu and Dao, arXiv 2312.00752): N linear recurrences a channel, whose step and whose
// input and output weights depend on the input. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

namespace tal {

// For each sequence b and channel d, from the state h = 0 [N]:
//   s = delta[b, d, t] + delta_bias[d], with `softplus` log(1 + e^s) of it
//   h = exp(s A[d]) h + s u[b, d, t] B[b, :, t]
//   y[b, d, t] = (C[b, :, t] . h + D[d] u[b, d, t]) silu(z[b, d, t])
// u, delta, z [B, D, L]; A [D, N]; B, C [B, N, L]; D, delta_bias [D] -> y [B, D, L]; D, z and delta_bias may be
// undefined, without a term or factor then. Differentiable, any floating type and device.
//
// float32 goes through kernels, on the CPU (and where there are CUDA kernels there too): states exist for one block of
// steps, and are computed again in the backward pass from those at the blocks' beginnings. Sums do not depend on the
// number of threads. The kernels' rows are channels: transposed views of [B, L, D] are read as they are, others are
// copied, and y is such a view.
at::Tensor selective_scan(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                          const at::Tensor& C, const at::Tensor& D, const at::Tensor& z, const at::Tensor& delta_bias,
                          bool softplus);

// The same one step after the other in operations of LibTorch, which keep every state for the backward pass. The last
// state [B, D, N] goes to *state unless it is null.
at::Tensor selective_scan_reference(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                                    const at::Tensor& B, const at::Tensor& C, const at::Tensor& D, const at::Tensor& z,
                                    const at::Tensor& delta_bias, bool softplus, at::Tensor* state = nullptr);

}  // namespace tal
