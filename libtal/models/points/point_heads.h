// The heads of the points detectors: hidden layers that all levels share, and one convolution for the result.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "libtal/models/points/points.h"

namespace tal {

// A convolution over rows [B, T, C] (nn/row_convolution.h); weight [O, C, k] begins as PyTorch's, bias as 0.
class RowConvImpl : public torch::nn::Module {
 public:
  RowConvImpl(std::int64_t inputs, std::int64_t outputs, std::int64_t kernel, bool with_bias);
  torch::Tensor forward(const torch::Tensor& x);
  torch::Tensor weight, bias;
};
TORCH_MODULE(RowConv);
// One channel by itself; weight [C, 1, k].
class DepthwiseConvImpl : public torch::nn::Module {
 public:
  DepthwiseConvImpl(std::int64_t channels, std::int64_t kernel, bool with_bias);
  torch::Tensor forward(const torch::Tensor& x, std::int64_t stride = 1);
  torch::Tensor weight, bias;
};
TORCH_MODULE(DepthwiseConv);

torch::nn::LayerNorm channel_norm(std::int64_t channels, double eps);
// Over groups of channels and all rows, of a sequence alone when `inside`, else of the padding too. weight, bias [C] or
// undefined.
torch::Tensor group_norm(const PointRows& rows, std::int64_t groups, const torch::Tensor& weight,
                         const torch::Tensor& bias, double eps, bool inside);

// DyFADet (arXiv 2407.03197, 3.3): one dynamic layer of a head, over all levels.
class DynamicLayerImpl;

class PointHeadImpl : public torch::nn::Module {
 public:
  PointHeadImpl(const PointsOptions& options, std::int64_t outputs, std::int64_t kernel, double eps);
  void add_quality();
  // Levels [B, T_l, E] -> [B, T_l, H].
  std::vector<torch::Tensor> hidden(const std::vector<PointRows>& levels);

  RowConv output{nullptr};
  RowConv quality{nullptr};  // of a head with add_quality()

 private:
  bool remask_, exact_;
  std::int64_t width_;
  std::vector<RowConv> convolutions_;
  std::vector<torch::nn::LayerNorm> norms_;
  std::vector<std::shared_ptr<DynamicLayerImpl>> dynamic_;
};

}  // namespace tal
