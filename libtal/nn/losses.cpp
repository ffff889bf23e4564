#include "libtal/nn/losses.h"

#include "libtal/nn/shapes.h"

namespace tal {

at::Tensor focal_loss(const at::Tensor& logit, const at::Tensor& label, double gamma, double alpha) {
  check_same_shape(label, logit, "focal loss: labels");
  const at::Tensor sign = 2 * label - 1;
  const at::Tensor margin = logit * sign;  // p_t = sigmoid(margin)
  at::Tensor loss = -at::log_sigmoid(margin);
  if (gamma != 0) loss = loss * (gamma * at::log_sigmoid(-margin)).exp();  // (1 - p_t)^gamma without cancellation
  return alpha < 0 ? loss : loss * (alpha * label + (1 - alpha) * (1 - label));
}

at::Tensor soft_focal_loss(const at::Tensor& logit, const at::Tensor& label, double gamma, double alpha) {
  check_same_shape(label, logit, "focal loss: labels");
  const at::Tensor p = logit.sigmoid(), missed = p * (1 - label) + (1 - p) * label;  // 1 - p_t
  const at::Tensor entropy = -(label * at::log_sigmoid(logit) + (1 - label) * at::log_sigmoid(-logit));
  return entropy * missed.pow(gamma) * (alpha * label + (1 - alpha) * (1 - label));
}

at::Tensor smooth_l1(const at::Tensor& x) {
  const at::Tensor size = x.abs();
  return at::where(size < 1, 0.5 * x * x, size - 0.5);
}

at::Tensor kl_regression(const at::Tensor& x, const at::Tensor& alpha) {
  check_same_shape(alpha, x, "KL loss: log variances");
  return (-alpha).exp() * smooth_l1(x) + 0.5 * alpha;
}

at::Tensor balanced_logistic(const at::Tensor& logit, const at::Tensor& label, const at::Tensor& weights) {
  check_same_shape(label, logit, "balanced logistic loss: labels");
  if (weights.defined()) check_same_shape(weights, logit, "balanced logistic loss: weights");
  const at::Tensor ones = weights.defined() ? label * weights : label,
                   zeros = weights.defined() ? (1 - label) * weights : 1 - label;
  const auto mean = [](const at::Tensor& values, const at::Tensor& chosen) {
    return (values * chosen).sum() / chosen.sum().clamp_min(1);
  };
  return -0.5 * (mean(at::log_sigmoid(logit), ones) + mean(at::log_sigmoid(-logit), zeros));
}

at::Tensor multi_task_terms(const at::Tensor& losses, const at::Tensor& log_var) {
  check_shape(losses, {kAny}, "multi-task loss: losses [K]");
  check_same_shape(log_var, losses, "multi-task loss: log variances [K]");
  return (-log_var).exp() * losses + 0.5 * log_var;
}

}  // namespace tal
