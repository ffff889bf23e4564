// Vision transformers over pictures and clips (Dosovitskiy et al., arXiv 2010.11929): VideoMAE (2203.12602) and
// VideoMAE V2 (2303.16727), InternVideo2's vision tower (2403.15377), CLIP's image tower (2103.00020), DINOv2
// (2304.07193). One module; what differs is an option, and most options follow from the weights' names and shapes.
//
// Names are those of the video networks' own code: patch_embed.proj, pos_embed, cls_token, blocks.N.{norm1, attn.qkv,
// attn.proj, ls1.gamma, norm2, mlp.fc1, mlp.fc2, ls2.gamma}, norm, fc_norm, clip_projector, head; CLIP's pre_norm and
// projection. libtal/data/transformer_weights.cpp renames the others.
#pragma once

#include <map>
#include <optional>
#include <string>

#include "libtal/nn/backbones/dense.h"

namespace tal {

struct VitOptions {
  std::int64_t patch = 16;   // pixels, both sides
  std::int64_t tubelet = 0;  // frames of a token; 0: pictures
  std::int64_t dim = 768, depth = 12, heads = 12, hidden = 3072;
  double epsilon = 1e-6;
  bool quick_gelu = false;  // x sigmoid(1.702 x), CLIP
  bool gated = false;       // perceptrons of silu(a) b, a and b halves of one layer (Shazeer, arXiv 2002.05202)
  bool patch_bias = true;
  bool class_token = false;
  std::int64_t registers = 0;  // tokens behind the class's that nothing reads at the end
  // Rows of the learned table of positions, the class's included; 0: the fixed one of sines over all tokens. Of video
  // networks with parts, what a place and what a moment adds.
  std::int64_t positions = 0, places = 0, moments = 0;
  // What is added to the number of rows and columns, where the table has others, before the ratio of the two is taken
  // (DINOv2's own code: 0.1).
  double resize_offset = 0;
  // The fixed positions are those of so many rows and columns of patches, resized (bicubic) where the input has others;
  // 0: made for the input.
  std::int64_t sine_side = 0;
  bool pre_norm = false;          // before the blocks
  bool root_mean_square = false;  // norms of the blocks without mean and bias, also of queries and keys
  bool qkv_bias = true, qk_norm = false, layer_scale = false;
  bool norm = false, mean_norm = false;     // of all tokens at the end; of their mean
  std::int64_t pool_heads = 0, pooled = 0;  // attention pooling and its channels; 0: none
  std::int64_t projection = 0;              // of the class token, without bias
  std::int64_t classes = 0;
};

using VitState = std::map<std::string, torch::Tensor>;

// Query, key and value as one tensor each, in float32, and CLIP's tensors in the shapes of the others. Error for a part
// of the three without the others.
VitState tidy_vit_state(VitState state);
// The tensors of a file under this network's names, tidied, whosever names it has; what no map names stays as it is.
// Error names the file.
struct VitFile {
  VitState state;
  std::string map;  // of libtal/data/transformer_weights.cpp; "": the names were this network's
};
VitFile read_vit_file(const std::string& file);
// What the names and shapes say; heads, epsilon and quick_gelu stay as in `options`. Error that names the tensor when
// they are not those of such a network.
VitOptions vit_options(const VitState& state, VitOptions options);

// Start values of a training from nothing: linear layers normally distributed (deviation 0.02), the patches'
// as LibTorch's convolutions; all else as constructed.
void initialise_transformer(class VisionTransformer& network);

class VisionTransformer : public EncoderNetwork {
 public:
  explicit VisionTransformer(const VitOptions& options);
  // block1 .. blockN (mean of its tokens), tokens (mean of the last ones, normed where all are), pool, and projection,
  // logits, scores where the network has them. pool: attention pooling, else the mean with its norm, else the class
  // token, else the mean; without a norm of the mean a classifier of a network without class token reads the first one.
  std::vector<LayerInfo> layers() const override;
  std::string default_layer() const override { return options_.projection > 0 ? "projection" : "pool"; }
  // Pictures [B, 3, H, W], or clips [B, 3, T, H, W]; H and W multiples of the patch, T of the tubelet. A learned table
  // of another number of places is resized (bicubic) where the input is a square; of clips it must fit.
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;
  std::int64_t side() const override;
  std::int64_t frames(std::int64_t side) const override;
  const VitOptions& options() const { return options_; }

  // The parts of forward(), for networks that put something between them: inputs -> tokens [B, N, D], the class's and
  // the registers first, then the patches by time, row and column; and one block. scale: what the outputs of the
  // block's attention and of its perceptron are multiplied with, [B, 1, 1] each (stochastic depth); undefined: 1.
  torch::Tensor embed(const torch::Tensor& x);
  torch::Tensor block(std::size_t index, const torch::Tensor& tokens, const torch::Tensor& attention_scale = {},
                      const torch::Tensor& perceptron_scale = {});
  std::vector<torch::Tensor> block_parameters(std::int64_t index) const;

 private:
  struct Block;
  struct Pooling;
  torch::Tensor positions(std::int64_t moments, std::int64_t rows, std::int64_t columns);  // [1, N, D]
  torch::Tensor patches(const torch::Tensor& tokens) const;  // without those that are not of the input

  VitOptions options_;
  torch::Tensor class_token_, registers_, table_, places_, moments_, class_position_, projection_;
  Dense patch_{nullptr};
  std::vector<std::shared_ptr<Block>> blocks_;
  std::shared_ptr<Pooling> pooling_;
  torch::nn::LayerNorm pre_norm_{nullptr}, norm_{nullptr}, mean_norm_{nullptr};
  torch::nn::Linear head_{nullptr};
};

}  // namespace tal
