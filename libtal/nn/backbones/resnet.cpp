#include "libtal/nn/backbones/resnet.h"

#include "libtal/nn/backbones/resnest.h"
#include "libtal/nn/max_pool.h"
#include "libtal/nn/shapes.h"

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

ResNetOptions resnest_options(int depth, std::int64_t classes) {
  ResNetOptions o;
  o.classes = classes;
  o.bottleneck = true;
  o.radix = 2;
  o.stem = depth == 50 ? 32 : 64;
  o.blocks = depth == 50    ? std::array<std::int64_t, 4>{3, 4, 6, 3}
             : depth == 101 ? std::array<std::int64_t, 4>{3, 4, 23, 3}
                            : std::array<std::int64_t, 4>{3, 30, 48, 8};
  return o;
}

ResidualBlock::ResidualBlock(std::int64_t in, std::int64_t width, std::int64_t stride, bool bottleneck) {
  const std::int64_t out = width * expansion(bottleneck);
  if (bottleneck) {
    path_ = {conv_norm("conv1", "bn1", in, width, square(1)),
             conv_norm("conv2", "bn2", width, width, square(3, stride)),
             conv_norm("conv3", "bn3", width, out, square(1))};
  } else {
    path_ = {conv_norm("conv1", "bn1", in, width, square(3, stride)),
             conv_norm("conv2", "bn2", width, width, square(3))};
  }
  if (stride != 1 || in != out) shortcut_ = conv_norm("downsample.0", "downsample.1", in, out, square(1, stride));
}

torch::Tensor ResidualBlock::forward(const torch::Tensor& x, const torch::Tensor& branch) {
  auto y = branch;
  for (std::size_t i = 0; i + 1 < path_.size(); ++i) y = (*path_[i])(y, kRelu);
  return (*path_.back())(y, {.relu = true, .add = shortcut_ ? (*shortcut_)(x) : x});
}

ResidualNetwork::ResidualNetwork(const ResNetOptions& o) : options_(o) {
  std::int64_t in = o.radix > 0 ? 2 * o.stem : o.width;
  if (o.radix > 0) {
    stem_ = {conv_norm("conv1.0", "conv1.1", o.channels, o.stem, square(3, 2)),
             conv_norm("conv1.3", "conv1.4", o.stem, o.stem, square(3)),
             conv_norm("conv1.6", "bn1", o.stem, in, square(3))};
  } else {
    stem_ = {conv_norm("conv1", "bn1", o.channels, in, square(7, 2))};
  }
  for (std::size_t s = 0; s < o.blocks.size(); ++s) {
    const std::int64_t width = o.width << s;
    stages_.emplace_back(), inputs_.emplace_back();
    for (std::int64_t b = 0; b < o.blocks[s]; ++b) {
      const std::int64_t stride = s > 0 && b == 0 ? 2 : 1;
      std::shared_ptr<ResidualUnit> unit;
      if (o.radix > 0) unit = std::make_shared<SplitAttentionBlock>(in, width, stride, o.radix);
      else unit = std::make_shared<ResidualBlock>(in, width, stride, o.bottleneck);
      inputs_.back().push_back(in);
      stages_.back().push_back(place(name_of(s, static_cast<std::size_t>(b)), unit));
      in = width * expansion(o.bottleneck);
    }
  }
  if (o.classes > 0) fc_ = place("fc", torch::nn::Linear(in, o.classes));
}

std::vector<LayerInfo> ResidualNetwork::layers() const {
  const std::int64_t e = expansion(options_.bottleneck);
  std::vector<LayerInfo> out;
  for (int s = 0; s < 4; ++s) out.push_back({"layer" + std::to_string(s + 1), (options_.width << s) * e});
  out.push_back({"pool", (options_.width << 3) * e});
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor ResidualNetwork::stem(torch::Tensor x) {
  for (const auto& unit : stem_) x = (*unit)(x, kRelu);  // [B, width, H/2, W/2]
  return max_pool(x, {{3, 3}, {2, 2}, {1, 1}});          // [B, width, H/4, W/4]
}

torch::Tensor ResNet::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, options_.channels, at_least(1), at_least(1)}, "ResNet: pictures [B, C, H, W]");
  x = stem(x);
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (auto& block : stages_[s]) x = block->forward(x, x);  // [B, 64 2^s e, H/2^(2+s), W/2^(2+s)]
    if (layer == "layer" + std::to_string(s + 1)) return global_mean(x);
  }
  x = global_mean(x);  // [B, 512 e]
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
