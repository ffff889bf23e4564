// Attention that turns the rows of a sequence into one vector.
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace tal {

// alpha = softmax over the rows of (H w + b), att = alpha^T H (Eq. (1) of the RPN paper). [N, L, D] -> [N, D].
class SoftAttentionImpl : public torch::nn::Module {
 public:
  explicit SoftAttentionImpl(std::int64_t dim);
  torch::Tensor weights(const torch::Tensor& rows);  // [N, L, D] -> [N, L]
  torch::Tensor forward(const torch::Tensor& rows);

 private:
  torch::nn::Linear score_{nullptr};
};
TORCH_MODULE(SoftAttention);

// One unit: Z <- LayerNorm(Z + MHA(Z, Z, Z)); no mask, dropout, position code or feed-forward. projected: the standard
// module with learned query, key, value and output projections (parameters as torch.nn.MultiheadAttention); otherwise
// Eq. (2) to the letter, heads are column slices of Z.
class AttentionUnitImpl : public torch::nn::Module {
 public:
  AttentionUnitImpl(std::int64_t dim, std::int64_t heads, bool projected);
  // [N, M, D] -> [N, M, D]; rows: only the first `rows` rows of the result are needed (0: all).
  torch::Tensor forward(const torch::Tensor& z, std::int64_t rows = 0);

 private:
  std::int64_t heads_;
  torch::Tensor in_weight_, in_bias_;  // [3D, D], [3D]; undefined when not projected
  torch::nn::Linear out_{nullptr};
  torch::nn::LayerNorm norm_{nullptr};
};
TORCH_MODULE(AttentionUnit);

// A learned token is put before the rows, `units` units follow, and the token's row is the result. [N, L, D] -> [N, D].
class TokenAttentionImpl : public torch::nn::Module {
 public:
  TokenAttentionImpl(std::int64_t dim, std::int64_t heads, std::int64_t units, bool projected);
  torch::Tensor forward(const torch::Tensor& rows);

 private:
  torch::Tensor token_;  // [1, D]
  torch::nn::ModuleList units_;
};
TORCH_MODULE(TokenAttention);

}  // namespace tal
