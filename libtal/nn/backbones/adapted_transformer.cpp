#include "libtal/nn/backbones/adapted_transformer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/nn/backbones/state.h"
#include "libtal/nn/checkpoint.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

std::vector<torch::Tensor> trained(std::vector<torch::Tensor> parameters) {
  std::erase_if(parameters, [](const torch::Tensor& parameter) { return !parameter.requires_grad(); });
  return parameters;
}

}  // namespace

TemporalAdapterImpl::TemporalAdapterImpl(std::int64_t dim, const AdapterOptions& o) {
  const auto inner = std::max<std::int64_t>(1, static_cast<std::int64_t>(static_cast<double>(dim) * o.share));
  if (o.kind == "tia") {
    depthwise_ = register_module("dwconv", torch::nn::Conv1d(torch::nn::Conv1dOptions(inner, inner, o.kernel)
                                                                 .padding(o.kernel / 2 * o.dilation)
                                                                 .dilation(o.dilation)
                                                                 .groups(inner)));
    mix_ = register_module("conv", torch::nn::Conv1d(torch::nn::Conv1dOptions(inner, inner, 1)));
  }
  down_ = register_module("down_proj", torch::nn::Linear(dim, inner));
  up_ = register_module("up_proj", torch::nn::Linear(inner, dim));
  gamma_ = register_parameter("gamma", torch::ones({1}));
  const torch::NoGradGuard guard;
  const auto start = [](auto& layer, double deviation) {
    torch::nn::init::normal_(layer->weight, 0, deviation), layer->bias.zero_();
  };
  start(down_, 0.02);
  up_->weight.zero_(), up_->bias.zero_();
  if (depthwise_)
    start(depthwise_, std::sqrt(2.0 / static_cast<double>(o.kernel))),
        start(mix_, std::sqrt(2.0 / static_cast<double>(inner)));
}

torch::Tensor TemporalAdapterImpl::forward(const torch::Tensor& tokens) {
  auto inside = torch::gelu(down_->forward(tokens));  // [M, P, d]
  if (depthwise_) inside = inside + mix_->forward(depthwise_->forward(inside.permute({1, 2, 0}))).permute({2, 0, 1});
  return tokens + up_->forward(inside) * gamma_;
}

AdaptedTransformerImpl::AdaptedTransformerImpl(const AdaptedOptions& o) : options_(o) {
  const auto& t = o.transformer;
  if (t.tubelet == 0 || t.class_token || t.registers > 0)
    throw Error("adapters need a transformer of clips, all of whose tokens have a place");
  if (o.clip % t.tubelet != 0)
    throw Error("clips of " + std::to_string(o.clip) + " frames are no multiple of " + std::to_string(t.tubelet));
  transformer_ = register_module("transformer", std::make_shared<VisionTransformer>(t));
  for (std::int64_t k = 0; k < t.depth && o.adapter.kind != "none"; ++k)
    adapters_.push_back(k < o.adapter.first
                            ? TemporalAdapter(nullptr)
                            : register_module("adapter" + std::to_string(k), TemporalAdapter(t.dim, o.adapter)));
  for (auto& item : transformer_->named_parameters()) {
    const bool norm = item.key().find("norm") != std::string::npos;
    item.value().set_requires_grad(o.train == "all" || (o.train == "norms" && norm));
  }
  for (std::int64_t k = 0; k < t.depth; ++k) trained_.push_back(trained(transformer_->block_parameters(k)));
}

void AdaptedTransformerImpl::load(const std::string& file, const std::string& name) {
  loading(file, name, [&] {
    // What stands behind the blocks - a last norm, a classifier, a decoder - has no part in the features.
    load_state(*transformer_, read_vit_file(file).state, name, {"head.", "norm.", "fc_norm.", "decoder", "mask_token"},
               file);
  });
}

void AdaptedTransformerImpl::initialise() { initialise_transformer(*transformer_); }

void AdaptedTransformerImpl::train(bool on) { torch::nn::Module::train(on && options_.learns()); }

std::vector<torch::Tensor> AdaptedTransformerImpl::adapter_parameters() const {
  std::vector<torch::Tensor> all;
  for (const auto& adapter : adapters_)
    if (adapter)
      for (const auto& parameter : adapter->parameters()) all.push_back(parameter);
  return all;
}

