#include "libtal/nn/backbones/efficientnet_lite.h"

#include "libtal/nn/shapes.h"

namespace tal {
namespace {

// k x k without padding: SAME's depends on the picture.
ConvShape bare(std::int64_t kernel, std::int64_t stride = 1, std::int64_t groups = 1) {
  return {{kernel, kernel}, {stride, stride}, {0, 0}, groups};
}

torch::Tensor pad_same(const torch::Tensor& x, std::int64_t kernel, std::int64_t stride) {
  const auto down = same_padding(x.size(2), kernel, stride), across = same_padding(x.size(3), kernel, stride);
  return torch::constant_pad_nd(x, {across.before, across.behind, down.before, down.behind});
}

torch::Tensor relu6(const ConvNorm& convolution, const torch::Tensor& x) { return convolution(x, kRelu).clamp_max(6); }

}  // namespace

// Inverted bottleneck: wider, one convolution a channel, narrower without an activation.
struct EfficientNetLite::Block : NamedParts {
  Block(std::int64_t in, std::int64_t out, const EfficientNetLiteOptions::Stage& s, std::int64_t stride_,
        double epsilon)
      : kernel(s.kernel), stride(stride_), adds(stride_ == 1 && in == out) {
    const std::int64_t wide = in * s.expand;
    if (s.expand != 1) expand = conv_norm("_expand_conv", "_bn0", in, wide, bare(1), epsilon);
    depthwise = conv_norm("_depthwise_conv", "_bn1", wide, wide, bare(kernel, stride, wide), epsilon);
    project = conv_norm("_project_conv", "_bn2", wide, out, bare(1), epsilon);
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const auto y = relu6(*depthwise, pad_same(expand ? relu6(*expand, x) : x, kernel, stride));
    return adds ? (*project)(y, {.add = x}) : (*project)(y);
  }
  std::int64_t kernel, stride;
  bool adds;
  std::shared_ptr<ConvNorm> expand, depthwise, project;
};

EfficientNetLite::EfficientNetLite(const EfficientNetLiteOptions& o) : options_(o) {
  stem_ = conv_norm("_conv_stem", "_bn0", 3, o.stem, bare(3, 2), o.epsilon);
  std::int64_t in = o.stem, number = 0;
  for (const auto& s : o.stages) {
    auto& stage = stages_.emplace_back();
    for (std::int64_t b = 0; b < s.blocks; ++b, in = s.channels)
      stage.push_back(place("_blocks." + std::to_string(number++),
                            std::make_shared<Block>(in, s.channels, s, b == 0 ? s.stride : 1, o.epsilon)));
  }
  head_ = conv_norm("_conv_head", "_bn1", in, o.head, bare(1), o.epsilon);
  if (o.classes > 0) fc_ = place("_fc", torch::nn::Linear(o.head, o.classes));
}

std::vector<LayerInfo> EfficientNetLite::layers() const {
  std::vector<LayerInfo> out;
  for (std::size_t s = 0; s < options_.stages.size(); ++s)
    out.push_back({"stage" + std::to_string(s + 1), options_.stages[s].channels});
  out.push_back({"pool", options_.head});
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor EfficientNetLite::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, 3, at_least(1), at_least(1)}, "EfficientNet-Lite: pictures [B, 3, H, W]");
  x = relu6(*stem_, pad_same(x, 3, 2));
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (auto& block : stages_[s]) x = block->forward(x);
    if (layer == "stage" + std::to_string(s + 1)) return global_mean(x);
  }
  x = global_mean(relu6(*head_, x));
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
