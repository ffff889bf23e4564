#include "libtal/nn/fixed_linear.h"

#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>

#include <optional>
#include <string_view>

#include "libtal/nn/operators.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

using LinearScalars = c10::List<std::optional<at::Scalar>>;
using Text = std::optional<std::string_view>;
using LinearPointwise = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                                   std::string_view, LinearScalars, Text);
using LinearBinary = at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&,
                                const std::optional<at::Tensor>&, std::string_view);
using Reorder = at::Tensor(const at::Tensor&, std::optional<c10::SymInt>);

// As LibTorch's compiler calls them; builds without oneDNN have none.
struct Products {
  const c10::TypedOperatorHandle<LinearPointwise>* pointwise =
      find_operator<LinearPointwise>("mkldnn::_linear_pointwise", "", c10::DispatchKey::MkldnnCPU);
  const c10::TypedOperatorHandle<LinearBinary>* binary =
      find_operator<LinearBinary>("mkldnn::_linear_pointwise", "binary", c10::DispatchKey::MkldnnCPU);
  const c10::TypedOperatorHandle<Reorder>* reorder =
      find_operator<Reorder>("mkldnn::_reorder_linear_weight", "", c10::DispatchKey::CPU);
  explicit operator bool() const { return pointwise && binary && reorder; }
};
const Products& products() {
  static const Products all;
  return all;
}

}  // namespace

FixedLinear::FixedLinear(const at::Tensor& weight, const at::Tensor& bias) : bias_(bias) {
  check_shape(weight, {kAny, kAny}, "linear: weight [O, C]");
  if (!products() || !weight.is_cpu() || weight.scalar_type() != at::kFloat || weight.numel() == 0) return;
  weight_ = weight.detach().contiguous();
  if (bias_.defined()) bias_ = bias_.detach();
}

at::Tensor FixedLinear::operator()(const at::Tensor& x, Activation activation, const at::Tensor& add) const {
  if (!weight_.defined() || at::GradMode::is_enabled() || !x.is_cpu() || x.scalar_type() != at::kFloat ||
      x.numel() == 0 || at::autocast::is_autocast_enabled(at::kCPU))
    return {};
  std::call_once(once_, [this] { packed_ = products().reorder->call(weight_, std::nullopt); });
  const std::optional<at::Tensor> bias = bias_.defined() ? std::optional(bias_) : std::nullopt;
  if (add.defined()) return products().binary->call(x.contiguous(), add.contiguous(), packed_, bias, "add");
  const bool gelu = activation == Activation::kGelu;
  return products().pointwise->call(x.contiguous(), packed_, bias, gelu ? "gelu" : "none", LinearScalars(),
                                    gelu ? Text("none") : Text(""));
}

}  // namespace tal
