#include "libtal/nn/backbones/video_resnet.h"

#include "libtal/nn/shapes.h"

namespace tal {
namespace {

ConvShape in_time(std::int64_t stride) { return {{3, 1, 1}, {stride, 1, 1}, {1, 0, 0}}; }

}  // namespace

VideoResNetOptions video_resnet_options(int depth, std::int64_t classes) {
  VideoResNetOptions o;
  o.classes = classes;
  if (depth == 34) o.blocks = {3, 4, 6, 3}, o.epsilon = 1e-3, o.own_middle = true;
  return o;
}

std::int64_t middle_channels(std::int64_t in, std::int64_t out) { return in * out * 27 / (in * 9 + 3 * out); }

VideoBlockImpl::VideoBlockImpl(std::int64_t in, std::int64_t out, std::int64_t stride, const VideoResNetOptions& o) {
  const std::int64_t first = middle_channels(in, out), second = o.own_middle ? middle_channels(out, out) : first;
  path_ = {conv_norm("conv1.0.0", "conv1.0.1", in, first, in_space(3, stride), o.epsilon),
           conv_norm("conv1.0.3", "conv1.1", first, out, in_time(stride), o.epsilon),
           conv_norm("conv2.0.0", "conv2.0.1", out, second, in_space(3, 1), o.epsilon),
           conv_norm("conv2.0.3", "conv2.1", second, out, in_time(1), o.epsilon)};
  if (stride != 1 || in != out)
    shortcut_ = conv_norm("downsample.0", "downsample.1", in, out, cube(1, stride, stride), o.epsilon);
}

torch::Tensor VideoBlockImpl::forward(const torch::Tensor& x) {
  auto y = x;
  for (std::size_t i = 0; i + 1 < path_.size(); ++i) y = (*path_[i])(y, kRelu);
  return (*path_.back())(y, {.relu = true, .add = shortcut_ ? (*shortcut_)(x) : x});
}

VideoResNet::VideoResNet(const VideoResNetOptions& o)
    : options_(o),
      stem_space_(conv_norm("stem.0", "stem.1", 3, o.stem, in_space(7, 2), o.epsilon)),
      stem_time_(conv_norm("stem.3", "stem.4", o.stem, o.width, in_time(1), o.epsilon)) {
  std::int64_t in = o.width;
  for (std::size_t s = 0; s < o.blocks.size(); ++s) {
    const std::int64_t out = o.width << s;
    auto& stage = stages_.emplace_back();
    for (std::int64_t b = 0; b < o.blocks[s]; ++b) {
      const std::int64_t stride = s > 0 && b == 0 ? 2 : 1;
      stage.push_back(place("layer" + std::to_string(s + 1) + "." + std::to_string(b), VideoBlock(in, out, stride, o)));
      in = out;
    }
  }
  if (o.classes > 0) fc_ = place("fc", torch::nn::Linear(in, o.classes));
}

std::vector<LayerInfo> VideoResNet::layers() const {
  std::vector<LayerInfo> out;
  for (int s = 0; s < 4; ++s) out.push_back({"layer" + std::to_string(s + 1), options_.width << s});
  out.push_back({"pool", options_.width << 3});
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor VideoResNet::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, 3, at_least(1), at_least(1), at_least(1)}, "R(2+1)D: clips [B, 3, T, H, W]");
  x = (*stem_time_)((*stem_space_)(x, kRelu), kRelu);  // [B, 64, T, H/2, W/2]
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (auto& block : stages_[s]) x = block->forward(x);  // [B, 64 2^s, T/2^s, H/2^(1+s), W/2^(1+s)]
    if (layer == "layer" + std::to_string(s + 1)) return global_mean(x);
  }
  x = global_mean(x);  // [B, 512]
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
