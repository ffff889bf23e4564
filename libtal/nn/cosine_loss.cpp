#include "libtal/nn/cosine_loss.h"

#include <cmath>

#include "libtal/nn/device.h"
#include "libtal/nn/shapes.h"
#include "libtal/segment/action_stages.h"

namespace tal {

ActionStageClassifierImpl::ActionStageClassifierImpl(std::int64_t dim, const CosineLossOptions& options)
    : options_(options) {
  const auto classes = static_cast<std::int64_t>(kActionStages);
  const double bound = 1 / std::sqrt(static_cast<double>(dim));
  weight = register_parameter("weight", torch::empty({classes, dim}).uniform_(-bound, bound));
  if (options.form == "softmax") bias = register_parameter("bias", torch::zeros({classes}));
  const auto margins =
      action_stage_margins(options.margin_form == "eq7" ? MarginForm::kEq7 : MarginForm::kWorked, options.m, options.n);
  margins_ = torch::empty({classes, classes}, torch::kDouble);
  for (std::size_t j = 0; j < kActionStages; ++j)
    for (std::size_t i = 0; i < kActionStages; ++i)
      margins_[static_cast<std::int64_t>(j)][static_cast<std::int64_t>(i)] = margins[j][i];
}

torch::Tensor ActionStageClassifierImpl::forward(const torch::Tensor& rows) {
  check_shape(rows, {kAxes, weight.size(1)}, "action stage classifier: rows [..., d]");
  const OwnPrecision own;
  const auto x = rows.to(weight.scalar_type());
  if (options_.form == "softmax") return torch::linear(x, weight, bias);
  namespace F = torch::nn::functional;
  return torch::linear(F::normalize(x, F::NormalizeFuncOptions().dim(-1)),
                       F::normalize(weight, F::NormalizeFuncOptions().dim(1)));  // Eq. (4)
}

torch::Tensor ActionStageClassifierImpl::probabilities(const torch::Tensor& outputs) const {
  check_shape(outputs, {kAxes, weight.size(0)}, "action stage classifier: outputs [..., K]");
  return torch::softmax(options_.form == "softmax" ? outputs : options_.scale * outputs, -1);
}

torch::Tensor ActionStageClassifierImpl::loss(const torch::Tensor& outputs, const torch::Tensor& label) const {
  check_shape(outputs, {kAxes, weight.size(0)}, "action stage classifier: outputs [..., K]");
  check_same_shape(label, outputs.select(-1, 0), "action stage classifier: labels [...]");
  const OwnPrecision own;
  const auto cos = widened(outputs).reshape({-1, outputs.size(-1)});
  const auto y = label.reshape({-1});
  auto z = cos;
  if (options_.form != "softmax") {
    const auto known = y.clamp_min(0);
    if (options_.form == "lmcl") {
      z = cos - options_.constant_margin * torch::one_hot(known, cos.size(1)).to(cos.options());
    } else {
      const auto f = margins_.to(cos.options()).index_select(0, known);  // [N, K], 0 at y
      // cos(theta - f) = cos theta cos f + sin theta sin f, for every theta; sin is kept off 0 where its root has no
      // derivative.
      z = options_.form == "angular" ? cos * f.cos() + (1 - cos.square()).clamp_min(1e-12).sqrt() * f.sin() : cos + f;
    }
    z = options_.scale * z;
  }
  return torch::cross_entropy_loss(z, y, {}, at::Reduction::Mean, /*ignore_index=*/-1);
}

}  // namespace tal
