#include "libtal/encode/segment_resnet.h"

namespace tal {
namespace {

constexpr std::int64_t kShiftShare = 8, kInterlaceShare = 4;  // one of so many channels
constexpr std::int64_t kOffsets = 2;                          // learned ones; their negatives are used too

ConvShape three_frames() { return {{3}, {1}, {1}, 1, true}; }

// Over each clip: [B T, C, H, W] -> [B, C].
torch::Tensor clip_mean(const torch::Tensor& x, std::int64_t frames) { return global_mean(x).view({-1, frames, x.size(1)}).mean(1); }

}  // namespace

torch::Tensor temporal_shift(const torch::Tensor& x) {
  const auto fold = x.size(2) / kShiftShare, frames = x.size(1);
  auto out = torch::zeros_like(x);
  out.slice(1, 0, frames - 1).slice(2, 0, fold) = x.slice(1, 1).slice(2, 0, fold);
  out.slice(1, 1).slice(2, fold, 2 * fold) = x.slice(1, 0, frames - 1).slice(2, fold, 2 * fold);
  out.slice(2, 2 * fold) = x.slice(2, 2 * fold);
  return out;
}

TemporalInterlaceImpl::TemporalInterlaceImpl(std::int64_t channels, std::int64_t frames)
    : moved_(channels / kInterlaceShare), offset_conv_(place("offset_net.conv", Conv(moved_, 1, three_frames()))),
      weight_conv_(place("weight_net.conv", Conv(moved_, kOffsets, three_frames()))), fc1_(place("offset_net.fc1", torch::nn::Linear(frames, frames))),
      fc2_(place("offset_net.fc2", torch::nn::Linear(frames, kOffsets))) {}

torch::Tensor TemporalInterlaceImpl::forward(const torch::Tensor& x) {
  const auto batch = x.size(0), frames = x.size(1), height = x.size(3), width = x.size(4);
  const auto moving = x.slice(2, 0, moved_);                                                  // [B, T, F, H, W]
  const auto pooled = moving.mean({3, 4}).permute({0, 2, 1}).contiguous();                    // [B, F, T]
  const auto hidden = fc1_->forward(offset_conv_->forward(pooled).squeeze(1)).relu();         // [B, T]
  const auto half = 4 * (torch::sigmoid(fc2_->forward(hidden)) - 0.5);                        // [B, 2], frames
  const auto offsets = torch::cat({half, -half}, 1).view({batch, 2 * kOffsets, 1, 1});        // [B, 4, 1, 1]
  const auto weights = 2 * torch::sigmoid(weight_conv_->forward(pooled));                     // [B, 2, T]
  // Row t of `shares` tells what frame t gets of each frame: 1 - distance to where that one has moved.
  const auto t = torch::arange(frames, x.options());
  const auto shares = torch::relu(1 - (t.view({1, 1, -1, 1}) - t.view({1, 1, 1, -1}) - offsets).abs());  // [B, 4, T, T]
  const auto groups = moving.reshape({batch, frames, 2 * kOffsets, -1}).permute({0, 2, 1, 3});           // [B, 4, T, F/4 H W]
  const auto moved = torch::matmul(shares, groups) * torch::cat({weights, weights}, 1).unsqueeze(-1);
  return torch::cat({moved.permute({0, 2, 1, 3}).reshape({batch, frames, moved_, height, width}), x.slice(2, moved_)}, 2);
}

SegmentResNet::SegmentResNet(const SegmentResNetOptions& o) : options_(o), stem_(conv_norm("conv1", "bn1", 3, o.resnet.width, square(7, 2))) {
  const auto expansion = o.resnet.bottleneck ? 4 : 1;
  std::int64_t in = o.resnet.width;
  for (std::size_t s = 0; s < 4; ++s) {
    const std::int64_t width = o.resnet.width << s;
    auto& stage = stages_.emplace_back();
    for (std::int64_t b = 0; b < o.resnet.blocks[s]; ++b) {
      const auto name = "layer" + std::to_string(s + 1) + "." + std::to_string(b);
      auto& block = stage.emplace_back();
      block.residual = place(name, ResidualBlock(in, width, s > 0 && b == 0 ? 2 : 1, o.resnet.bottleneck));
      if (o.exchange == SegmentResNetOptions::Exchange::kInterlace) block.interlace = place(name + ".interlace", TemporalInterlace(in, o.frames));
      in = width * expansion;
    }
  }
  if (o.resnet.classes > 0) fc_ = place("fc", torch::nn::Linear(in, o.resnet.classes));
}

std::vector<LayerInfo> SegmentResNet::layers() const { return ResNet::layers_of(options_.resnet); }

torch::Tensor SegmentResNet::forward(torch::Tensor x, std::string_view layer) {
  const auto frames = options_.frames;
  TORCH_CHECK(x.dim() == 5 && x.size(1) == 3 && x.size(2) == frames, "clips must be [B, 3, ", frames, ", H, W], not ", x.sizes());
  x = x.transpose(1, 2).flatten(0, 1);                                        // [B T, 3, H, W]
  x = torch::max_pool2d((*stem_)(x, kRelu), {3, 3}, {2, 2}, {1, 1});         // [B T, 64, H/4, W/4]
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (auto& block : stages_[s]) {
      const auto clips = x.reshape({-1, frames, x.size(1), x.size(2), x.size(3)});
      const auto exchanged = block.interlace ? block.interlace->forward(clips) : temporal_shift(clips);
      x = block.residual->forward(x, exchanged.flatten(0, 1));                // [B T, 64 2^s e, H/2^(2+s), W/2^(2+s)]
    }
    if (layer == "layer" + std::to_string(s + 1)) return clip_mean(x, frames);
  }
  x = clip_mean(x, frames);
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
