// I3D one layer after the other, as the public port runs it: explicit zero padding, convolution, separate BatchNorm,
// ReLU. What the folded, channels-last network must equal, and the baseline of the bench. Weights are taken from the
// network by name.
#pragma once

#include <torch/torch.h>

#include <array>
#include <string>
#include <vector>

namespace tal::reference {

class PlainI3d {
 public:
  explicit PlainI3d(torch::nn::Module& network) {
    for (const auto& item : network.named_parameters()) weights_.insert(item.key(), item.value());
    for (const auto& item : network.named_buffers()) weights_.insert(item.key(), item.value());
  }

  std::vector<torch::Tensor> forward(torch::Tensor x, bool training = false) {
    training_ = training;
    x = unit("Conv3d_1a_7x7", x, 7, 2);
    x = pool(x, {1, 3, 3}, {1, 2, 2});
    x = unit("Conv3d_2b_1x1", x, 1, 1);
    x = unit("Conv3d_2c_3x3", x, 3, 1);
    x = pool(x, {1, 3, 3}, {1, 2, 2});
    x = mixed("Mixed_3b", x);
    x = mixed("Mixed_3c", x);
    std::vector<torch::Tensor> levels = {x};
    x = pool(x, {3, 3, 3}, {2, 2, 2});
    for (const char* name : {"Mixed_4b", "Mixed_4c", "Mixed_4d", "Mixed_4e", "Mixed_4f"}) x = mixed(name, x);
    levels.push_back(x);
    x = pool(x, {2, 2, 2}, {2, 2, 2});
    x = mixed("Mixed_5b", x);
    levels.push_back(mixed("Mixed_5c", x));
    return levels;
  }

 private:
  using Extent = std::array<std::int64_t, 3>;

  static torch::Tensor padded(const torch::Tensor& x, const Extent& kernel, const Extent& stride) {
    std::vector<std::int64_t> pad;
    for (const int axis : {2, 1, 0}) {
      const auto i = static_cast<std::size_t>(axis);
      const std::int64_t size = x.size(axis + 2),
                         all = std::max<std::int64_t>(
                             0, size % stride[i] == 0 ? kernel[i] - stride[i] : kernel[i] - size % stride[i]);
      pad.push_back(all / 2), pad.push_back(all - all / 2);
    }
    return torch::constant_pad_nd(x, pad);
  }
  static torch::Tensor pool(const torch::Tensor& x, const Extent& kernel, const Extent& stride) {
    return torch::max_pool3d(padded(x, kernel, stride), kernel, stride);
  }
  torch::Tensor unit(const std::string& name, const torch::Tensor& x, std::int64_t size, std::int64_t stride) {
    const auto y = torch::conv3d(padded(x, {size, size, size}, {stride, stride, stride}),
                                 weights_[name + ".conv3d.weight"], {}, stride);
    const std::string bn = name + ".bn.";
    const auto mean = training_ ? torch::Tensor() : weights_[bn + "running_mean"],
               variance = training_ ? torch::Tensor() : weights_[bn + "running_var"];
    return torch::batch_norm(y, weights_[bn + "weight"], weights_[bn + "bias"], mean, variance, training_, 0.01, 1e-3,
                             false)
        .relu();
  }
  torch::Tensor mixed(const std::string& n, const torch::Tensor& x) {
    return torch::cat(
        {unit(n + ".b0", x, 1, 1), unit(n + ".b1b", unit(n + ".b1a", x, 1, 1), 3, 1),
         unit(n + ".b2b", unit(n + ".b2a", x, 1, 1), 3, 1), unit(n + ".b3b", pool(x, {3, 3, 3}, {1, 1, 1}), 1, 1)},
        1);
  }

  torch::OrderedDict<std::string, torch::Tensor> weights_;
  bool training_ = false;
};

}  // namespace tal::reference
