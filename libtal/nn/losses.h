// Losses that several networks share. All are differentiable, take float or double, and stay finite for logits of any
// size. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

namespace tal {

// Focal loss, -a_t (1 - p_t)^gamma log p_t with p = sigmoid(logit), p_t = p for label 1 and 1 - p for label 0; gamma 0
// is cross entropy. alpha in [0, 1]: a_t = alpha for label 1, 1 - alpha for label 0; negative: a_t = 1. logit, label
// [any] -> [same], before reduction.
at::Tensor focal_loss(const at::Tensor& logit, const at::Tensor& label, double gamma, double alpha = -1);
// The same for labels in [0, 1], as smoothing makes them: cross entropy x (1 - p_t)^gamma x a_t with p_t = p y + (1 -
// p) (1 - y) and a_t = alpha y + (1 - alpha) (1 - y) (fvcore's sigmoid_focal_loss).
at::Tensor soft_focal_loss(const at::Tensor& logit, const at::Tensor& label, double gamma, double alpha);

// x^2 / 2 for |x| < 1, |x| - 1/2 beyond.
at::Tensor smooth_l1(const at::Tensor& x);
// The KL loss of a boundary with predicted alpha = log sigma^2: e^-alpha smooth_l1(x) + alpha / 2.
at::Tensor kl_regression(const at::Tensor& x, const at::Tensor& alpha);

// Weighted binary logistic loss of BSN: both classes weigh one half, -1/2 (mean over label 1 of log p + mean over label
// 0 of log(1 - p)); a class without entries contributes 0. logit, label [any] -> scalar. weights (as label, or
// undefined): of the entries in both means.
at::Tensor balanced_logistic(const at::Tensor& logit, const at::Tensor& label, const at::Tensor& weights = {});

// Homoscedastic-uncertainty weighting (Kendall et al.): e^-s_k L_k + s_k / 2, s_k = log sigma_k^2. losses, log_var [K]
// -> [K]; their sum is the loss.
at::Tensor multi_task_terms(const at::Tensor& losses, const at::Tensor& log_var);

}  // namespace tal
