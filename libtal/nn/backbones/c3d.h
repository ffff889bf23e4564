// C3D's convolutions (Tran et al., "Learning Spatiotemporal Features with 3D Convolutional Networks", ICCV 2015, Fig.
// 3), under the names of the Caffe model: conv1a to conv5b. The encoder adds the fully connected layers
// (c3d_network.h), CMSN takes them as its Feature Extractor Subnet. Error for inputs of another shape
// (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <string>
#include <vector>

#include "libtal/nn/convolution.h"

namespace tal {

// conv1a to conv5b with the poolings between them, without pool5. [B, 3, T, H, W] -> [B, 512 w, T / 8, H / 16, W / 16];
// T a multiple of 8.
struct C3dImpl : torch::nn::Module {
  // Channels times `width`; the first `frozen` of the eight convolutions are not trained.
  C3dImpl(double width, std::int64_t frozen);
  torch::Tensor forward(torch::Tensor x);
  std::int64_t channels() const { return channels_; }
  static constexpr std::int64_t kTimeScale = 8;  // frames of an output step

 private:
  std::vector<torch::nn::Conv3d> convolutions_;
  std::array<FixedConvolutionCache, 8> fixed_;  // where no gradient is wanted
  std::int64_t channels_ = 0;
};
TORCH_MODULE(C3d);

// Weights that the encoder recipe c3d reads; the fully connected layers may be there. Error names `file` and lists what
// is missing, left over or of another shape.
void load_c3d_weights(C3dImpl& network, const std::string& file);

}  // namespace tal
