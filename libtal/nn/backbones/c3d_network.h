// C3D as an encoder (c3d.h): its convolutions, the last pooling and the fully connected layers fc6, fc7, fc8.
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include "libtal/nn/backbones/backbone.h"
#include "libtal/nn/backbones/c3d.h"

namespace tal {

struct C3dNetworkOptions {
  double width = 1;            // factor of the convolutions' channels
  std::int64_t hidden = 4096;  // of fc6 and fc7
  std::int64_t classes = 487;  // Sports-1M; 0: without fc8
};

// Clips of 16 frames, 112 x 112. Layers: pool (mean of pool5 over space), fc6, fc7 (both behind their ReLU), logits,
// scores; default fc6.
class C3dNetwork : public EncoderNetwork {
 public:
  explicit C3dNetwork(const C3dNetworkOptions& options);
  std::vector<LayerInfo> layers() const override;
  std::string default_layer() const override { return "fc6"; }
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, 3, 16, 112, 112]

 private:
  C3dNetworkOptions options_;
  C3d convolutions_{nullptr};
  torch::nn::Linear fc6_{nullptr}, fc7_{nullptr}, fc8_{nullptr};
};

}  // namespace tal
