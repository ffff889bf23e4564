// Pseudo-3D residual network (Qiu et al., "Learning Spatio-Temporal Representation with Pseudo-3D Residual Networks",
// ICCV 2017, Section 3 and Figure 3) with the names and poolings of its PyTorch port: 3x3x3 convolutions as 1x3x3 and
// 3x1x1, one behind the other (P3D-A), side by side (B) or joined (C), in turn over the blocks of the first three
// stages; the fourth is two-dimensional. Clips of 16 frames, 160 x 160. Error for inputs of another shape
// (libtal/nn/shapes.h).
#pragma once

#include <array>

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct P3dOptions {
  std::array<std::int64_t, 4> blocks = {3, 8, 36, 3};  // 199 layers
  std::int64_t width = 64;                             // channels of the first stage
  std::int64_t classes = 400;                          // 0: without the classifier
  std::int64_t channels = 3;                           // of the input: 2 for flow fields
};

struct P3dBlockImpl : NamedParts {
  enum class Kind { kA, kB, kC, kFlat };
  P3dBlockImpl(std::int64_t in, std::int64_t width, std::int64_t stride, bool first, Kind kind);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  Kind kind_;
  std::shared_ptr<ConvNorm> reduce_, space_, time_, expand_, shortcut_;  // time_ null: kFlat; shortcut_ null: identity
};
TORCH_MODULE(P3dBlock);

// Layers: pool, logits, scores.
class P3d : public EncoderNetwork {
 public:
  explicit P3d(const P3dOptions& options);
  std::vector<LayerInfo> layers() const override;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, channels, 16, H, W]

 private:
  P3dOptions options_;
  std::shared_ptr<ConvNorm> stem_;
  std::array<std::vector<P3dBlock>, 4> stages_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace tal
