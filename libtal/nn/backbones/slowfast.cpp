#include "libtal/nn/backbones/slowfast.h"

#include <algorithm>

#include "libtal/nn/max_pool.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

ConvShape in_space(std::int64_t time, std::int64_t kernel, std::int64_t stride) {
  return {{time, kernel, kernel}, {1, stride, stride}, {time / 2, kernel / 2, kernel / 2}};
}

using Reference = SlowFastOptions::Reference;

// Which frames of T the Slow pathway sees: T / alpha of them. PyTorchVideo: the first and the last included; MMAction2:
// every alpha-th.
torch::Tensor slow_frames(std::int64_t frames, std::int64_t alpha, Reference reference) {
  return reference == Reference::kMmaction2
             ? torch::arange(0, frames, alpha)
             : torch::linspace(0, static_cast<double>(frames - 1), frames / alpha).to(torch::kLong);
}

}  // namespace

SlowFastOptions slowfast_options(int depth, std::int64_t classes, Reference reference, std::int64_t alpha) {
  SlowFastOptions o;
  o.reference = reference, o.classes = classes, o.alpha = alpha;
  if (depth == 101) o.blocks = {3, 4, 23, 3};
  if (reference == Reference::kMmaction2 ? alpha == 8 : depth == 101) o.lateral_kernel = 5;
  return o;
}

PathwayBlockImpl::PathwayBlockImpl(std::int64_t in, std::int64_t inner, std::int64_t out, std::int64_t time,
                                   std::int64_t stride)
    : a_(conv_norm("branch2.conv_a", "branch2.norm_a", in, inner, in_space(time, 1, 1))),
      b_(conv_norm("branch2.conv_b", "branch2.norm_b", inner, inner, in_space(1, 3, stride))),
      c_(conv_norm("branch2.conv_c", "branch2.norm_c", inner, out, in_space(1, 1, 1))) {
  if (in != out || stride != 1) shortcut_ = conv_norm("branch1_conv", "branch1_norm", in, out, in_space(1, 1, stride));
}

torch::Tensor PathwayBlockImpl::forward(const torch::Tensor& x) {
  return (*c_)((*b_)((*a_)(x, kRelu), kRelu), {.relu = true, .add = shortcut_ ? (*shortcut_)(x) : x});
}

SlowFast::SlowFast(const SlowFastOptions& o) : options_(o) {
  const auto fast_width = o.width / o.beta_inverse;
  pathways_[0].stem = conv_norm("blocks.0.multipathway_blocks.0.conv", "blocks.0.multipathway_blocks.0.norm",
                                o.channels, o.width, in_space(1, 7, 2));
  pathways_[1].stem = conv_norm("blocks.0.multipathway_blocks.1.conv", "blocks.0.multipathway_blocks.1.norm",
                                o.channels, fast_width, in_space(5, 7, 2));
  pathways_[0].out = o.width, pathways_[1].out = fast_width;
  for (std::size_t s = 0; s < 4; ++s) {
    const auto fast = pathways_[1].out, lateral = 2 * fast;
    const auto at = "blocks." + std::to_string(s) + ".multipathway_fusion.";
    const ConvShape shape{{o.lateral_kernel, 1, 1}, {o.alpha, 1, 1}, {o.lateral_kernel / 2, 0, 0}};
    lateral_[s] = o.reference == Reference::kMmaction2
                      ? std::make_shared<ConvNorm>(place(at + "conv_fast_to_slow", Conv(fast, lateral, shape)), nullptr)
                      : conv_norm(at + "conv_fast_to_slow", at + "norm", fast, lateral, shape);
    add_stage(pathways_[0], 0, s, pathways_[0].out + lateral, s < 2 ? 1 : 3);
    add_stage(pathways_[1], 1, s, fast, 3);
  }
  if (o.classes > 0) proj_ = place("blocks.6.proj", torch::nn::Linear(pathways_[0].out + pathways_[1].out, o.classes));
}

void SlowFast::add_stage(Pathway& pathway, int index, std::size_t stage, std::int64_t in, std::int64_t time) {
  const auto inner = (options_.width << stage) / (index == 0 ? 1 : options_.beta_inverse);
  pathway.out = 4 * inner;
  for (std::int64_t b = 0; b < options_.blocks[stage]; ++b) {
    const auto name = "blocks." + std::to_string(stage + 1) + ".multipathway_blocks." + std::to_string(index) +
                      ".res_blocks." + std::to_string(b);
    pathway.stages[stage].push_back(
        place(name, PathwayBlock(b == 0 ? in : pathway.out, inner, pathway.out, time, b == 0 && stage > 0 ? 2 : 1)));
  }
}

std::vector<LayerInfo> SlowFast::layers() const {
  std::vector<LayerInfo> out = {
      {"slow", pathways_[0].out}, {"fast", pathways_[1].out}, {"pool", pathways_[0].out + pathways_[1].out}};
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor SlowFast::lateral(std::size_t stage, const torch::Tensor& fast) const {
  return (*lateral_[stage])(fast, {.relu = options_.reference == Reference::kPyTorchVideo});
}

// PyTorchVideo: all of time and windows of 7 x 7, then their mean: larger pictures than 224 x 224 weigh their middle
// more. MMAction2: everything alike.
torch::Tensor SlowFast::pooled(const torch::Tensor& x) const {
  if (options_.reference == Reference::kMmaction2) return global_mean(x);
  return global_mean(torch::avg_pool3d(
      x, {x.size(2), std::min<std::int64_t>(7, x.size(3)), std::min<std::int64_t>(7, x.size(4))}, {1, 1, 1}));
}

torch::Tensor SlowFast::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, options_.channels, multiple_of(options_.alpha), at_least(1), at_least(1)},
              "SlowFast: clips [B, C, T, H, W]");
  const auto stem = [](const Unit& unit, const torch::Tensor& in) {
    return max_pool((*unit)(in, kRelu), {{1, 3, 3}, {1, 2, 2}, {0, 1, 1}});
  };
  auto slow =
      stem(pathways_[0].stem,
           x.index_select(2, slow_frames(x.size(2), options_.alpha, options_.reference).to(x.device())));  // [B, 64,
                                                                                                           // T/4, H/4,
                                                                                                           // W/4]
  auto fast = stem(pathways_[1].stem, x);  // [B, 8, T, H/4, W/4]
  for (std::size_t s = 0; s < 4; ++s) {
    slow = torch::cat({slow, lateral(s, fast)}, 1);
    for (auto& block : pathways_[0].stages[s]) slow = block->forward(slow);  // [B, 256 2^s, T/4, H/2^(2+s), W/2^(2+s)]
    for (auto& block : pathways_[1].stages[s]) fast = block->forward(fast);  // [B, 32 2^s, T, H/2^(2+s), W/2^(2+s)]
  }
  slow = pooled(slow), fast = pooled(fast);
  if (layer == "slow") return slow;
  if (layer == "fast") return fast;
  x = options_.reference == Reference::kMmaction2 ? torch::cat({fast, slow}, 1) : torch::cat({slow, fast}, 1);  // [B,
                                                                                                                // 2304]
  return layer == "pool" ? x : classify(proj_->forward(x), layer);
}

}  // namespace tal
