#include "libtal/nn/backbones/c3d_network.h"

#include "libtal/nn/max_pool.h"
#include "libtal/nn/shapes.h"

namespace tal {

C3dNetwork::C3dNetwork(const C3dNetworkOptions& o) : options_(o), convolutions_(o.width, 0) {
  // The convolutions stand beside the fully connected layers in the reference's files.
  for (const auto& child : convolutions_->named_children()) register_module(child.key(), child.value());
  fc6_ = place("fc6", torch::nn::Linear(convolutions_->channels() * 4 * 4, o.hidden));
  fc7_ = place("fc7", torch::nn::Linear(o.hidden, o.hidden));
  if (o.classes > 0) fc8_ = place("fc8", torch::nn::Linear(o.hidden, o.classes));
}

std::vector<LayerInfo> C3dNetwork::layers() const {
  std::vector<LayerInfo> out = {
      {"pool", convolutions_->channels()}, {"fc6", options_.hidden}, {"fc7", options_.hidden}};
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor C3dNetwork::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, 3, 16, 112, 112}, "C3D: clips [B, 3, T, H, W]");
  x = convolutions_->forward(x);                       // [B, 512, 2, 7, 7]
  x = max_pool(x, {{2, 2, 2}, {2, 2, 2}, {0, 1, 1}});  // [B, 512, 1, 4, 4]
  if (layer == "pool") return global_mean(x);
  x = torch::relu(fc6_->forward(x.flatten(1)));  // [B, 4096]
  if (layer == "fc6") return x;
  x = torch::relu(fc7_->forward(x));
  return layer == "fc7" ? x : classify(fc8_->forward(x), layer);
}

}  // namespace tal
