// Linear layers of networks whose weights come from a file.
#pragma once

#include <torch/torch.h>

#include <optional>

namespace tal {

// `weight` [out, in] and, where asked for, `bias` [out]; zero until weights are loaded, because random start values of
// the large transformers take longer than reading their files. [..., in] -> [..., out].
struct DenseImpl : torch::nn::Module {
  DenseImpl(std::int64_t in, std::int64_t out, bool with_bias) {
    weight = register_parameter("weight", torch::zeros({out, in}));
    if (with_bias) bias = register_parameter("bias", torch::zeros({out}));
  }
  torch::Tensor forward(const torch::Tensor& x) const {
    return at::linear(x, weight, bias.defined() ? std::optional(bias) : std::nullopt);
  }
  torch::Tensor weight, bias;
};
TORCH_MODULE(Dense);

}  // namespace tal
