// The heads of the points detectors: hidden layers that all levels share, and one convolution for the result.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <vector>

#include "libtal/models/points/points.h"
#include "libtal/nn/channel_norm.h"

namespace tal {

// A convolution over rows [B, T, C] (nn/row_convolution.h); weight [O, C, k] begins as PyTorch's, bias as 0.
class RowConvImpl : public torch::nn::Module {
 public:
  RowConvImpl(std::int64_t inputs, std::int64_t outputs, std::int64_t kernel, bool with_bias);
  torch::Tensor forward(const torch::Tensor& x, std::int64_t stride = 1);
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

// A channel_norm of x [B, T, C], by nn/norm_rows.h; kinds as there.
torch::Tensor normed_rows(const torch::nn::LayerNorm& norm, const torch::Tensor& x, const torch::Tensor& kinds,
                          bool relu);
// Over groups of channels and all rows, of a sequence alone when `inside`, else of the padding too. weight, bias [C] or
// undefined.
torch::Tensor group_norm(const PointRows& rows, std::int64_t groups, const torch::Tensor& weight,
                         const torch::Tensor& bias, double eps, bool inside);

// What norm_rows (nn/norm_rows.h) shall take the rows for, [B, T] uint8, or undefined. leaks: behind the end stays
// what the norm makes of zeros.
torch::Tensor row_kinds(const PointRows& rows, bool leaks);

// The levels of a pyramid one behind the other, with rows of zeros between them as wide as a convolution of `kernel`
// rows sees: a head's layers then take one call each, not one a level.
class JoinedLevels {
 public:
  JoinedLevels(const std::vector<PointRows>& levels, std::int64_t kernel, bool leaks);
  // Of y [B, S, *], the rows of each level: [B, T_l, *].
  std::vector<torch::Tensor> split(const torch::Tensor& y) const;
  std::vector<PointRows> levels(const torch::Tensor& y) const;
  torch::Tensor join(const std::vector<torch::Tensor>& levels) const;  // [B, T_l, C] -> [B, S, C]
  torch::Tensor masked(const torch::Tensor& y) const { return y * inside_; }

  torch::Tensor x;      // [B, S, C]
  torch::Tensor kinds;  // [B, S], as row_kinds

 private:
  std::vector<PointRows> levels_;
  std::int64_t gap_;
  torch::Tensor inside_;  // [B or 1, S, 1], 1 inside
};

// DyFADet (arXiv 2407.03197, 3.3): one dynamic layer of a head, over all levels.
class DynamicLayerImpl;

class PointHeadImpl : public torch::nn::Module {
 public:
  PointHeadImpl(const PointsOptions& options, std::int64_t outputs, std::int64_t kernel, double eps);
  void add_quality();
  // x [B, S, E] of joined levels -> [B, S, H].
  torch::Tensor hidden(const JoinedLevels& levels, const torch::Tensor& x);

  RowConv output{nullptr};
  RowConv quality{nullptr};  // of a head with add_quality()

 private:
  std::int64_t width_;
  std::vector<RowConv> convolutions_;
  std::vector<torch::nn::LayerNorm> norms_;
  std::vector<std::shared_ptr<DynamicLayerImpl>> dynamic_;
};

}  // namespace tal
