// Video Swin Transformer (Liu et al., arXiv 2106.13230): attention inside windows of time and space that every second
// block shifts by half a window, with a learned bias for each relative position, and patches merged two by two between
// the stages. Names of torchvision's swin3d_t, swin3d_s and swin3d_b; libtal/data/encoder_weights.cpp has those of the
// authors' and MMAction2's releases. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <array>
#include <vector>

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct Swin3dOptions {
  std::array<std::int64_t, 3> patch = {2, 4, 4};   // frames, rows and columns of a token
  std::array<std::int64_t, 3> window = {8, 7, 7};  // tokens that see one another: time, rows, columns
  std::int64_t dim = 96;                           // channels of the first stage; each next one has twice as many
  std::vector<std::int64_t> depths = {2, 2, 6, 2}, heads = {3, 6, 12, 24};  // one a stage
  std::int64_t hidden = 4;                                                  // times the channels, of the perceptrons
  std::int64_t classes = 400;                                               // 0: without the classifier
};
// size: 't', 's', 'b'.
Swin3dOptions swin3d_options(char size, std::int64_t classes);

// Layers: stage1 .. stageN (before patches are merged), pool (the mean of the normalised last tokens), logits, scores.
class Swin3d : public EncoderNetwork {
 public:
  // Error when the heads do not divide the channels, or depths and heads are not as many.
  explicit Swin3d(const Swin3dOptions& options);
  std::vector<LayerInfo> layers() const override;
  // Clips [B, 3, T, H, W] of any size: what is no multiple of a patch or a window is filled up with zeros, and a window
  // is never larger than the clip.
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;

 private:
  struct Block;
  struct Merging;
  Swin3dOptions options_;
  Conv patches_{nullptr};
  torch::nn::LayerNorm patch_norm_{nullptr}, norm_{nullptr};
  std::vector<std::vector<std::shared_ptr<Block>>> stages_;
  std::vector<std::shared_ptr<Merging>> merging_;  // behind every stage but the last
  torch::nn::Linear head_{nullptr};
};

}  // namespace tal
