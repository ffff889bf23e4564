// Convolutions whose weights do not change, as fast as the processor computes them: by Winograd's filters where they fit, otherwise by oneDNN with
// the addition and the ReLU in the same pass.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "libtal/nn/winograd.h"

namespace tal {

// y = relu(x * w + bias + add), over one to three axes; w [O, C / groups, kernel...], bias [O] or undefined. Any floating type and device, also under
// autocast; those that have no faster way are LibTorch's own convolutions. Takes no part in differentiation.
class FixedConvolution {
 public:
  FixedConvolution(const at::Tensor& weight, const at::Tensor& bias, std::vector<std::int64_t> stride, std::vector<std::int64_t> padding, std::int64_t groups = 1);
  // [B, C, axes...] -> [B, O, axes...]
  at::Tensor operator()(const at::Tensor& x, const Epilogue& then = {}) const;
  const at::Tensor& weight() const { return weight_; }  // laid out channels last

 private:
  at::Tensor weight_, bias_;
  std::vector<std::int64_t> stride_, padding_;
  std::int64_t groups_;
  std::unique_ptr<const WinogradFilters> winograd_;
};

// The same operations with LibTorch's own functions, differentiable.
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, at::IntArrayRef stride, at::IntArrayRef padding, std::int64_t groups = 1, const Epilogue& then = {});

// The end alone; y itself may be changed. Differentiable.
at::Tensor finished(const at::Tensor& y, const Epilogue& then);

// The FixedConvolution of weights that training may change between two calls: made when first wanted, and again when a tensor it depends on is another.
// Several threads may call.
class FixedConvolutionCache {
 public:
  std::shared_ptr<const FixedConvolution> get(const std::vector<at::Tensor>& sources, const std::function<FixedConvolution()>& make) const;

 private:
  using State = std::vector<std::pair<const void*, std::uint32_t>>;  // memory and version of each source
  mutable std::mutex mutex_;
  mutable State state_;
  mutable std::shared_ptr<const FixedConvolution> made_;
};

}  // namespace tal
