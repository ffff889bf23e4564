#include "libtal/nn/backbones/i3d.h"

#include <cmath>

#include "libtal/base/error.h"
#include "libtal/nn/backbones/backbone.h"
#include "libtal/nn/checkpoint.h"
#include "libtal/nn/max_pool.h"
#include "libtal/nn/named_weights.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

constexpr double kEpsilon = 1e-3;  // of BatchNorm

std::int64_t scaled(std::int64_t filters, double width) {
  return 4 * std::max<std::int64_t>(
                 1, static_cast<std::int64_t>(std::ceil(static_cast<double>(filters) * width / 4 - 1e-9)));
}

constexpr Extent3 kOne{1, 1, 1};

struct Padding3 {
  Extent3 before{}, behind{};
};

Padding3 padding_of(const torch::Tensor& x, const Extent3& kernel, const Extent3& stride) {
  Padding3 padding;
  for (std::size_t k = 0; k < 3; ++k) {
    const auto [before, behind] = same_padding(x.size(static_cast<std::int64_t>(k) + 2), kernel[k], stride[k]);
    padding.before[k] = before, padding.behind[k] = behind;
  }
  return padding;
}

// The port pads with zeros; what is pooled comes from a ReLU, so leaving the padding out gives the same maxima.
// `ceil` makes room for the one value that "same" padding may have more behind.
torch::Tensor same_pool(const torch::Tensor& x, const Extent3& kernel, const Extent3& stride) {
  const auto before = padding_of(x, kernel, stride).before;
  return max_pool(
      x,
      {{kernel.begin(), kernel.end()}, {stride.begin(), stride.end()}, {before.begin(), before.end()}, /*ceil=*/true});
}

// A convolution; one of size 1 as the matrix product that it is: LibTorch hands those of small batches to slower code
// on a single thread.
torch::Tensor convolve(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                       const Extent3& stride, const Extent3& padding) {
  if (weight.numel() != weight.size(0) * weight.size(1) || stride != kOne ||
      !x.is_contiguous(torch::MemoryFormat::ChannelsLast3d)) {
    const auto [input, filters] = pad_for_half(x, weight);
    return torch::conv3d(input, filters, bias, stride, padding);
  }
  return torch::linear(x.permute({0, 2, 3, 4, 1}), weight.flatten(1), bias).permute({0, 4, 1, 2, 3});
}

}  // namespace

Unit3dImpl::Unit3dImpl(std::int64_t in, std::int64_t out, const Extent3& kernel, const Extent3& stride,
                       const I3dOptions& options)
    : kernel_(kernel),
      stride_(stride),
      momentum_(options.bn_momentum),
      frozen_(options.freeze_bn),
      conv3d_(register_module(
          "conv3d",
          torch::nn::Conv3d(
              torch::nn::Conv3dOptions(in, out, torch::ExpandingArray<3>(kernel)).stride(stride).bias(false)))),
      bn_(register_module(
          "bn", torch::nn::BatchNorm3d(torch::nn::BatchNorm3dOptions(out).eps(kEpsilon).momentum(momentum_)))) {
  if (!frozen_) return;
  bn_->weight.set_requires_grad(false);
  bn_->bias.set_requires_grad(false);
}

