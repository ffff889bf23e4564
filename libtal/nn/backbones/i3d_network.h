// I3D as an encoder: the network of libtal/nn/backbones/i3d.h with the pooling and the classifier of its PyTorch port.
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include "libtal/nn/backbones/backbone.h"
#include "libtal/nn/backbones/i3d.h"

namespace tal {

struct I3dNetworkOptions {
  I3dOptions backbone;
  std::int64_t classes = 400;  // 0: without the classifier
};

// Clips of 9 frames and more, 224 x 224, in [-1, 1]. Layers: Mixed_3c, Mixed_4f, pool, logits, scores. The pooling is
// the mean over two steps of time (8 frames each) and all of space, then over time.
class I3dNetwork : public EncoderNetwork {
 public:
  explicit I3dNetwork(const I3dNetworkOptions& options);
  std::vector<LayerInfo> layers() const override;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, 3, T, H, W]

 private:
  I3dNetworkOptions options_;
  I3d backbone_{nullptr};
  Conv logits_{nullptr};
};

}  // namespace tal
