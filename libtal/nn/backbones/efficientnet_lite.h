// EfficientNet-Lite (Tan and Le, arXiv 1905.11946, without squeeze and excitation and with ReLU6, as its TensorFlow
// release has it), with the names of efficientnet_lite_pytorch. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <vector>

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct EfficientNetLiteOptions {
  struct Stage {
    std::int64_t blocks, kernel, stride, expand, channels;
  };
  std::int64_t stem = 32;
  std::vector<Stage> stages = {{1, 3, 1, 1, 16},  {2, 3, 2, 6, 24},  {2, 5, 2, 6, 40}, {3, 3, 2, 6, 80},
                               {3, 5, 1, 6, 112}, {4, 5, 2, 6, 192}, {1, 3, 1, 6, 320}};  // Lite0
  std::int64_t head = 1280;     // channels of the pooled feature
  std::int64_t classes = 1000;  // 0: without the classifier
  double epsilon = 1e-3;
};

// Layers: stage1 .. stageN, pool, logits, scores.
class EfficientNetLite : public EncoderNetwork {
 public:
  explicit EfficientNetLite(const EfficientNetLiteOptions& options);
  std::vector<LayerInfo> layers() const override;
  // Pictures [B, 3, H, W] of any size. Convolutions pad as TensorFlow's SAME does: where the sum is odd, one more at
  // the bottom and right.
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;

 private:
  struct Block;
  EfficientNetLiteOptions options_;
  std::shared_ptr<ConvNorm> stem_, head_;
  std::vector<std::vector<std::shared_ptr<Block>>> stages_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace tal
