// Multiscale vision transformers over clips: MViTv2 (Li et al., arXiv 2112.01526) and MViT (Fan et al., 2104.11227).
// From stage to stage the tokens become fewer and wider; queries, keys and values are pooled by convolutions before
// they meet. Names of torchvision's mvit_v2_s and mvit_v1_b. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <array>
#include <vector>

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct MvitOptions {
  // MViTv2: learned vectors for relative positions instead of a table of positions, pooled queries in every block and
  // added to what they found, and channels that grow in the first block of a stage, inside the attention. MViT:
  // channels grow behind the perceptron of the block before.
  bool second = true;
  std::vector<std::int64_t> depths = {1, 2, 11, 2};
  std::int64_t width = 96, heads = 1;              // of the first stage; each next one has twice as many
  std::array<std::int64_t, 3> grid = {8, 56, 56};  // tokens that the tables of positions are for: time, rows, columns
  std::int64_t classes = 400;                      // 0: without the classifier
};

// Layers: block1 .. blockN (mean of its tokens), tokens (mean of the last, normalised ones), pool (the class token,
// normalised), logits, scores.
class Mvit : public EncoderNetwork {
 public:
  explicit Mvit(const MvitOptions& options);
  std::vector<LayerInfo> layers() const override;
  // Clips [B, 3, T, H, W]; tokens are 2 frames and 4 x 4 pixels, rounded up. Tables of relative positions are resized
  // (linearly) to other clips than theirs, MViT's table of positions must fit: Error.
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;

 private:
  struct Block;
  MvitOptions options_;
  Conv patches_{nullptr};
  torch::Tensor class_token_, places_, moments_, class_position_;
  std::vector<std::shared_ptr<Block>> blocks_;
  std::vector<std::int64_t> widths_;  // channels behind each block
  torch::nn::LayerNorm norm_{nullptr};
  torch::nn::Linear head_{nullptr};
};

}  // namespace tal
