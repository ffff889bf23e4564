// Convolutions whose weights do not change, as fast as the device allows. On the processor the fastest of three ways
// that fits is taken: Winograd's filters (winograd.h), oneDNN's convolution that adds and applies the ReLU itself,
// LibTorch's convolution; on CUDA cuDNN's convolution that adds and applies the ReLU, or LibTorch's.
#pragma once

#include <ATen/ATen.h>

#include <functional>
#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "libtal/nn/winograd.h"

namespace tal {

// y = relu(x * w + bias + add) over one, two or three axes; any floating type and device, also under autocast. Takes no
// part in differentiation. Several threads may call it.
class FixedConvolution {
 public:
  // weight: [O, C / groups, kernel...]. bias: [O], or undefined. stride, padding: one number for each axis.
  FixedConvolution(const at::Tensor& weight, const at::Tensor& bias, std::vector<std::int64_t> stride,
                   std::vector<std::int64_t> padding, std::int64_t groups = 1);
  // [B, C, axes...] -> [B, O, axes...]. Error for a shape that does not fit, or one that is smaller than the kernel.
  at::Tensor operator()(const at::Tensor& x, const Epilogue& then = {}) const;
  const at::Tensor& weight() const { return weight_; }  // in the memory format channels last

 private:
  at::Tensor on_cuda(const at::Tensor& x, const Epilogue& then) const;
  at::Tensor weight_, bias_;
  std::vector<std::int64_t> stride_, padding_;
  std::int64_t groups_;
  std::unique_ptr<const WinogradFilters> winograd_;
  struct OnCuda;  // weights in the type that is computed in
  std::shared_ptr<OnCuda> cuda_;
};

// The same with LibTorch's own functions, differentiable. Shapes and errors as above.
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, at::IntArrayRef stride,
                    at::IntArrayRef padding, std::int64_t groups = 1, const Epilogue& then = {});

// Zero channels behind those of x [B, C, axes...] and weight [O, C, kernel...], up to a multiple of `multiple`: the
// convolution of both is the same. Differentiable; keeps the memory format.
std::pair<at::Tensor, at::Tensor> pad_channels(const at::Tensor& x, const at::Tensor& weight, std::int64_t multiple);
// The same where it pays: with half types on CUDA, also under Autocast, whose fast kernels (tensor cores) take channels
// by eights. Else, and with groups, both as they are.
std::pair<at::Tensor, at::Tensor> pad_for_half(const at::Tensor& x, const at::Tensor& weight, std::int64_t groups = 1);

// relu(y + add) alone. Differentiable. May write into y.
at::Tensor finished(const at::Tensor& y, const Epilogue& then);

// A FixedConvolution for weights that training may change between two calls. It is made at the first call, and made
// again when one of the tensors it was made from has changed. Several threads may call.
class FixedConvolutionCache {
 public:
  // sources: the tensors that make() reads; undefined ones are skipped.
  std::shared_ptr<const FixedConvolution> get(const std::vector<at::Tensor>& sources,
                                              const std::function<FixedConvolution()>& make) const;

 private:
  using State = std::vector<std::pair<const void*, std::uint32_t>>;  // memory and version of each source
  mutable std::mutex mutex_;
  mutable State state_;
  mutable std::shared_ptr<const FixedConvolution> made_;
};

}  // namespace tal
