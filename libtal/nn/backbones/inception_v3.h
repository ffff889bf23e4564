// Inception-v3 (Szegedy et al., "Rethinking the Inception Architecture for Computer Vision", CVPR 2016, Table 1) with
// torchvision's names; epsilon 1e-3. torchvision's weights were trained on pictures in [-1, 1] and its model maps
// ImageNet's normalisation to them (transform_input); here the preprocessing gives [-1, 1] at once. Files hold an
// auxiliary classifier (AuxLogits), which inference does not use. Error for inputs of another shape
// (libtal/nn/shapes.h).
#pragma once

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct InceptionV3Options {
  std::int64_t classes = 1000;  // 0: without the classifier
  std::int64_t divisor = 1;     // of every channel count (small networks for tests)
  std::int64_t channels = 3;    // of the input: 10 for a stack of five flow fields
};

// Layers: Mixed_5d, Mixed_6e, pool, logits, scores.
class InceptionV3 : public EncoderNetwork {
 public:
  explicit InceptionV3(const InceptionV3Options& options);
  std::vector<LayerInfo> layers() const override;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, channels, 299, 299]

 private:
  using Unit = std::shared_ptr<ConvNorm>;
  // One path through a block, and what comes before it.
  struct Path {
    enum class Head { kNone, kMean, kMax } head = Head::kNone;
    std::vector<Unit> units;
    std::vector<Unit> fork;  // further ends beside the last unit's place, joined with each other
  };
  struct Block {
    std::string name;
    std::vector<Path> paths;
    std::int64_t out = 0;
  };
  struct Step {  // of a path: `name` of the unit, its channels and kernel
    const char* name;
    std::int64_t channels;
    std::vector<std::int64_t> kernel;
    std::int64_t stride = 1;
    bool padded = true;
  };
  Unit unit(const std::string& name, std::int64_t in, const Step& step);
  Path path(const std::string& block, std::int64_t in, const std::vector<Step>& steps,
            const std::vector<Step>& fork = {});
  Path headed(Path::Head head, Path path) const;
  void block_a(const std::string& name, std::int64_t pool);
  void block_b(const std::string& name);
  void block_c(const std::string& name, std::int64_t seven);
  void block_d(const std::string& name);
  void block_e(const std::string& name);
  void add(const std::string& name, std::vector<Path> paths, std::int64_t out);
  torch::Tensor run(const Block& block, const torch::Tensor& x) const;

  InceptionV3Options options_;
  std::vector<Unit> stem_;
  std::vector<Block> blocks_;
  std::int64_t width_ = 0;  // channels behind the blocks so far
  torch::nn::Linear fc_{nullptr};
};

}  // namespace tal
