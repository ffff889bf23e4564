#include "libtal/nn/non_local.h"

#include "libtal/nn/shapes.h"

namespace tal {

torch::Tensor pointwise(const torch::nn::Conv1d& layer, const torch::Tensor& x) {
  check_shape(x, {kAxes, layer->weight.size(1)}, "1x1 convolution: rows [..., C]");
  return torch::linear(x, layer->weight.squeeze(2), layer->bias);
}

NonLocalImpl::NonLocalImpl(std::int64_t channels, std::int64_t inner) {
  const auto layer = [](std::int64_t from, std::int64_t to) {
    return torch::nn::Conv1d(torch::nn::Conv1dOptions(from, to, 1));
  };
  theta = register_module("theta", layer(channels, inner));
  phi = register_module("phi", layer(channels, inner));
  g = register_module("g", layer(channels, inner));
  out = register_module("out", layer(inner, channels));
}

torch::Tensor NonLocalImpl::aggregate(const torch::Tensor& x) {
  check_shape(x, {kAny, kAny, theta->weight.size(1)}, "non-local block: positions [B, N, C]");
  const auto similarity = torch::bmm(pointwise(theta, x), pointwise(phi, x).transpose(1, 2));  // f(x_i, x_j) [B, N, N]
  return torch::bmm(similarity, pointwise(g, x)) / static_cast<double>(x.size(1));
}

torch::Tensor NonLocalImpl::forward(const torch::Tensor& x) { return x + pointwise(out, aggregate(x)); }

}  // namespace tal
