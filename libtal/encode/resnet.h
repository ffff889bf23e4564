// ResNet (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, Table 1) with torchvision's names and its placement of
// the stride (in the 3x3 convolution of a bottleneck, "v1.5").
#pragma once

#include <array>

#include "libtal/encode/network.h"

namespace tal {

struct ResNetOptions {
  std::array<std::int64_t, 4> blocks = {2, 2, 2, 2};
  bool bottleneck = false;    // 1x1, 3x3, 1x1 to four times the width, instead of two 3x3
  std::int64_t width = 64;    // channels of the first stage
  std::int64_t channels = 3;  // of the input
  std::int64_t classes = 1000;  // 0: without the classifier
};
// depth: 18, 34, 50, 101, 152.
ResNetOptions resnet_options(int depth, std::int64_t classes);

struct ResidualBlockImpl : NamedParts {
  ResidualBlockImpl(std::int64_t in, std::int64_t width, std::int64_t stride, bool bottleneck);
  // branch: what the convolutions see, x itself in a plain network.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& branch);
  torch::Tensor forward(const torch::Tensor& x) { return forward(x, x); }

 private:
  std::vector<std::shared_ptr<ConvNorm>> path_;
  std::shared_ptr<ConvNorm> shortcut_;  // null: identity
};
TORCH_MODULE(ResidualBlock);

// Layers: layer1 .. layer4, pool, logits, scores.
class ResNet : public EncoderNetwork {
 public:
  explicit ResNet(const ResNetOptions& options);
  std::vector<LayerInfo> layers() const override { return layers_of(options_); }
  static std::vector<LayerInfo> layers_of(const ResNetOptions& options);
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, 3, H, W]

 private:
  ResNetOptions options_;
  std::shared_ptr<ConvNorm> stem_;
  std::vector<std::vector<ResidualBlock>> stages_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace tal
