// SlowFast (Feichtenhofer et al., "SlowFast Networks for Video Recognition", ICCV 2019, Table 1 and Section 3) with the names of PyTorchVideo: a Slow pathway on every
// alpha-th frame, a Fast one of 1 / beta of its channels on every frame, and lateral connections from Fast to Slow behind the stem and the first three stages.
#pragma once

#include <array>

#include "libtal/encode/network.h"

namespace tal {

struct SlowFastOptions {
  std::array<std::int64_t, 4> blocks = {3, 4, 6, 3};
  std::int64_t width = 64;         // channels of the Slow stem
  std::int64_t alpha = 4;          // frames of Fast for one of Slow
  std::int64_t beta_inverse = 8;   // channels of Slow for one of Fast
  std::int64_t lateral_kernel = 7; // frames
  std::int64_t classes = 400;      // 0: without the classifier
};
// depth: 50, 101 (8 x 8, as published: lateral kernels of 7 and 5 frames).
SlowFastOptions slowfast_options(int depth, std::int64_t classes);

// time: frames that conv_a sees.
struct PathwayBlockImpl : NamedParts {
  PathwayBlockImpl(std::int64_t in, std::int64_t inner, std::int64_t out, std::int64_t time, std::int64_t stride);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  std::shared_ptr<ConvNorm> a_, b_, c_, shortcut_;  // shortcut_ null: identity
};
TORCH_MODULE(PathwayBlock);

// Clips of a multiple of alpha frames. Layers: slow, fast (the pathways' ends), pool (both, as the classifier sees them), logits, scores.
class SlowFast : public EncoderNetwork {
 public:
  explicit SlowFast(const SlowFastOptions& options);
  std::vector<LayerInfo> layers() const override;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, 3, T, H, W]

 private:
  using Unit = std::shared_ptr<ConvNorm>;
  struct Pathway {
    Unit stem;
    std::array<std::vector<PathwayBlock>, 4> stages;
    std::int64_t out = 0;
  };
  void add_stage(Pathway& pathway, int index, std::size_t stage, std::int64_t in, std::int64_t time);

  SlowFastOptions options_;
  std::array<Pathway, 2> pathways_;
  std::array<Unit, 4> lateral_;
  torch::nn::Linear proj_{nullptr};
};

}  // namespace tal
