// ResNet (He et al., "Deep Residual Learning for Image Recognition", CVPR 2016, Table 1) with torchvision's names and
// its placement of the stride (in the 3x3 convolution of a bottleneck, "v1.5"), and ResNeSt (Zhang et al., "ResNeSt:
// Split-Attention Networks", 2020), whose blocks are in resnest.h. Error for inputs of another shape
// (libtal/nn/shapes.h).
#pragma once

#include <array>

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct ResNetOptions {
  std::array<std::int64_t, 4> blocks = {2, 2, 2, 2};
  bool bottleneck = false;      // 1x1, 3x3, 1x1 to four times the width, instead of two 3x3
  std::int64_t width = 64;      // channels of the first stage
  std::int64_t channels = 3;    // of the input
  std::int64_t classes = 1000;  // 0: without the classifier
  std::int64_t radix = 0;       // ResNeSt: splits of a block's 3x3 convolution, 2 as published; 0: ResNet
  std::int64_t stem = 32;  // ResNeSt: channels of the first two of the stem's three 3x3 convolutions; the third doubles
                           // them
};
// depth: 18, 34, 50, 101, 152.
ResNetOptions resnet_options(int depth, std::int64_t classes);
// depth: 50, 101, 269.
ResNetOptions resnest_options(int depth, std::int64_t classes);

// A block of a residual network. branch: what the convolutions see, x itself in a plain network.
struct ResidualUnit : NamedParts {
  virtual torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& branch) = 0;
};

struct ResidualBlock : ResidualUnit {
  ResidualBlock(std::int64_t in, std::int64_t width, std::int64_t stride, bool bottleneck);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& branch) override;

 private:
  std::vector<std::shared_ptr<ConvNorm>> path_;
  std::shared_ptr<ConvNorm> shortcut_;  // null: identity
};

// Stem, four stages of blocks and classifier, for networks of pictures and of several frames.
class ResidualNetwork : public EncoderNetwork {
 public:
  explicit ResidualNetwork(const ResNetOptions& options);
  // layer1 .. layer4, pool, logits, scores.
  std::vector<LayerInfo> layers() const override;

 protected:
  torch::Tensor stem(torch::Tensor x);  // [B, channels, H, W] -> [B, width, H/4, W/4]
  static std::string name_of(std::size_t stage, std::size_t block) {
    return "layer" + std::to_string(stage + 1) + "." + std::to_string(block);
  }

  ResNetOptions options_;
  std::vector<std::vector<std::shared_ptr<ResidualUnit>>> stages_;
  std::vector<std::vector<std::int64_t>> inputs_;  // channels that each block sees
  torch::nn::Linear fc_{nullptr};

 private:
  std::vector<std::shared_ptr<ConvNorm>> stem_;  // one, or three
};

// A network of pictures: [B, channels, H, W].
class ResNet : public ResidualNetwork {
 public:
  using ResidualNetwork::ResidualNetwork;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;
};

}  // namespace tal
