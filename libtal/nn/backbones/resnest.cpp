#include "libtal/nn/backbones/resnest.h"

#include <algorithm>

namespace tal {
namespace {

constexpr std::int64_t kReduction = 4, kFewest = 32;  // hidden channels of the attention: a quarter of the splits', and
                                                      // no fewer than 32

ConvShape grouped(ConvShape shape, std::int64_t groups) {
  shape.groups = groups;
  return shape;
}

}  // namespace

SplitAttentionImpl::SplitAttentionImpl(std::int64_t channels, std::int64_t radix) : radix_(radix) {
  const std::int64_t hidden = std::max(channels * radix / kReduction, kFewest);
  conv_ = conv_norm("conv", "bn0", channels, channels * radix, grouped(square(3), radix));
  fc1_ = conv_norm("fc1", "bn1", channels, hidden, biased(square(1)));
  fc2_ = place("fc2", Conv(hidden, channels * radix, biased(square(1))));
}

torch::Tensor SplitAttentionImpl::forward(const torch::Tensor& x) {
  const auto splits = (*conv_)(x, kRelu).unflatten(1, std::vector<std::int64_t>{radix_, -1});  // [B, r, C, H, W]
  const auto gap = splits.sum(1).mean({2, 3}, /*keepdim=*/true);                               // [B, C, 1, 1]
  const auto logits = fc2_->forward((*fc1_)(gap, kRelu)).view({x.size(0), radix_, -1, 1, 1});  // [B, r, C, 1, 1]
  return (splits * logits.softmax(1)).sum(1);
}

SplitAttentionBlock::SplitAttentionBlock(std::int64_t in, std::int64_t width, std::int64_t stride, std::int64_t radix)
    : stride_(stride),
      conv1_(conv_norm("conv1", "bn1", in, width, square(1))),
      conv3_(conv_norm("conv3", "bn3", width, 4 * width, square(1))),
      conv2_(place("conv2", SplitAttention(width, radix))) {
  if (stride != 1 || in != 4 * width) shortcut_ = conv_norm("downsample.1", "downsample.2", in, 4 * width, square(1));
}

torch::Tensor SplitAttentionBlock::forward(const torch::Tensor& x, const torch::Tensor& branch) {
  auto y = conv2_->forward((*conv1_)(branch, kRelu));  // [B, C, H, W]
  auto kept = x;
  if (stride_ > 1) {
    y = torch::avg_pool2d(y, {3, 3}, {stride_, stride_}, {1, 1});  // padding counts
    kept = torch::avg_pool2d(x, {stride_, stride_}, {stride_, stride_}, {0, 0}, /*ceil_mode=*/true,
                             /*count_include_pad=*/false);
  }
  return (*conv3_)(y, {.relu = true, .add = shortcut_ ? (*shortcut_)(kept) : kept});
}

}  // namespace tal
