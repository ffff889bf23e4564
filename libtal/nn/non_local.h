// The non-local block with dot-product similarity (Wang et al., CVPR 2018), Eq. (5) of ETP:
// y_i = 1/N sum_j (theta(x_i)^T phi(x_j)) g(x_j) over all N positions, no softmax; z = x + out(y).
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace tal {

// theta, phi, g, out are 1x1 convolutions: parameters [C', C, 1] and [C, C', 1] with bias.
struct NonLocalImpl : torch::nn::Module {
  NonLocalImpl(std::int64_t channels, std::int64_t inner);
  torch::Tensor aggregate(const torch::Tensor& x);  // positions last but one: [B, N, C] -> y [B, N, C']
  torch::Tensor forward(const torch::Tensor& x);    // [B, N, C] -> z [B, N, C]

  torch::nn::Conv1d theta{nullptr}, phi{nullptr}, g{nullptr}, out{nullptr};
};
TORCH_MODULE(NonLocal);

// A 1x1 convolution over positions that are rows: [..., C] -> [..., C'].
torch::Tensor pointwise(const torch::nn::Conv1d& layer, const torch::Tensor& x);

}  // namespace tal
