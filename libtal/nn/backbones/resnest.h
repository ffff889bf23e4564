// The blocks of ResNeSt (Zhang et al., "ResNeSt: Split-Attention Networks", 2020, Section 3, one cardinal group as in
// the published networks) with the names of its PyTorch package: a bottleneck whose 3x3 convolution gives `radix`
// splits, summed with weights of each channel that depend on the whole picture.
#pragma once

#include "libtal/nn/backbones/resnet.h"

namespace tal {

// Splits U_r = relu(norm(conv(x))), weights a_r = softmax over r of fc2(relu(norm(fc1(mean over the picture of sum_r
// U_r)))), sum_r a_r U_r: [B, C, H, W] -> [B, C, H, W].
struct SplitAttentionImpl : NamedParts {
  SplitAttentionImpl(std::int64_t channels, std::int64_t radix);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::int64_t radix_;
  std::shared_ptr<ConvNorm> conv_, fc1_;
  Conv fc2_{nullptr};
};
TORCH_MODULE(SplitAttention);

// Strides are means of 3 x 3 behind the 3x3 convolution, and of stride x stride before that of the shortcut (ResNet-D).
struct SplitAttentionBlock : ResidualUnit {
  SplitAttentionBlock(std::int64_t in, std::int64_t width, std::int64_t stride, std::int64_t radix);
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& branch) override;

 private:
  std::int64_t stride_;
  std::shared_ptr<ConvNorm> conv1_, conv3_, shortcut_;  // shortcut_ null: identity
  SplitAttention conv2_{nullptr};
};

}  // namespace tal
