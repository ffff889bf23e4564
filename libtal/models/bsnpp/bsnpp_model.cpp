#include "libtal/models/bsnpp/bsnpp_model.h"

#include "libtal/models/core/guard.h"

namespace tal {

Settings BsnppModel::network_inference() {
  Settings s;
  s.add("backward-pass", &backward_pass_, "Fuse the boundaries with those of the video in reversed direction, Eq. (1)");
  return s;
}

std::string BsnppModel::training_defaults() const {
  return R"({"optimizer":"adam","lr":1e-3,"batch":16,"epochs":10,"schedule":"step","milestones":[7],"gamma":0.1})";
}

std::vector<Preset> BsnppModel::presets() const {
  return {
      {"activitynet", "Table 1, Ours - baseline: the whole network on videos rescaled to 100 rows (5.1)",
       R"({"input":"rescale","generator":"nested","branches":["position","channel","aggregated"],"sampling":"scale"})"},
      {"windows", "The whole network on sliding windows of 100 rows, 75 % overlap (4.1)",
       R"({"input":"windows","generator":"nested","branches":["position","channel","aggregated"],"sampling":"scale"})"},
      {"baseline", "Without 3.3 and 3.4: one convolution for the boundaries, no attention, all proposals",
       R"({"generator":"plain","branches":["plain"],"sampling":"none"})"},
      {"cbg-u-net", "Boundary generator (3.3) as a plain U-Net, no attention, all proposals",
       R"({"generator":"u-net","branches":["plain"],"sampling":"none"})"},
      {"cbg-nested", "Boundary generator (3.3, Fig. 3) as published, no attention, all proposals",
       R"({"generator":"nested","branches":["plain"],"sampling":"none"})"},
      {"prb-position", "Relation block (3.3, Fig. 4): position-aware branch alone, all proposals",
       R"({"generator":"nested","branches":["position"],"sampling":"none"})"},
      {"prb-channel", "Relation block: channel-aware branch alone, all proposals",
       R"({"generator":"nested","branches":["channel"],"sampling":"none"})"},
      {"prb-both", "Relation block: both branches without the aggregated one, all proposals",
       R"({"generator":"nested","branches":["position","channel"],"sampling":"none"})"},
      {"prb", "Relation block as published: three branches, all proposals",
       R"({"generator":"nested","branches":["position","channel","aggregated"],"sampling":"none"})"},
      {"iou-sampling", "IoU-balanced sampling (3.4.1) without the scales' (3.4.2)",
       R"({"generator":"nested","branches":["position","channel","aggregated"],"sampling":"iou"})"},
  };
}

void BsnppModel::build(const InputContract& inputs) {
  inputs_ = inputs;
  network_ = Bsnpp(inputs.dim(), options_);
}

Losses BsnppModel::loss(const Batch& batch, std::size_t) {
  const auto out = network_->forward(batch.at("x"));
  require_finite(*this, batch, {out.maps, torch::stack(out.logits)});
  const auto loss = bsnpp_loss(out.logits, out.maps, batch.at("boundary"), batch.at("iou"), batch.at("sampled"),
                               network_->parameters(), options_);
  return {loss.total,
          {{"boundary", loss.boundary},
           {"regression", loss.regression},
           {"classification", loss.classification},
           {"l2", loss.l2}}};
}

std::vector<float> BsnppModel::draw(std::span<const double> confidence, Random& random) const {
  SamplingOptions o;
  o.rule = options_.sampling == "none"  ? SamplingOptions::Rule::kAll
           : options_.sampling == "iou" ? SamplingOptions::Rule::kIou
                                        : SamplingOptions::Rule::kScale;
  o.positive = options_.positive, o.negative = options_.negative, o.lambda = options_.scale_ratio;
  return draw_proposals(confidence, rows(), durations(), o, random);
}

}  // namespace tal
