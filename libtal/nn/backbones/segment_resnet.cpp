#include "libtal/nn/backbones/segment_resnet.h"

#include "libtal/nn/shapes.h"

namespace tal {
namespace {

constexpr std::int64_t kShiftShare = 8, kInterlaceShare = 4;  // one of so many channels
constexpr std::int64_t kOffsets = 2;                          // learned ones; their negatives are used too

ConvShape three_frames() { return {{3}, {1}, {1}, 1, true}; }

// Over each clip: [B T, C, H, W] -> [B, C].
torch::Tensor clip_mean(const torch::Tensor& x, std::int64_t frames) {
  return global_mean(x).view({-1, frames, x.size(1)}).mean(1);
}

}  // namespace

torch::Tensor temporal_shift(const torch::Tensor& x) {
  check_shape(x, {kAny, at_least(1), kAny, kAny, kAny}, "temporal shift: frames [B, T, C, H, W]");
  const auto fold = x.size(2) / kShiftShare, frames = x.size(1);
  auto out = torch::zeros_like(x);
  out.slice(1, 0, frames - 1).slice(2, 0, fold) = x.slice(1, 1).slice(2, 0, fold);
  out.slice(1, 1).slice(2, fold, 2 * fold) = x.slice(1, 0, frames - 1).slice(2, fold, 2 * fold);
  out.slice(2, 2 * fold) = x.slice(2, 2 * fold);
  return out;
}

TemporalInterlaceImpl::TemporalInterlaceImpl(std::int64_t channels, std::int64_t frames)
    : moved_(channels / kInterlaceShare),
      offset_conv_(place("offset_net.conv", Conv(moved_, 1, three_frames()))),
      weight_conv_(place("weight_net.conv", Conv(moved_, kOffsets, three_frames()))),
      fc1_(place("offset_net.fc1", torch::nn::Linear(frames, frames))),
      fc2_(place("offset_net.fc2", torch::nn::Linear(frames, kOffsets))) {}

torch::Tensor TemporalInterlaceImpl::forward(const torch::Tensor& x) {
  check_shape(x, {kAny, fc1_->options.in_features(), at_least(moved_), at_least(1), at_least(1)},
              "temporal interlacing: frames [B, T, C, H, W]");
  const auto batch = x.size(0), frames = x.size(1), height = x.size(3), width = x.size(4);
  const auto moving = x.slice(2, 0, moved_);                                            // [B, T, F, H, W]
  const auto pooled = moving.mean({3, 4}).permute({0, 2, 1}).contiguous();              // [B, F, T]
  const auto hidden = fc1_->forward(offset_conv_->forward(pooled).squeeze(1)).relu();   // [B, T]
  const auto half = 4 * (torch::sigmoid(fc2_->forward(hidden)) - 0.5);                  // [B, 2], frames
  const auto offsets = torch::cat({half, -half}, 1).view({batch, 2 * kOffsets, 1, 1});  // [B, 4, 1, 1]
  const auto weights = 2 * torch::sigmoid(weight_conv_->forward(pooled));               // [B, 2, T]
  // Row t of `shares` tells what frame t gets of each frame: 1 - distance to where that one has moved.
  const auto t = torch::arange(frames, x.options());
  const auto shares = torch::relu(1 - (t.view({1, 1, -1, 1}) - t.view({1, 1, 1, -1}) - offsets).abs());  // [B, 4, T, T]
  const auto groups = moving.reshape({batch, frames, 2 * kOffsets, -1}).permute({0, 2, 1, 3});  // [B, 4, T, F/4 H W]
  const auto moved = torch::matmul(shares, groups) * torch::cat({weights, weights}, 1).unsqueeze(-1);
  return torch::cat({moved.permute({0, 2, 1, 3}).reshape({batch, frames, moved_, height, width}), x.slice(2, moved_)},
                    2);
}

SegmentResNet::SegmentResNet(const SegmentResNetOptions& o) : ResidualNetwork(o.resnet), frames_(o.frames) {
  if (o.exchange == SegmentResNetOptions::Exchange::kShift) return;
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    interlaces_.emplace_back();
    for (std::size_t b = 0; b < stages_[s].size(); ++b)
      interlaces_[s].push_back(place(name_of(s, b) + ".interlace", TemporalInterlace(inputs_[s][b], o.frames)));
  }
}

torch::Tensor SegmentResNet::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, options_.channels, frames_, at_least(1), at_least(1)}, "TSM and TIN: clips [B, C, T, H, W]");
  x = stem(x.transpose(1, 2).flatten(0, 1));  // [B T, 64, H/4, W/4]
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (std::size_t b = 0; b < stages_[s].size(); ++b) {
      const auto clips = x.reshape({-1, frames_, x.size(1), x.size(2), x.size(3)});
      const auto exchanged = interlaces_.empty() ? temporal_shift(clips) : interlaces_[s][b]->forward(clips);
      x = stages_[s][b]->forward(x, exchanged.flatten(0, 1));  // [B T, 64 2^s e, H/2^(2+s), W/2^(2+s)]
    }
    if (layer == "layer" + std::to_string(s + 1)) return clip_mean(x, frames_);
  }
  x = clip_mean(x, frames_);
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
