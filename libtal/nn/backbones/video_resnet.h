// R(2+1)D (Tran et al., "A Closer Look at Spatiotemporal Convolutions for Action Recognition", CVPR 2018) with the
// names of torchvision's r2plus1d_18. The 34-layer form is that of the IG-65M weights (Ghadiyaram et al., CVPR 2019, as
// imported from Caffe2): epsilon 1e-3, and M_i of a block's second convolution is computed from that convolution's own
// extents, where torchvision takes those of the first. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <array>

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct VideoResNetOptions {
  std::array<std::int64_t, 4> blocks = {2, 2, 2, 2};
  std::int64_t width = 64;     // channels of the first stage
  std::int64_t stem = 45;      // channels between the two convolutions of the stem
  std::int64_t classes = 400;  // 0: without the classifier
  double epsilon = 1e-5;
  bool own_middle = false;  // each convolution's M_i from its own extents
};
// depth: 18, 34.
VideoResNetOptions video_resnet_options(int depth, std::int64_t classes);

// M_i = floor(27 N_{i-1} N_i / (9 N_{i-1} + 3 N_i)), Section 3.5: as many parameters as a full 3x3x3 convolution.
std::int64_t middle_channels(std::int64_t in, std::int64_t out);

struct VideoBlockImpl : NamedParts {
  VideoBlockImpl(std::int64_t in, std::int64_t out, std::int64_t stride, const VideoResNetOptions& options);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::vector<std::shared_ptr<ConvNorm>> path_;  // space, time, space, time
  std::shared_ptr<ConvNorm> shortcut_;           // null: identity
};
TORCH_MODULE(VideoBlock);

// Layers: layer1 .. layer4, pool, logits, scores.
class VideoResNet : public EncoderNetwork {
 public:
  explicit VideoResNet(const VideoResNetOptions& options);
  std::vector<LayerInfo> layers() const override;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, 3, T, H, W]

 private:
  VideoResNetOptions options_;
  std::shared_ptr<ConvNorm> stem_space_, stem_time_;
  std::vector<std::vector<VideoBlock>> stages_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace tal
