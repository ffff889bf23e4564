// Linear layers whose weights do not change any more: laid out once as oneDNN reads them, and finished - GELU, the
// residual - inside the product. For inference on the CPU in float32; at::linear elsewhere.
#pragma once

#include <ATen/core/Tensor.h>

#include <mutex>

namespace tal {

enum class Activation { kNone, kGelu };  // GELU: the exact one, x (1 + erf(x / sqrt 2)) / 2

class FixedLinear {
 public:
  // weight [O, C], bias [O] or undefined.
  FixedLinear(const at::Tensor& weight, const at::Tensor& bias);
  // x [..., C] -> [..., O]: activation(x W^T + b), or with `add` [..., O] x W^T + b + add. Undefined where the
  // processor, the build or the type of x has no such product, or gradients are wanted; the caller then computes it
  // plainly.
  at::Tensor operator()(const at::Tensor& x, Activation activation = Activation::kNone,
                        const at::Tensor& add = {}) const;

 private:
  at::Tensor weight_, bias_;  // weight_: undefined when there is no such product at all
  // Laid out at the first call: a second copy of the weights, which runs of other types do without.
  mutable std::once_flag once_;
  mutable at::Tensor packed_;
};

}  // namespace tal
