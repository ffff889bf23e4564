// ResNets and ResNeSts over a few frames of a window whose blocks look to other frames before their first convolution,
// with torchvision's names: TSM (Lin et al., "TSM: Temporal Shift Module for Efficient Video Understanding", ICCV 2019,
// Section 3.2, residual shift): an eighth of the channels comes from the next frame, an eighth from the frame before,
// zeros where there is none. TIN (Shao et al., "Temporal Interlacing Network", AAAI 2020, Section 3): a quarter of the
// channels, in four groups, moves by learned offsets o1, o2, -o1, -o2 in frames (linear interpolation, zeros outside)
// and is scaled by learned weights of each frame. Of flow, a frame is a stack of fields. Error for inputs of another
// shape (libtal/nn/shapes.h).
#pragma once

#include "libtal/nn/backbones/resnet.h"

namespace tal {

struct SegmentResNetOptions {
  ResNetOptions resnet;
  enum class Exchange { kShift, kInterlace } exchange = Exchange::kShift;
  std::int64_t frames = 8;  // of a clip; TIN's offsets depend on it
};

// [B, T, C, H, W], both ways 1 / 8 of the channels.
torch::Tensor temporal_shift(const torch::Tensor& x);

struct TemporalInterlaceImpl : NamedParts {
  TemporalInterlaceImpl(std::int64_t channels, std::int64_t frames);
  torch::Tensor forward(const torch::Tensor& x);  // [B, T, C, H, W]

 private:
  std::int64_t moved_;  // channels
  Conv offset_conv_{nullptr}, weight_conv_{nullptr};
  torch::nn::Linear fc1_{nullptr}, fc2_{nullptr};
};
TORCH_MODULE(TemporalInterlace);

// Layers: layer1 .. layer4, pool (means over space and frames), logits, scores.
class SegmentResNet : public ResidualNetwork {
 public:
  explicit SegmentResNet(const SegmentResNetOptions& options);
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, channels, T, H, W]

 private:
  std::int64_t frames_;
  std::vector<std::vector<TemporalInterlace>> interlaces_;  // of each block; none: TSM's shift
};

}  // namespace tal
