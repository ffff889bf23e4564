// LayerNorm over the last axis, the channels (Ba et al., arXiv 1607.06450), as every transformer and detector here has
// it: [..., C] -> [..., C].
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace tal {

inline torch::nn::LayerNorm channel_norm(std::int64_t channels, double eps) {
  return torch::nn::LayerNorm(torch::nn::LayerNormOptions({channels}).eps(eps));
}

}  // namespace tal