torch::Tensor Unit3dImpl::forward(torch::Tensor x) {
  check_shape(x, {kAny, conv3d_->options.in_channels(), at_least(1), at_least(1), at_least(1)},
              "I3D unit: input [B, C, T, H, W]");
  const auto padding = padding_of(x, kernel_, stride_);
  Extent3 own = padding.before;  // without a stride the same on both sides, whatever the size
  if (stride_ != kOne) {
    const auto &a = padding.before, &b = padding.behind;
    x = torch::constant_pad_nd(x, {a[2], b[2], a[1], b[1], a[0], b[0]});
    own = {};
  }
  if (is_training() && !frozen_) {
    const auto y = convolve(x, conv3d_->weight, {}, stride_, own);
    if (y.numel() == y.size(1))
      throw Error(
          "BatchNorm of the I3D backbone sees one value a channel: longer clips, larger frames, a larger batch or a "
          "frozen BatchNorm are needed");
    const auto mean = recomputing() ? torch::Tensor() : bn_->running_mean,
               variance = recomputing() ? torch::Tensor() : bn_->running_var;
    if (!recomputing()) bn_->num_batches_tracked += 1;
    return torch::batch_norm(y, bn_->weight, bn_->bias, mean, variance, /*training=*/true, momentum_, kEpsilon, false)
        .relu_();
  }
  const auto folded = [&] {
    const auto scale = bn_->weight * (bn_->running_var + kEpsilon).rsqrt();
    return std::pair(conv3d_->weight * scale.view({-1, 1, 1, 1, 1}), bn_->bias - bn_->running_mean * scale);
  };
  if (torch::autograd::compute_requires_grad(x, conv3d_->weight, bn_->weight)) {
    const auto [weight, bias] = folded();
    return convolve(x, weight, bias, stride_, own).relu_();
  }
  // Batch normalisation changes its statistics without a new version of theirs; the count of batches has one.
  const auto fixed = fixed_.get(
      {conv3d_->weight, bn_->weight, bn_->bias, bn_->running_mean, bn_->running_var, bn_->num_batches_tracked}, [&] {
        const auto [weight, bias] = folded();
        return FixedConvolution(weight, bias, {stride_.begin(), stride_.end()}, {own.begin(), own.end()});
      });
  return (*fixed)(x, {.relu = true});
}

InceptionBlockImpl::InceptionBlockImpl(std::int64_t in, const std::array<std::int64_t, 6>& f, const I3dOptions& options)
    : channels_(f[0] + f[2] + f[4] + f[5]) {
  const auto unit = [&](const char* name, std::int64_t from, std::int64_t to, std::int64_t size) {
    return register_module(name, Unit3d(from, to, Extent3{size, size, size}, Extent3{1, 1, 1}, options));
  };
  b0_ = unit("b0", in, f[0], 1);
  b1a_ = unit("b1a", in, f[1], 1);
  b1b_ = unit("b1b", f[1], f[2], 3);
  b2a_ = unit("b2a", in, f[3], 1);
  b2b_ = unit("b2b", f[3], f[4], 3);
  b3b_ = unit("b3b", in, f[5], 1);
}

torch::Tensor InceptionBlockImpl::forward(const torch::Tensor& x) {
  check_shape(x, {kAny, kAny, at_least(1), at_least(1), at_least(1)}, "I3D block: input [B, C, T, H, W]");
  return torch::cat({b0_(x), b1b_(b1a_(x)), b2b_(b2a_(x)), b3b_(same_pool(x, {3, 3, 3}, {1, 1, 1}))}, 1);
}

I3dImpl::I3dImpl(const I3dOptions& options) : options_(options) {
  if (options.channels < 1) throw Error("an I3D needs at least one input channel");
  if (!(options.width > 0 && options.width <= 8)) throw Error("must lie in (0, 8]").at_field("width");
  if (!(options.bn_momentum > 0 && options.bn_momentum <= 1)) throw Error("must lie in (0, 1]").at_field("bn-momentum");
  const auto unit = [&](const char* name, std::int64_t in, std::int64_t out, std::int64_t size, std::int64_t stride) {
    return register_module(name, Unit3d(in, out, Extent3{size, size, size}, Extent3{stride, stride, stride}, options));
  };
  const std::int64_t narrow = scaled(64, options.width);
  std::int64_t width = scaled(192, options.width);
  conv1a_ = unit("Conv3d_1a_7x7", options.channels, narrow, 7, 2);
  conv2b_ = unit("Conv3d_2b_1x1", narrow, narrow, 1, 1);
  conv2c_ = unit("Conv3d_2c_3x3", narrow, width, 3, 1);
  add_blocks(stages_[0], "Mixed_3", {{64, 96, 128, 16, 32, 32}, {128, 128, 192, 32, 96, 64}}, width);
  add_blocks(stages_[1], "Mixed_4",
             {{192, 96, 208, 16, 48, 64},
              {160, 112, 224, 24, 64, 64},
              {128, 128, 256, 24, 64, 64},
              {112, 144, 288, 32, 64, 64},
              {256, 160, 320, 32, 128, 128}},
             width);
  add_blocks(stages_[2], "Mixed_5", {{256, 160, 320, 32, 128, 128}, {384, 192, 384, 48, 128, 128}}, width);
}

