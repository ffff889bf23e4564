// Linear layers of networks whose weights come from a file.
#pragma once

#include <torch/torch.h>

#include <memory>
#include <optional>

#include "libtal/nn/backbones/backbone.h"
#include "libtal/nn/fixed_linear.h"

namespace tal {

// `weight` [out, in], or of a patch [out, in...], and, where asked for, `bias` [out]; zero until weights are loaded,
// because random start values of the large transformers take longer than reading their files. [..., in] -> [..., out].
struct DenseImpl : torch::nn::Module, Prepared {
  DenseImpl(std::int64_t in, std::int64_t out, bool with_bias) {
    weight = register_parameter("weight", torch::zeros({out, in}));
    if (with_bias) bias = register_parameter("bias", torch::zeros({out}));
  }
  torch::Tensor forward(const torch::Tensor& x) const {
    if (fixed_)
      if (auto y = (*fixed_)(x); y.defined()) return y;
    return at::linear(x, weight.flatten(1), bias.defined() ? std::optional(bias) : std::nullopt);
  }
  torch::Tensor gelu(const torch::Tensor& x) const {
    if (fixed_)
      if (auto y = (*fixed_)(x, Activation::kGelu); y.defined()) return y;
    return torch::gelu(forward(x));
  }
  torch::Tensor added_to(const torch::Tensor& residual, const torch::Tensor& x) const {
    if (fixed_)
      if (auto y = (*fixed_)(x, Activation::kNone, residual); y.defined()) return y;
    return residual + forward(x);
  }
  void prepare() override { fixed_ = std::make_shared<const FixedLinear>(weight.flatten(1), bias); }
  torch::Tensor weight, bias;

 private:
  std::shared_ptr<const FixedLinear> fixed_;
};
TORCH_MODULE(Dense);

}  // namespace tal
