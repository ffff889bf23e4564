#include "libtal/nn/convolution.h"

#include <ATen/autocast_mode.h>

#include <algorithm>
#include <atomic>
#include <optional>

#include "libtal/nn/device.h"
#include "libtal/nn/operators.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

using Axes = at::IntArrayRef;
using Scalars = c10::List<std::optional<at::Scalar>>;

// oneDNN's convolutions that finish their result themselves, as LibTorch's compiler calls them; builds without oneDNN
// have none.
using Pointwise = at::Tensor(const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&, Axes, Axes, Axes,
                             std::int64_t, std::string_view, Scalars, std::optional<std::string_view>);
using Binary = at::Tensor(const at::Tensor&, const at::Tensor&, const at::Tensor&, const std::optional<at::Tensor>&,
                          Axes, Axes, Axes, std::int64_t, std::string_view, std::optional<at::Scalar>,
                          std::optional<std::string_view>, Scalars, std::optional<std::string_view>);

// Undefined when there is no such convolution for x.
at::Tensor convolve_fused(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, Axes stride,
                          Axes padding, std::int64_t groups, const Epilogue& then) {
  static const auto* pointwise = find_operator<Pointwise>("mkldnn::_convolution_pointwise", "");
  static const auto* binary = find_operator<Binary>("mkldnn::_convolution_pointwise", "binary");
  if (!pointwise || !binary || groups != 1 || x.dim() < 4 || !x.is_cpu() || x.scalar_type() != at::kFloat ||
      weight.scalar_type() != at::kFloat || x.numel() == 0)
    return {};
  // oneDNN finds no layout for what is to be added where a channel is one value.
  if (then.add.defined() && then.add.numel() == then.add.size(0) * then.add.size(1)) return {};
  const std::vector<std::int64_t> ones(stride.size(), 1);
  const std::optional<at::Tensor> offset = bias.defined() ? std::optional(bias) : std::nullopt;
  if (!then.add.defined())
    return pointwise->call(x, weight, offset, padding, stride, ones, groups, then.relu ? "relu" : "none", Scalars(),
                           std::nullopt);
  return binary->call(x, then.add, weight, offset, padding, stride, ones, groups, "add", at::Scalar(1),
                      then.relu ? std::optional<std::string_view>("relu") : std::nullopt, Scalars(), std::nullopt);
}

// Tiles of a sample that are worth reading four times the weights. Of a sample, not of the batch: what a sample gives
// must not depend on its company.
constexpr std::int64_t kLeastTiles = 4;

bool fits(const at::Tensor& weight, Axes stride, Axes padding, std::int64_t groups) {
  const auto axes = weight.dim() - 2;
  if (axes < 2 || groups != 1 || !WinogradFilters::pay(weight)) return false;
  if (axes == 3 && weight.size(2) != 1 && weight.size(2) != 3) return false;
  for (std::int64_t k = 0; k < axes; ++k) {
    const std::int64_t kernel = weight.size(2 + k);
    if (stride[static_cast<std::size_t>(k)] != 1 || padding[static_cast<std::size_t>(k)] != kernel / 2 ||
        (k >= axes - 2 && kernel != 3))
      return false;
  }
  return true;
}

at::Tensor convolve_plainly(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, Axes stride,
                            Axes padding, std::int64_t groups) {
  const std::vector<std::int64_t> ones(stride.size(), 1);
  // By the names that autocast knows.
  return stride.size() == 1   ? at::conv1d(x, weight, bias, stride, padding, ones, groups)
         : stride.size() == 2 ? at::conv2d(x, weight, bias, stride, padding, ones, groups)
                              : at::conv3d(x, weight, bias, stride, padding, ones, groups);
}

// The input must fill every axis of the kernel at least once.
void check_input(const at::Tensor& x, const at::Tensor& weight, Axes padding, std::int64_t groups) {
  const std::int64_t channels = weight.size(1) * groups;
  const auto axis = [&](std::size_t k) {
    return at_least(std::max<std::int64_t>(1, weight.size(static_cast<std::int64_t>(k) + 2) - 2 * padding[k]));
  };
  switch (padding.size()) {
    case 1: return check_shape(x, {kAny, channels, axis(0)}, "convolution: input [B, C, L]");
    case 2: return check_shape(x, {kAny, channels, axis(0), axis(1)}, "convolution: input [B, C, H, W]");
    default: return check_shape(x, {kAny, channels, axis(0), axis(1), axis(2)}, "convolution: input [B, C, T, H, W]");
  }
}

constexpr std::int64_t kTensorCore = 8;  // channels that fast kernels of half types take at a time

bool is_half(at::ScalarType type) { return type == at::kHalf || type == at::kBFloat16; }

// Zero channels behind those of x [B, C, ...].
at::Tensor with_channels(const at::Tensor& x, std::int64_t more) {
  if (more == 0) return x;
  std::vector<std::int64_t> extents(static_cast<std::size_t>(2 * (x.dim() - 1)), 0);  // from the last axis to the
                                                                                      // channels'
  extents.back() = more;
  return at::constant_pad_nd(x, extents);
}

at::Tensor channels_last(const at::Tensor& x) {
  if (x.dim() < 4) return x;
  return x.contiguous(x.dim() == 5 ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast);
}

std::int64_t tiles_of_sample(const at::Tensor& x) {
  return (x.dim() == 5 ? x.size(2) : 1) * ((x.size(-2) + 3) / 4) * ((x.size(-1) + 3) / 4);
}

}  // namespace

