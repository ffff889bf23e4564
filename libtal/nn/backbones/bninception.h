// BN-Inception (Ioffe & Szegedy, "Batch Normalization", ICML 2015, Fig. 5) as the two-stream networks of TSN use it
// (Wang et al., ECCV 2016): the names of tsn-pytorch and its BN-Inception port (conv1_7x7_s2, inception_3a_1x1, ...),
// biases before the normalisations, poolings that round up. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include "libtal/nn/backbones/backbone.h"

namespace tal {

struct BnInceptionOptions {
  std::int64_t channels = 3;    // of the input: 3 for RGB, 10 for a stack of five flow fields
  std::int64_t classes = 1000;  // 0: without the classifier
  std::int64_t divisor = 1;     // of every channel count (small networks for tests)
};

struct InceptionBlockShape {
  const char* name;
  std::int64_t one, three_reduce, three, double_reduce, doubled, pool;  // one 0: the grid is halved and pooling passes
                                                                        // its input on
  bool max_pool;
};

// Layers: inception_3c, inception_4e, pool, logits, scores.
class BnInception : public EncoderNetwork {
 public:
  explicit BnInception(const BnInceptionOptions& options);
  std::vector<LayerInfo> layers() const override;
  torch::Tensor forward(torch::Tensor x, std::string_view layer) override;  // [B, channels, H, W]

 private:
  using Unit = std::shared_ptr<ConvNorm>;
  struct Block {
    InceptionBlockShape shape;
    Unit one, three_reduce, three, double_reduce, double_1, double_2, pool;
    std::int64_t out = 0;
    torch::Tensor forward(const torch::Tensor& x) const;
  };
  // `name` (a convolution) and `name`_bn.
  Unit unit(const std::string& name, std::int64_t in, std::int64_t out, ConvShape shape);
  Block block(const InceptionBlockShape& shape, std::int64_t in);

  BnInceptionOptions options_;
  Unit conv1_, conv2_reduce_, conv2_;
  std::vector<Block> blocks_;
  torch::nn::Linear fc_{nullptr};
};

}  // namespace tal