void I3dImpl::add_blocks(std::vector<InceptionBlock>& blocks, const std::string& stage,
                         const std::vector<std::array<std::int64_t, 6>>& filters, std::int64_t& in) {
  char letter = 'b';
  for (auto own : filters) {
    for (auto& count : own) count = scaled(count, options_.width);
    blocks.push_back(register_module(stage + letter++, InceptionBlock(in, own, options_)));
    in = blocks.back()->channels();
  }
  channels_.push_back(in);
}

torch::Tensor I3dImpl::stem(const torch::Tensor& x) {
  const auto pooled = same_pool(conv1a_(x), {1, 3, 3}, {1, 2, 2});
  return same_pool(conv2c_(conv2b_(pooled)), {1, 3, 3}, {1, 2, 2});
}

std::vector<torch::Tensor> I3dImpl::forward(torch::Tensor x) {
  check_shape(x, {kAny, options_.channels, at_least(1), at_least(1), at_least(1)}, "I3D: clips [B, C, T, H, W]");
  const bool keep_less = options_.checkpointing && is_training() && torch::GradMode::is_enabled();
  const auto run = [&](auto&& part, const torch::Tensor& input, const std::vector<torch::nn::Module*>& modules) {
    if (!keep_less) return part(input);
    std::vector<torch::Tensor> parameters;
    for (auto* module : modules)
      for (const auto& parameter : module->parameters()) parameters.push_back(parameter);
    return checkpoint(part, input, parameters);
  };
  // Channels last: what the convolutions of both processors read fastest, and concatenation copies whole pixels.
  x = run([this](const torch::Tensor& input) { return stem(input); }, x.contiguous(torch::MemoryFormat::ChannelsLast3d),
          {conv1a_.get(), conv2b_.get(), conv2c_.get()});
  std::vector<torch::Tensor> levels;
  for (std::size_t k = 0; k < stages_.size(); ++k) {
    const auto stage = [this, k](torch::Tensor y) {
      if (k == 1) y = same_pool(y, {3, 3, 3}, {2, 2, 2});
      if (k == 2) y = same_pool(y, {2, 2, 2}, {2, 2, 2});
      for (auto& block : stages_[k]) y = block(y);
      return y;
    };
    std::vector<torch::nn::Module*> modules;
    for (auto& block : stages_[k]) modules.push_back(block.get());
    x = run(stage, x, modules);
    levels.push_back(x);
  }
  return levels;
}

void load_i3d_weights(I3dImpl& network, const std::map<std::string, torch::Tensor>& weights,
                      const std::string& source) {
  const torch::NoGradGuard guard;
  auto own = weights_of(network);
  for (auto& [name, tensor] : own) {
    const auto found = weights.find(name);
    if (found == weights.end()) {
      if (name.ends_with("num_batches_tracked")) continue;
      throw Error("'" + source + "': no tensor '" + name + "', which I3D needs as " + tensor_shape(tensor));
    }
    if (found->second.sizes() != tensor.sizes())
      throw Error("'" + source + "': tensor '" + name + "' is " + tensor_shape(found->second) + ", I3D needs " +
                  tensor_shape(tensor));
    tensor.copy_(found->second);
  }
  for (const auto& [name, tensor] : weights)
    if (!own.count(name) && !name.starts_with("logits."))
      throw Error("'" + source + "': tensor '" + name + "' " + tensor_shape(tensor) + " belongs to nothing in I3D");
}

}  // namespace tal