std::pair<at::Tensor, at::Tensor> pad_channels(const at::Tensor& x, const at::Tensor& weight, std::int64_t multiple) {
  check_shape(x, {kAny, weight.size(1), kAxes}, "convolution: input [B, C, ...]");
  const std::int64_t rest = weight.size(1) % multiple, more = rest ? multiple - rest : 0;
  if (more == 0) return {x, weight};
  return {with_channels(x, more), with_channels(weight, more)};
}

std::pair<at::Tensor, at::Tensor> pad_for_half(const at::Tensor& x, const at::Tensor& weight, std::int64_t groups) {
  if (!x.is_cuda() || groups != 1 || !is_half(computed_type(x))) return {x, weight};
  return pad_channels(x, weight, kTensorCore);
}

at::Tensor convolve(const at::Tensor& input, const at::Tensor& filters, const at::Tensor& bias, Axes stride,
                    Axes padding, std::int64_t groups, const Epilogue& then) {
  check_input(input, filters, padding, groups);
  const auto [x, weight] = pad_for_half(input, filters, groups);
  return finished(convolve_plainly(x, weight, bias, stride, padding, groups), then);
}

at::Tensor finished(const at::Tensor& y, const Epilogue& then) {
  const auto sum = then.add.defined() ? y + then.add : y;
  return then.relu ? sum.relu_() : sum;
}

struct FixedConvolution::OnCuda {
  struct Filters {
    at::Tensor weight, bias;
  };
  // In this type, with the channels that its kernels want. Made at the first call for it; the last type's are kept.
  Filters get(at::ScalarType type, const at::Tensor& weight, const at::Tensor& bias, std::int64_t groups) {
    const std::lock_guard lock(mutex);
    if (!made.weight.defined() || made.weight.scalar_type() != type) {
      auto own = weight.to(type);
      if (const std::int64_t rest = own.size(1) % kTensorCore; groups == 1 && is_half(type) && rest)
        own = with_channels(own, kTensorCore - rest);
      made = {channels_last(own), bias.defined() ? bias.to(type) : bias};
    }
    return made;
  }
  std::mutex mutex;
  Filters made;
  std::atomic<bool> fused = true;  // until cuDNN says that it has no such kernel
};

FixedConvolution::FixedConvolution(const at::Tensor& weight, const at::Tensor& bias, std::vector<std::int64_t> stride,
                                   std::vector<std::int64_t> padding, std::int64_t groups)
    : weight_(weight.detach()),
      bias_(bias.defined() ? bias.detach() : bias),
      stride_(std::move(stride)),
      padding_(std::move(padding)),
      groups_(groups),
      cuda_(weight_.is_cuda() ? std::make_shared<OnCuda>() : nullptr) {
  weight_ = channels_last(weight_);
  if (fits(weight_, stride_, padding_, groups_)) winograd_ = std::make_unique<const WinogradFilters>(weight_);
}

at::Tensor FixedConvolution::operator()(const at::Tensor& x, const Epilogue& then) const {
  check_input(x, weight_, padding_, groups_);
  const at::NoGradGuard guard;
  if (cuda_) return on_cuda(x, then);
  if (!at::autocast::is_autocast_enabled(x.device().type())) {
    if (winograd_ && x.scalar_type() == at::kFloat && tiles_of_sample(x) >= kLeastTiles)
      return winograd_->convolve(x, bias_, then);
    if (const auto y = convolve_fused(x, weight_, bias_, stride_, padding_, groups_, then); y.defined()) return y;
  }
  return convolve(x, weight_, bias_, stride_, padding_, groups_, then);
}

at::Tensor FixedConvolution::on_cuda(const at::Tensor& x, const Epilogue& then) const {
  const auto type = computed_type(x);
  const auto filters = cuda_->get(type, weight_, bias_, groups_);
  const OwnPrecision own;
  auto input = x.to(type);
  input = channels_last(with_channels(input, filters.weight.size(1) * groups_ - input.size(1)));
  const Epilogue rest{then.relu, then.add.defined() ? then.add.to(type) : then.add};
  if (then.relu && groups_ == 1 && input.dim() > 3 && cuda_->fused) {
    const std::vector<std::int64_t> ones(stride_.size(), 1);
    const std::optional<at::Tensor> bias = filters.bias.defined() ? std::optional(filters.bias) : std::nullopt;
    try {
      return rest.add.defined()
                 ? at::cudnn_convolution_add_relu(input, filters.weight, channels_last(rest.add), 1, bias, stride_,
                                                  padding_, ones, groups_)
                 : at::cudnn_convolution_relu(input, filters.weight, bias, stride_, padding_, ones, groups_);
    } catch (const c10::OutOfMemoryError&) {
      throw;
    } catch (const c10::Error&) {
      cuda_->fused = false;
    }
  }
  return finished(convolve_plainly(input, filters.weight, filters.bias, stride_, padding_, groups_), rest);
}

std::shared_ptr<const FixedConvolution> FixedConvolutionCache::get(
    const std::vector<at::Tensor>& sources, const std::function<FixedConvolution()>& make) const {
  State state;
  for (const auto& source : sources)
    if (source.defined()) state.emplace_back(source.const_data_ptr(), source.is_inference() ? 0 : source._version());
  const std::lock_guard lock(mutex_);
  if (!made_ || state != state_) {
    const at::NoGradGuard guard;
    made_ = std::make_shared<const FixedConvolution>(make());
    state_ = std::move(state);
  }
  return made_;
}

}  // namespace tal
