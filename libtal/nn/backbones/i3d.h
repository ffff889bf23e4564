// I3D: Inception-v1 with its filters inflated to three dimensions (Carreira and Zisserman, CVPR 2017, figure 3),
// without the classifier.
//
// Parameters carry the names of the public PyTorch port, so its state dicts load unchanged; padding is "same" in
// TensorFlow's sense, as the published weights need it. Where the BatchNorm statistics are fixed (inference, frozen),
// they are folded into the filters. B clips, T frames, H x W pixels; values in [-1, 1] (flow: pixels / 20). Error for
// inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <array>
#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "libtal/nn/convolution.h"

namespace tal {

struct I3dOptions {
  std::int64_t channels = 3;   // of the input: 3 RGB, 2 flow
  double width = 1;            // every layer's filters times this, rounded up to a multiple of 4
  double bn_momentum = 0.01;   // share of a batch in the running statistics, as the public port has it
  bool freeze_bn = false;      // statistics, scales and shifts of BatchNorm stay as they are
  bool checkpointing = false;  // training: a part's inner values are computed again when its gradients are wanted, not
                               // kept
};

using Extent3 = std::array<std::int64_t, 3>;  // time, height, width

// Convolution without bias, BatchNorm (eps 1e-3), ReLU.
class Unit3dImpl : public torch::nn::Module {
 public:
  Unit3dImpl(std::int64_t in, std::int64_t out, const Extent3& kernel, const Extent3& stride,
             const I3dOptions& options);
  torch::Tensor forward(torch::Tensor x);

 private:
  Extent3 kernel_, stride_;
  double momentum_;
  bool frozen_;
  torch::nn::Conv3d conv3d_{nullptr};
  torch::nn::BatchNorm3d bn_{nullptr};
  FixedConvolutionCache fixed_;  // for inference, BatchNorm folded in
};
TORCH_MODULE(Unit3d);

// Four branches side by side: 1x1x1; 1x1x1 then 3x3x3, twice; maximum then 1x1x1. `filters` as in the figure, b0 b1a
// b1b b2a b2b b3b.
class InceptionBlockImpl : public torch::nn::Module {
 public:
  InceptionBlockImpl(std::int64_t in, const std::array<std::int64_t, 6>& filters, const I3dOptions& options);
  torch::Tensor forward(const torch::Tensor& x);
  std::int64_t channels() const { return channels_; }

 private:
  std::int64_t channels_;
  Unit3d b0_{nullptr}, b1a_{nullptr}, b1b_{nullptr}, b2a_{nullptr}, b2b_{nullptr}, b3b_{nullptr};
};
TORCH_MODULE(InceptionBlock);

class I3dImpl : public torch::nn::Module {
 public:
  explicit I3dImpl(const I3dOptions& options);
  // [B, C, T, H, W] -> Mixed_3c, Mixed_4f, Mixed_5c: strides 2, 4, 8 in time and 8, 16, 32 in space (sizes rounded up).
  std::vector<torch::Tensor> forward(torch::Tensor x);
  const std::vector<std::int64_t>& channels() const {
    return channels_;
  }  // of the three outputs; 480, 832, 1024 at width 1

 private:
  void add_blocks(std::vector<InceptionBlock>& blocks, const std::string& stage,
                  const std::vector<std::array<std::int64_t, 6>>& filters, std::int64_t& in);
  torch::Tensor stem(const torch::Tensor& x);

  I3dOptions options_;
  std::vector<std::int64_t> channels_;
  Unit3d conv1a_{nullptr}, conv2b_{nullptr}, conv2c_{nullptr};
  std::array<std::vector<InceptionBlock>, 3> stages_;  // Mixed_3, Mixed_4, Mixed_5
};
TORCH_MODULE(I3d);

// Weights of a public port: every filter and BatchNorm tensor must be there with its shape; its classifier ("logits.")
// and counters
// ("num_batches_tracked") may be. Error names the tensor and `source`.
void load_i3d_weights(I3dImpl& network, const std::map<std::string, torch::Tensor>& weights, const std::string& source);

}  // namespace tal
