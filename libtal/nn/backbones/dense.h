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
  DenseImpl(std::int64_t in, std::int64_t out, bool with_bias) : DenseImpl({out, in}, with_bias) {}
  DenseImpl(at::IntArrayRef extents, bool with_bias) {
    weight = register_parameter("weight", torch::zeros(extents));
    if (with_bias) bias = register_parameter("bias", torch::zeros({extents[0]}));
  }
  torch::Tensor forward(const torch::Tensor& x) const { return finished(x, Activation::kNone, {}); }
  torch::Tensor gelu(const torch::Tensor& x) const { return finished(x, Activation::kGelu, {}); }
  torch::Tensor added_to(const torch::Tensor& residual, const torch::Tensor& x) const {
    return finished(x, Activation::kNone, residual);
  }
  void prepare() override { fixed_ = std::make_shared<const FixedLinear>(weight.flatten(1), bias); }
  torch::Tensor weight, bias;

 private:
  torch::Tensor finished(const torch::Tensor& x, Activation activation, const torch::Tensor& add) const {
    if (fixed_)
      if (auto y = (*fixed_)(x, activation, add); y.defined()) return y;
    const auto y = at::linear(x, weight.flatten(1), bias.defined() ? std::optional(bias) : std::nullopt);
    if (activation == Activation::kGelu) return torch::gelu(y);
    return add.defined() ? add + y : y;
  }
  std::shared_ptr<const FixedLinear> fixed_;
};
TORCH_MODULE(Dense);

}  // namespace tal
