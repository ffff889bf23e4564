// Attention over all proposals of a map at once.
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

namespace tal {

// out[b, q] = sum_k softmax_k(queries[b, q] . keys[b, k]) values[b, k], no scaling: queries [B, Q, C], keys [B, K, C],
// values [B, K, V] -> [B, Q, V]. Q x K never exists as a whole: blocks of queries are scored, normalised and summed one
// after the other, again in the backward pass. On CUDA LibTorch's fused attention does so, in Autocast's type.
// Differentiable; any floating dtype and device.
at::Tensor blockwise_attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values);
// The same by LibTorch's fused attention, wherever it is; what it takes on CUDA.
at::Tensor fused_attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values);

}  // namespace tal
