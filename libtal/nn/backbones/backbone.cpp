#include "libtal/nn/backbones/backbone.h"

#include <algorithm>

#include "libtal/nn/shapes.h"

namespace tal {

ConvShape square(std::int64_t kernel, std::int64_t stride) {
  return {{kernel, kernel}, {stride, stride}, {kernel / 2, kernel / 2}};
}

ConvShape in_space(std::int64_t kernel, std::int64_t stride) {
  return {{1, kernel, kernel}, {1, stride, stride}, {0, kernel / 2, kernel / 2}};
}

SamePadding same_padding(std::int64_t size, std::int64_t kernel, std::int64_t stride) {
  const std::int64_t rest = size % stride, all = std::max<std::int64_t>(0, kernel - (rest ? rest : stride));
  return {all / 2, all - all / 2};
}

ConvShape biased(ConvShape shape) {
  shape.bias = true;
  return shape;
}

ConvShape cube(std::int64_t kernel, std::int64_t time_stride, std::int64_t stride) {
  return {{kernel, kernel, kernel}, {time_stride, stride, stride}, {kernel / 2, kernel / 2, kernel / 2}};
}

ConvImpl::ConvImpl(std::int64_t in, std::int64_t out, ConvShape s) : shape(std::move(s)) {
  std::vector<std::int64_t> extents = {out, in / shape.groups};
  extents.insert(extents.end(), shape.kernel.begin(), shape.kernel.end());
  weight = register_parameter("weight", torch::zeros(extents), false);
  if (shape.bias) bias = register_parameter("bias", torch::zeros(out), false);
}

torch::Tensor ConvImpl::forward(const torch::Tensor& x, const Epilogue& then) const {
  return fixed_ ? (*fixed_)(x, then) : convolve(x, weight, bias, shape.stride, shape.padding, shape.groups, then);
}

void ConvImpl::prepare() {
  fixed_ = std::make_shared<const FixedConvolution>(weight, bias, shape.stride, shape.padding, shape.groups);
  weight.set_data(fixed_->weight());  // one copy is enough
}

NormImpl::NormImpl(std::int64_t channels, double e) : epsilon(e) {
  weight = register_parameter("weight", torch::zeros(channels), false);
  bias = register_parameter("bias", torch::zeros(channels), false);
  running_mean = register_buffer("running_mean", torch::zeros(channels));
  running_var = register_buffer("running_var", torch::zeros(channels));
  num_batches_tracked = register_buffer("num_batches_tracked", torch::zeros({}, torch::kLong));
}

torch::Tensor NormImpl::forward(const torch::Tensor& x) const {
  check_shape(x, {kAny, weight.size(0), kAxes}, "batch normalisation: input [B, C, ...]");
  return at::batch_norm(x, weight, bias, running_mean, running_var, false, 0, epsilon, false);
}

torch::Tensor ConvNorm::operator()(const torch::Tensor& x, const Epilogue& then) const {
  if (!norm_) return conv_->forward(x, then);
  return finished(norm_->forward(conv_->forward(x)), then);
}

void ConvNorm::fold() {
  if (!norm_) return;
  const torch::NoGradGuard guard;
  const auto scale = norm_->weight.to(torch::kDouble) / (norm_->running_var.to(torch::kDouble) + norm_->epsilon).sqrt();
  std::vector<std::int64_t> column(static_cast<std::size_t>(conv_->weight.dim()), 1);
  column[0] = -1;
  auto shift = -norm_->running_mean.to(torch::kDouble);
  if (conv_->bias.defined()) shift += conv_->bias.to(torch::kDouble);
  conv_->weight.copy_(conv_->weight.to(torch::kDouble) * scale.view(column));
  conv_->bias = (shift * scale + norm_->bias.to(torch::kDouble)).to(conv_->weight.scalar_type());
  norm_ = nullptr;
}

void NamedParts::fold() {
  for (auto& pair : pairs_) pair->fold();
}

std::shared_ptr<ConvNorm> NamedParts::conv_norm(const std::string& conv, const std::string& norm, std::int64_t in,
                                                std::int64_t out, ConvShape shape, double epsilon) {
  return pairs_.emplace_back(
      std::make_shared<ConvNorm>(place(conv, Conv(in, out, std::move(shape))), place(norm, Norm(out, epsilon))));
}

torch::nn::Module& NamedParts::parent(const std::string& path) {
  torch::nn::Module* at = this;
  for (std::size_t begin = 0, dot; (dot = path.find('.', begin)) != std::string::npos; begin = dot + 1) {
    const auto name = path.substr(begin, dot - begin);
    const auto children = at->named_children();
    const auto* child = children.find(name);
    at = child ? child->get() : at->register_module(name, std::make_shared<torch::nn::Module>()).get();
  }
  return *at;
}

std::string NamedParts::last(const std::string& path) { return path.substr(path.rfind('.') + 1); }

void EncoderNetwork::prepare() {
  eval();
  fold();
  for (const auto& module : modules(/*include_self=*/false)) {
    if (auto* parts = dynamic_cast<NamedParts*>(module.get())) parts->fold();
  }
  for (const auto& module : modules(/*include_self=*/false))
    if (auto* part = dynamic_cast<Prepared*>(module.get())) part->prepare();
}

torch::Tensor global_mean(const torch::Tensor& x) {
  check_shape(x, {kAny, kAny, kAxes}, "global mean: input [B, C, ...]");
  return x.dim() > 2 ? x.flatten(2).mean(2) : x;
}

torch::Tensor classify(const torch::Tensor& logits, std::string_view layer) {
  check_shape(logits, {kAny, kAny}, "classifier: logits [B, K]");
  return layer == "scores" ? torch::softmax(logits, 1) : logits;
}

void add_class_layers(std::vector<LayerInfo>& layers, std::int64_t classes) {
  if (classes == 0) return;
  layers.push_back({"logits", classes});
  layers.push_back({"scores", classes});
}

}  // namespace tal
