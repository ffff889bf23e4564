// SlowFast (Feichtenhofer et al., "SlowFast Networks for Video Recognition", ICCV 2019, Table 1 and Section 3) with the
// names of PyTorchVideo: a Slow pathway on every alpha-th frame, a Fast one of 1 / beta of its channels on every frame,
// and lateral connections from Fast to Slow behind the stem and the first three stages. MMAction2's has the same parts,
// but bare lateral convolutions, other frames for Slow, and Fast in front of Slow in the classifier. Error for inputs
// of another shape (libtal/nn/shapes.h).
#pragma once

#include <array>

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct SlowFastOptions {
  enum class Reference { kPyTorchVideo, kMmaction2 };
  Reference reference = Reference::kPyTorchVideo;
  std::array<std::int64_t, 4> blocks = {3, 4, 6, 3};
  std::int64_t width = 64;          // channels of the Slow stem
  std::int64_t alpha = 4;           // frames of Fast for one of Slow
  std::int64_t beta_inverse = 8;    // channels of Slow for one of Fast
  std::int64_t lateral_kernel = 7;  // frames
  std::int64_t classes = 400;       // 0: without the classifier
  std::int64_t channels = 3;        // of the input: 2 for flow fields
};
// depth: 50, 101; sampling: 8 x 8 (alpha 4), of MMAction2 also 4 x 16 (alpha 8). Lateral kernels as published.
SlowFastOptions slowfast_options(int depth, std::int64_t classes,
                                 SlowFastOptions::Reference reference = SlowFastOptions::Reference::kPyTorchVideo,
                                 std::int64_t alpha = 4);

// time: frames that conv_a sees.
struct PathwayBlockImpl : NamedParts {
  PathwayBlockImpl(std::int64_t in, std::int64_t inner, std::int64_t out, std::int64_t time, std::int64_t stride);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::shared_ptr<ConvNorm> a_, b_, c_, shortcut_;  // shortcut_ null: identity
};
TORCH_MODULE(PathwayBlock);

// Clips of a multiple of alpha frames. Layers: slow, fast (the pathways' ends), pool (both, as the classifier sees
// them), logits, scores.
class SlowFast : public EncoderNetwork {
 public:
  explicit SlowFast(const SlowFastOptions& options);
  std::vector<LayerInfo> layers() const override;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, channels, T, H, W]

 private:
  using Unit = std::shared_ptr<ConvNorm>;
  struct Pathway {
    Unit stem;
    std::array<std::vector<PathwayBlock>, 4> stages;
    std::int64_t out = 0;
  };
  void add_stage(Pathway& pathway, int index, std::size_t stage, std::int64_t in, std::int64_t time);
  torch::Tensor lateral(std::size_t stage, const torch::Tensor& fast) const;
  torch::Tensor pooled(const torch::Tensor& x) const;

  SlowFastOptions options_;
  std::array<Pathway, 2> pathways_;
  std::array<Unit, 4> lateral_;
  torch::nn::Linear proj_{nullptr};
};

}  // namespace tal
