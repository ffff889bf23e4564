#include "libtal/models/etp/etp_losses.h"

#include <algorithm>

#include "libtal/nn/device.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

struct CentreLength {
  torch::Tensor centre, length;
};
CentreLength centre_length(const torch::Tensor& segments) {
  const auto start = segments.select(1, 0), end = segments.select(1, 1);
  return {(start + end) / 2, end - start};
}

// proposals and others: [M, 2] both.
void check_pairs(const torch::Tensor& proposals, const torch::Tensor& others, const char* what) {
  check_shape(proposals, {kAny, 2}, "ETP losses: proposals [M, 2]");
  check_same_shape(others, proposals, what);
}

torch::Tensor zero_of(const torch::Tensor& x) { return x.sum() * 0; }  // keeps the graph

}  // namespace

torch::Tensor location_targets(const torch::Tensor& proposals, const torch::Tensor& gt) {
  check_pairs(proposals, gt, "ETP losses: ground truths [M, 2]");
  const auto own = centre_length(proposals), truth = centre_length(gt);
  return torch::stack({(truth.centre - own.centre) / own.length, torch::log(truth.length / own.length)}, 1);
}

torch::Tensor move_proposals(const torch::Tensor& proposals, const torch::Tensor& pred) {
  check_pairs(proposals, pred, "ETP losses: predictions (c, s) [M, 2]");
  const auto own = centre_length(proposals);
  const auto centre = own.centre + pred.select(1, 0) * own.length,
             half = own.length * torch::exp(pred.select(1, 1)) / 2;
  return torch::stack({centre - half, centre + half}, 1);
}

torch::Tensor location_loss(const torch::Tensor& pred, const torch::Tensor& targets, const torch::Tensor& used) {
  check_shape(pred, {kAny, 2}, "ETP location loss: predictions (c, s) [M, 2]");
  check_same_shape(targets, pred, "ETP location loss: targets [M, 2]");
  check_shape(used, {pred.size(0)}, "ETP location loss: used [M]");
  const OwnPrecision own;
  const auto each = torch::smooth_l1_loss(widened(pred), targets, at::Reduction::None).sum(1);
  // Not a product with 0/1: a target without a ground truth may be infinite.
  return torch::where(used > 0, each, torch::zeros_like(each)).sum() / used.sum().clamp_min(1);
}

CompletenessLoss completeness_loss(const torch::Tensor& output, const torch::Tensor& kind) {
  const OwnPrecision own;
  const auto score = widened(output);
  check_shape(score, {kAny}, "ETP completeness loss: scores [M]");
  check_same_shape(kind, score, "ETP completeness loss: kinds [M]");
  CompletenessLoss result;
  const auto sign = kind.to(score.options());
  result.hinge = torch::relu(1 - sign * score) * sign.abs();
  result.kept = kind.eq(kPositiveKind).to(score.options());
  const auto incomplete = kind.eq(kIncompleteKind).nonzero().squeeze(1);
  if (const auto n = incomplete.size(0); n > 0) {
    const auto order =
        torch::argsort(result.hinge.detach().index_select(0, incomplete), /*stable=*/true, 0, /*descending=*/true);
    result.kept =
        result.kept.index_fill(0, incomplete.index_select(0, order.narrow(0, 0, std::max<std::int64_t>(1, n / 4))), 1);
  }
  result.loss = (result.hinge * result.kept).sum() / result.kept.sum().clamp_min(1);
  return result;
}

LocalizationLoss localization_loss(const torch::Tensor& class_logits, const torch::Tensor& comp,
                                   const torch::Tensor& location, const LocalizationTruth& truth, double alpha,
                                   double beta) {
  const OwnPrecision own;
  const auto cls = widened(class_logits), reg = widened(location);
  check_shape(cls, {kAny, at_least(2)}, "ETP localization loss: classes [M, K + 1]");
  check_shape(comp, {cls.size(0), cls.size(1) - 1}, "ETP localization loss: completeness [M, K]");
  check_shape(reg, {cls.size(0), 2}, "ETP localization loss: location [M, 2]");
  check_shape(truth.label, {cls.size(0)}, "ETP localization loss: labels [M]");
  check_shape(truth.kind, {cls.size(0)}, "ETP localization loss: kinds [M]");
  LocalizationLoss result;
  const auto positive = truth.kind.eq(kPositiveKind), background = truth.kind.eq(kBackgroundKind);
  const auto chosen = (positive | background).nonzero().squeeze(1);
  const auto target = torch::where(positive, truth.label, torch::full_like(truth.label, cls.size(1) - 1));
  result.cls = chosen.size(0) ? torch::cross_entropy_loss(cls.index_select(0, chosen), target.index_select(0, chosen))
                              : zero_of(cls);
  const auto completeness =
      completeness_loss(comp.gather(1, truth.label.clamp(0, comp.size(1) - 1).unsqueeze(1)).squeeze(1), truth.kind);
  result.comp = completeness.loss, result.kept = completeness.kept;
  result.loc = location_loss(reg, location_targets(truth.proposals, truth.gt), positive.to(reg.options()));
  result.loss = result.cls + alpha * result.comp + beta * result.loc;
  return result;
}

}  // namespace tal
