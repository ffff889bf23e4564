// 3-D ResNeXt-101, 32 groups (Hara et al., "Can Spatiotemporal 3D CNNs Retrace the History of 2D CNNs and ImageNet?",
// CVPR 2018, Fig. 3 and Table 2), with the names of 3D-ResNets-PyTorch; shortcuts of type B (1x1x1 convolutions). Clips
// of 16 frames, 112 x 112. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <array>

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct ResNext3dOptions {
  std::array<std::int64_t, 4> blocks = {3, 4, 23, 3};
  std::int64_t stem = 64;    // channels of the first convolution
  std::int64_t width = 128;  // of the grouped convolutions in the first stage; blocks end with twice as many
  std::int64_t groups = 32;
  std::int64_t classes = 400;  // 0: without the classifier
};

struct GroupedBlockImpl : NamedParts {
  GroupedBlockImpl(std::int64_t in, std::int64_t width, std::int64_t groups, std::int64_t stride);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::shared_ptr<ConvNorm> reduce_, spread_, expand_, shortcut_;  // shortcut_ null: identity
};
TORCH_MODULE(GroupedBlock);

// Layers: layer1 .. layer4, pool, logits, scores.
class ResNext3d : public EncoderNetwork {
 public:
  explicit ResNext3d(const ResNext3dOptions& options);
  std::vector<LayerInfo> layers() const override;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, 3, T, H, W]

 private:
  ResNext3dOptions options_;
  std::shared_ptr<ConvNorm> stem_;
  std::vector<std::vector<GroupedBlock>> stages_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace tal
