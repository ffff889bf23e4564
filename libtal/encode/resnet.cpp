#include "libtal/encode/resnet.h"

namespace tal {
namespace {

std::int64_t expansion(bool bottleneck) { return bottleneck ? 4 : 1; }

}  // namespace

ResNetOptions resnet_options(int depth, std::int64_t classes) {
  ResNetOptions o;
  o.classes = classes;
  o.bottleneck = depth >= 50;
  if (depth == 34 || depth == 50) o.blocks = {3, 4, 6, 3};
  if (depth == 101) o.blocks = {3, 4, 23, 3};
  if (depth == 152) o.blocks = {3, 8, 36, 3};
  return o;
}

ResidualBlockImpl::ResidualBlockImpl(std::int64_t in, std::int64_t width, std::int64_t stride, bool bottleneck) {
  const std::int64_t out = width * expansion(bottleneck);
  if (bottleneck) {
    path_ = {conv_norm("conv1", "bn1", in, width, square(1)), conv_norm("conv2", "bn2", width, width, square(3, stride)),
             conv_norm("conv3", "bn3", width, out, square(1))};
  } else {
    path_ = {conv_norm("conv1", "bn1", in, width, square(3, stride)), conv_norm("conv2", "bn2", width, width, square(3))};
  }
  if (stride != 1 || in != out) shortcut_ = conv_norm("downsample.0", "downsample.1", in, out, square(1, stride));
}

torch::Tensor ResidualBlockImpl::forward(const torch::Tensor& x, const torch::Tensor& branch) {
  auto y = branch;
  for (std::size_t i = 0; i + 1 < path_.size(); ++i) y = (*path_[i])(y, kRelu);
  return (*path_.back())(y, {.relu = true, .add = shortcut_ ? (*shortcut_)(x) : x});
}

ResNet::ResNet(const ResNetOptions& o) : options_(o), stem_(conv_norm("conv1", "bn1", o.channels, o.width, square(7, 2))) {
  std::int64_t in = o.width;
  for (std::size_t s = 0; s < o.blocks.size(); ++s) {
    const std::int64_t width = o.width << s;
    auto& stage = stages_.emplace_back();
    for (std::int64_t b = 0; b < o.blocks[s]; ++b) {
      const std::int64_t stride = s > 0 && b == 0 ? 2 : 1;
      stage.push_back(place("layer" + std::to_string(s + 1) + "." + std::to_string(b), ResidualBlock(in, width, stride, o.bottleneck)));
      in = width * expansion(o.bottleneck);
    }
  }
  if (o.classes > 0) fc_ = place("fc", torch::nn::Linear(in, o.classes));
}

std::vector<LayerInfo> ResNet::layers_of(const ResNetOptions& o) {
  const std::int64_t e = expansion(o.bottleneck);
  std::vector<LayerInfo> out;
  for (int s = 0; s < 4; ++s) out.push_back({"layer" + std::to_string(s + 1), (o.width << s) * e});
  out.push_back({"pool", (o.width << 3) * e});
  add_class_layers(out, o.classes);
  return out;
}

torch::Tensor ResNet::forward(torch::Tensor x, std::string_view layer) {
  TORCH_CHECK(x.dim() == 4 && x.size(1) == options_.channels, "frames must be [B, ", options_.channels, ", H, W], not ", x.sizes());
  x = (*stem_)(x, kRelu);                                                   // [B, 64, H/2, W/2]
  x = torch::max_pool2d(x, {3, 3}, {2, 2}, {1, 1});                           // [B, 64, H/4, W/4]
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (auto& block : stages_[s]) x = block->forward(x);                     // [B, 64 2^s e, H/2^(2+s), W/2^(2+s)]
    if (layer == "layer" + std::to_string(s + 1)) return global_mean(x);
  }
  x = global_mean(x);                                                         // [B, 512 e]
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
