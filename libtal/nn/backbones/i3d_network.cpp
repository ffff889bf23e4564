#include "libtal/nn/backbones/i3d_network.h"

#include "libtal/nn/shapes.h"

namespace tal {

I3dNetwork::I3dNetwork(const I3dNetworkOptions& o) : options_(o), backbone_(o.backbone) {
  backbone_->eval();  // the parts are children, the whole is not
  // The port's parts stand beside the classifier.
  for (const auto& child : backbone_->named_children()) register_module(child.key(), child.value());
  auto shape = cube(1);
  shape.bias = true;
  if (o.classes > 0) logits_ = place("logits.conv3d", Conv(backbone_->channels().back(), o.classes, shape));
}

std::vector<LayerInfo> I3dNetwork::layers() const {
  const auto& channels = backbone_->channels();
  std::vector<LayerInfo> out = {{"Mixed_3c", channels[0]}, {"Mixed_4f", channels[1]}, {"pool", channels[2]}};
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor I3dNetwork::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, options_.backbone.channels, at_least(9), at_least(1), at_least(1)},
              "I3D: clips [B, C, T, H, W]");
  const auto stages = backbone_->forward(x);
  if (layer == "Mixed_3c") return global_mean(stages[0]);
  if (layer == "Mixed_4f") return global_mean(stages[1]);
  const auto& last = stages[2];                                                            // [B, 1024, T/8, H/32, W/32]
  const auto pairs = torch::avg_pool3d(last, {2, last.size(3), last.size(4)}, {1, 1, 1});  // [B, 1024, T/8 - 1, 1, 1]
  return layer == "pool" ? global_mean(pairs) : classify(global_mean(logits_->forward(pairs)), layer);
}

}  // namespace tal