std::vector<torch::Tensor> AdaptedTransformerImpl::trained_transformer_parameters() const {
  return trained(transformer_->parameters());
}

// Tokens [B, N, D] through block `index`, some clips at a time, then through its adapter.
torch::Tensor AdaptedTransformerImpl::block(std::size_t index, const torch::Tensor& tokens) {
  const bool training = is_training() && torch::GradMode::is_enabled();
  const std::int64_t clips = tokens.size(0), chunk = options_.chunk > 0 ? std::min(options_.chunk, clips) : clips;
  const auto depth = static_cast<double>(options_.transformer.depth);
  const double drop = training && depth > 1 ? options_.droppath * static_cast<double>(index) / (depth - 1) : 0;
  torch::Tensor scales;  // [2, B, 1, 1]: drawn here, so that a block computed twice is the same block
  if (drop > 0) scales = torch::rand({2, clips, 1, 1}, tokens.options()).add_(1 - drop).floor_().div_(1 - drop);
  std::vector<torch::Tensor> parts;
  for (std::int64_t first = 0; first < clips; first += chunk) {
    const auto x = tokens.slice(0, first, first + chunk);
    torch::Tensor attention, perceptron;
    if (drop > 0)
      attention = scales[0].slice(0, first, first + chunk), perceptron = scales[1].slice(0, first, first + chunk);
    const auto run = [this, index, attention, perceptron](const torch::Tensor& part) {
      return transformer_->block(index, part, attention, perceptron);
    };
    const bool again = training && options_.checkpointing && (x.requires_grad() || !trained_[index].empty());
    parts.push_back(again ? checkpoint(run, x, trained_[index]) : run(x));
  }
  auto y = parts.size() == 1 ? parts[0] : torch::cat(parts);
  if (adapters_.empty() || !adapters_[index]) return y;
  auto& adapter = adapters_[index];
  const std::int64_t moments = options_.clip / options_.transformer.tubelet, places = y.size(1) / moments;
  const auto adapt = [&adapter, moments, places](const torch::Tensor& x) {
    return adapter->forward(x.reshape({x.size(0) * moments, places, x.size(2)})).reshape(x.sizes());
  };
  return training && options_.checkpointing ? checkpoint(adapt, y, adapter->parameters()) : adapt(y);
}

torch::Tensor AdaptedTransformerImpl::normalised(const torch::Tensor& clips) {
  const auto like = transformer_->parameters().front().options();
  const auto channels = [&](const std::vector<double>& values) {
    return torch::tensor(values, torch::kFloat).to(like).reshape({1, 3, 1, 1, 1});
  };
  const auto scale = 1 / (channels(options_.deviation) * 255);
  return clips.to(like) * scale - channels(options_.mean) / channels(options_.deviation);
}

torch::Tensor AdaptedTransformerImpl::forward(const torch::Tensor& frames) {
  const auto& t = options_.transformer;
  check_shape(frames, {3, multiple_of(options_.clip), at_least(t.patch), at_least(t.patch)},
              "adapted transformer: frames [3, T, H, W]");
  const torch::AutoGradMode gradients(torch::GradMode::is_enabled() && options_.learns());
  const std::int64_t clips = frames.size(1) / options_.clip;
  const std::int64_t rows = frames.size(2) / t.patch * t.patch, columns = frames.size(3) / t.patch * t.patch;
  const auto cut =
      frames.slice(2, 0, rows).slice(3, 0, columns).reshape({3, clips, options_.clip, rows, columns}).transpose(0, 1);
  std::vector<torch::Tensor> parts;
  const std::int64_t chunk = options_.chunk > 0 ? options_.chunk : clips;
  for (std::int64_t first = 0; first < clips; first += chunk)
    parts.push_back(transformer_->embed(normalised(cut.slice(0, first, first + chunk))));
  auto tokens = parts.size() == 1 ? parts[0] : torch::cat(parts);  // [clips, N, D]
  for (std::size_t k = 0; k < static_cast<std::size_t>(t.depth); ++k) tokens = block(k, tokens);
  const std::int64_t moments = frames.size(1) / t.tubelet;
  return tokens.reshape({moments, -1, t.dim}).mean(1);
}

}  // namespace tal
