#include "libtal/models/bmn/bmn_model.h"

namespace tal {

std::string BmnModel::training_defaults() const {
  return R"({"optimizer":"adam","lr":1e-3,"weight-decay":1e-4,"batch":16,"epochs":9,"schedule":"step","milestones":[7],"gamma":0.1})";
}

std::vector<Preset> BmnModel::presets() const {
  return {{"activitynet", "The published network on videos rescaled to 100 rows (BSN++ Table 1, BMN)",
           R"({"form":"paper","input":"rescale"})"},
          {"public", "The network of the public PyTorch checkpoints", R"({"form":"public","input":"rescale"})"},
          {"windows", "The published network on sliding windows of 100 rows", R"({"form":"paper","input":"windows"})"}};
}

void BmnModel::build(const InputContract& inputs) {
  inputs_ = inputs;
  network_ = Bmn(inputs.dim(), options_);
}

Losses BmnModel::loss(const Batch& batch, std::size_t) {
  const auto valid =
      valid_proposals(*boundary_matching_table({rows(), durations(), 1, 1, 0, false}), batch.at("iou").device());
  const auto loss = bmn_loss(network_->forward(batch.at("x")), batch.at("boundary"), batch.at("iou"),
                             batch.at("sampled"), valid, 0.5, options_);
  return {loss.total,
          {{"boundary", loss.boundary}, {"regression", loss.regression}, {"classification", loss.classification}}};
}

std::vector<float> BmnModel::draw(std::span<const double> confidence, Random& random) const {
  return draw_three_levels(confidence, rows(), durations(), options_.positive, options_.negative, random);
}

}  // namespace tal
