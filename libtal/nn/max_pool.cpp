#include "libtal/nn/max_pool.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "libtal/nn/shapes.h"

namespace tal {
namespace {

// Windows along an axis, as LibTorch counts them: with `ceil` a last one that begins inside, or in the padding before.
std::int64_t windows(std::int64_t size, std::int64_t kernel, std::int64_t stride, std::int64_t padding, bool ceil) {
  const std::int64_t over = size + 2 * padding - kernel + (ceil ? stride - 1 : 0);
  const std::int64_t count = over / stride + 1;
  return ceil && (count - 1) * stride >= size + padding ? count - 1 : count;
}

std::vector<std::int64_t> padding_of(const PoolShape& shape) {
  return shape.padding.empty() ? std::vector<std::int64_t>(shape.kernel.size(), 0) : shape.padding;
}

}  // namespace

at::Tensor max_pool_by(const CudaKernels& kernels, const at::Tensor& input, const PoolShape& shape) {
  const at::NoGradGuard guard;
  const auto axes = static_cast<std::int64_t>(shape.kernel.size());
  const auto format = axes == 3 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
  const auto x = input.contiguous(format);
  const auto padding = padding_of(shape);
  TalPoolSizes sizes{x.size(0), x.size(1), {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {1, 1, 1}, {0, 0, 0}};
  std::vector<std::int64_t> extents{x.size(0), x.size(1)};
  for (std::int64_t k = 0; k < axes; ++k) {
    const auto own = static_cast<std::size_t>(k), at = static_cast<std::size_t>(k + 3 - axes);
    sizes.from[at] = x.size(k + 2), sizes.kernel[at] = shape.kernel[own], sizes.stride[at] = shape.stride[own];
    sizes.padding[at] = padding[own];
    sizes.to[at] = windows(sizes.from[at], sizes.kernel[at], sizes.stride[at], sizes.padding[at], shape.ceil);
    extents.push_back(sizes.to[at]);
  }
  auto y = at::empty(extents, x.options().memory_format(format));
  if (y.numel() > 0)
    kernels.check(kernels.max_pool(queue_of(x), &sizes, static_cast<std::int32_t>(x.element_size()), x.const_data_ptr(),
                                   y.mutable_data_ptr()),
                  "max-pooling");
  return y;
}

at::Tensor max_pool(const at::Tensor& x, const PoolShape& shape) {
  const auto padding = padding_of(shape);
  const auto axis = [&](std::size_t k) {
    return at_least(shape.ceil ? 1 : std::max<std::int64_t>(1, shape.kernel[k] - 2 * padding[k]));
  };
  if (shape.kernel.size() == 3)
    check_shape(x, {kAny, kAny, axis(0), axis(1), axis(2)}, "max-pooling: input [B, C, T, H, W]");
  else check_shape(x, {kAny, kAny, axis(0), axis(1)}, "max-pooling: input [B, C, H, W]");
  const auto size = x.element_size();
  if (x.is_cuda() && x.is_floating_point() && (size == 2 || size == 4) &&
      !(x.requires_grad() && at::GradMode::is_enabled()))
    if (const auto* kernels = cuda_kernels()) return max_pool_by(*kernels, x, shape);
  return shape.kernel.size() == 3 ? at::max_pool3d(x, shape.kernel, shape.stride, padding, 1, shape.ceil)
                                  : at::max_pool2d(x, shape.kernel, shape.stride, padding, 1, shape.ceil);
}

}  // namespace tal
