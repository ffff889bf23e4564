#include "libtal/models/sptad/sptad.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "libtal/base/error.h"
#include "libtal/models/core/frame_clips.h"
#include "libtal/models/core/guard.h"
#include "libtal/nn/channel_norm.h"
#include "libtal/nn/device.h"
#include "libtal/nn/losses.h"
#include "libtal/nn/shapes.h"
#include "libtal/segment/assignment.h"

namespace tal {
namespace F = torch::nn::functional;
namespace {

torch::nn::LayerNorm layer_norm(std::int64_t dim) { return channel_norm(dim, 1e-5); }

// Sparse R-CNN's start values: every matrix Xavier uniform.
void xavier_matrices(torch::nn::Module& module) {
  for (auto& parameter : module.parameters())
    if (parameter.dim() > 1) torch::nn::init::xavier_uniform_(parameter);
}

}  // namespace

Settings settings_of(SptadOptions& o) {
  Settings s;
  s.add("pyramid", &o.pyramid,
        "Temporal pyramid: from all three levels of features (inter), from the last (high), or the last level alone "
        "(single)",
        {"inter", "high", "single"});
  s.add("stages", &o.stages, "Detection heads in a row, each refining the segments of the one before").between(1, 64);
  s.add("proposals", &o.proposals, "Learned proposals N of a clip, more than it has actions").between(1, 10000);
  s.add("initial-segments", &o.initial_segments,
        "Where the learned segments begin before training: spread evenly over the clip, or at random places in it",
        {"even", "random"});
  s.add("initial-length", &o.initial_length,
        "Their length before training, a share of the clip; 1: all begin as the whole clip; two numbers: drawn between "
        "them (random segments)")
      .count(1, 2)
      .between(0.001, 1);
  s.add("dim", &o.dim, "Columns d of pyramid and proposal features").between(1, 8192);
  s.add("heads", &o.heads, "Heads of the self-attention among proposals, a divisor of dim").between(1, 1024);
  s.add("roi-rows", &o.roi_rows, "Rows T' that a segment is pooled to").between(1, 1024);
  s.add("roi-points", &o.roi_points, "Sampling points of a pooled row").between(1, 64);
  s.add("hidden", &o.hidden, "Columns d_h between the dynamic layers").between(1, 8192);
  s.add("ffn", &o.ffn, "Hidden columns of the feed-forward network").between(1, 65536);
  s.add("clip-head", &o.clip_head, "Train a head for the classes of the whole clip");
  s.add("classification-weight", &o.weights.classification, "lambda_cls, of the focal loss and its matching cost")
      .between(0, 1000);
  s.add("l1-weight", &o.weights.l1, "lambda_L1").between(0, 1000);
  s.add("giou-weight", &o.weights.giou, "lambda_giou").between(0, 1000);
  s.add("activity-weight", &o.activity_weight, "lambda_act, of the clip's classes")
      .between(0, 1000)
      .with("clip-head", {"true"});
  s.add("alpha", &o.weights.alpha, "Focal loss: weight of label 1")
      .between(0, 1)
      .without("classification-weight", {"0"});
  s.add("gamma", &o.weights.gamma, "Focal loss: exponent").between(0, 10).without("classification-weight", {"0"});
  return s;
}

Settings settings_of_levels(SptadOptions& o) {
  Settings s;
  s.add("stem-layers", &o.stem_layers, "Convolutions between the features and the finest level")
      .between(0, 64)
      .without("input", {"clips"});
  s.add("stem-filters", &o.stem_filters, "Their filters, and those of the strided convolutions")
      .between(1, 8192)
      .without("input", {"clips"})
      .without("stem-layers", {"0"});
  s.add("downsample", &o.downsample, "Next level: convolution with stride 2, or maximum of two rows", {"conv", "max"})
      .without("input", {"clips"});
  return s;
}

void check(const SptadOptions& o) {
  if (o.dim % o.heads)
    throw Error(std::to_string(o.dim) + " columns cannot be shared out among " + std::to_string(o.heads) + " heads")
        .at_field("heads");
  if (o.initial_segments == "even" && o.initial_length.size() > 1)
    throw Error("segments that are spread evenly have one length; initial-segments=random draws between two")
        .at_field("initial-length");
  if (o.initial_length.front() > o.initial_length.back())
    throw Error("the first length is above the second").at_field("initial-length");
  if (o.downsample == "conv" && !o.stem_layers)
    throw Error("strided convolutions need at least one stem layer; downsample=max needs none").at_field("stem-layers");
}

PerceptronImpl::PerceptronImpl(const std::vector<std::int64_t>& sizes) {
  for (std::size_t k = 1; k < sizes.size(); ++k)
    layers_.push_back(register_module("fc" + std::to_string(k), torch::nn::Linear(sizes[k - 1], sizes[k])));
}

torch::Tensor PerceptronImpl::forward(torch::Tensor x) {
  check_shape(x, {kAxes, layers_.front()->options.in_features()}, "perceptron: input [..., C]");
  for (std::size_t k = 0; k + 1 < layers_.size(); ++k) x = layers_[k](x).relu();
  return layers_.back()(x);
}

TemporalPyramidImpl::TemporalPyramidImpl(const std::vector<std::int64_t>& channels, const std::string& kind,
                                         std::int64_t dim)
    : kind_(kind) {
  if (channels.size() != kLevels) throw Error("SP-TAD pyramid: there must be three levels");
  auto lateral = register_module("lateral", std::make_shared<torch::nn::Module>("lateral"));
  const std::size_t first = kind == "inter" ? 0 : 2, count = kind == "single" ? 1 : 3;
  for (std::size_t k = 0; k < count; ++k) {
    auto conv = torch::nn::Conv1d(torch::nn::Conv1dOptions(channels[std::max(first, k)], dim, 1));
    torch::nn::init::xavier_uniform_(conv->weight), torch::nn::init::zeros_(conv->bias);
    lateral_.push_back(lateral->register_module(std::to_string(k), conv));
  }
}

void TemporalPyramidImpl::check_levels(const std::vector<torch::Tensor>& levels) const {
  if (levels.size() != kLevels) throw Error("SP-TAD pyramid: there must be three levels");
  const bool inter = kind_ == "inter";
  // The last level is pooled by 2 for the extra one; "high" pools it by 2 and 4 before.
  const std::int64_t rows = kind_ == "high" ? 8 : inter ? 2 : 1;
  check_shape(levels.back(), {kAny, kAny, at_least(rows)}, "SP-TAD pyramid: the last level [B, C, T]");
  for (std::size_t k = inter ? 0 : kLevels - 1; k < kLevels; ++k) {
    const auto channels = lateral_[inter ? k : 0]->options.in_channels();
    check_shape(levels[k], {levels.back().size(0), channels, at_least(1)}, "SP-TAD pyramid: a level [B, C, T]");
  }
}

std::vector<torch::Tensor> TemporalPyramidImpl::forward(const std::vector<torch::Tensor>& levels) {
  check_levels(levels);
  const auto& last = levels.back();
  if (kind_ == "single") return {lateral_[0](last)};
  const bool high = kind_ == "high";
  std::vector<torch::Tensor> pyramid;
  for (std::size_t k = 0; k < lateral_.size(); ++k) {
    const std::int64_t pooling = std::int64_t{1} << k;
    pyramid.push_back(lateral_[k](!high ? levels[k] : k ? torch::max_pool1d(last, pooling, pooling) : last));
  }
  for (std::size_t k = pyramid.size() - 1; k-- > 0;) {
    const auto size = std::vector<std::int64_t>{pyramid[k].size(2)};
    pyramid[k] =
        pyramid[k] + F::interpolate(pyramid[k + 1], F::InterpolateFuncOptions().size(size).mode(torch::kNearest));
  }
  pyramid.push_back(torch::max_pool1d(pyramid.back(), 2, 2));
  return pyramid;
}

DynamicInteractionImpl::DynamicInteractionImpl(std::int64_t dim, std::int64_t hidden, std::int64_t rows)
    : hidden_(hidden),
      dynamic_(register_module("dynamic", torch::nn::Linear(dim, 2 * dim * hidden))),
      out_(register_module("out", torch::nn::Linear(rows * dim, dim))),
      norm1_(register_module("norm1", layer_norm(hidden))),
      norm2_(register_module("norm2", layer_norm(dim))),
      norm3_(register_module("norm3", layer_norm(dim))) {}

torch::Tensor DynamicInteractionImpl::forward(const torch::Tensor& q, const torch::Tensor& rows) {
  const std::int64_t dim = out_->options.out_features();
  check_shape(q, {kAny, kAny, dim}, "dynamic interaction: proposal features [B, N, d]");
  check_shape(rows, {q.size(0), q.size(1), out_->options.in_features() / dim, dim},
              "dynamic interaction: pooled rows [B, N, T', d]");
  const std::int64_t each = q.size(0) * q.size(1), d = q.size(2);
  const auto parameters = dynamic_(q.reshape({each, d})).split(d * hidden_, 1);
  auto h = torch::bmm(rows.reshape({each, rows.size(2), d}), parameters[0].reshape({each, d, hidden_}));  // [BN, T',
                                                                                                          // d_h]
  h = norm1_(h).relu();
  h = norm2_(torch::bmm(h, parameters[1].reshape({each, hidden_, d}))).relu();  // [BN, T', d]
  return norm3_(out_(h.flatten(1))).relu().view_as(q);
}

torch::Tensor decode_segments(const torch::Tensor& segments, const torch::Tensor& deltas) {
  check_shape(segments, {kAxes, 2}, "SP-TAD: segments [..., 2]");
  check_same_shape(deltas, segments, "SP-TAD: deltas [..., 2]");
  const auto centre = segments.select(-1, 0), length = segments.select(-1, 1);
  const auto delta = deltas.to(segments.scalar_type());
  return torch::stack(
      {centre + 0.5 * length * delta.select(-1, 0), length * delta.select(-1, 1).clamp_max(kMaxLogLength).exp()}, -1);
}

torch::Tensor segment_ends(const torch::Tensor& segments) {
  check_shape(segments, {kAxes, 2}, "SP-TAD: segments [..., 2]");
  const auto centre = segments.select(-1, 0), half = 0.5 * segments.select(-1, 1);
  return torch::stack({centre - half, centre + half}, -1);
}

torch::Tensor giou(const torch::Tensor& a, const torch::Tensor& b) {
  check_shape(a, {kAxes, 2}, "GIoU: segments [..., 2]");
  check_same_shape(b, a, "GIoU: other segments [..., 2]");
  const auto a0 = a.select(-1, 0), a1 = a.select(-1, 1), b0 = b.select(-1, 0), b1 = b.select(-1, 1);
  const auto inter = (torch::minimum(a1, b1) - torch::maximum(a0, b0)).clamp_min(0);
  const auto both = (a1 - a0) + (b1 - b0) - inter;
  const auto hull = torch::maximum(a1, b1) - torch::minimum(a0, b0);
  const double tiny = 1e-30;  // keeps 0 / 0 at 0 and its gradient finite
  return inter / both.clamp_min(tiny) - (hull - both) / hull.clamp_min(tiny);
}

SptadStageImpl::SptadStageImpl(std::int64_t classes, const SptadOptions& o)
    : rows_(o.roi_rows),
      points_(o.roi_points),
      self_attn_(register_module("self_attn", AttentionUnit(o.dim, o.heads, true))),
      interaction_(register_module("interaction", DynamicInteraction(o.dim, o.hidden, o.roi_rows))),
      norm2_(register_module("norm2", layer_norm(o.dim))),
      norm3_(register_module("norm3", layer_norm(o.dim))),
      ffn_(register_module("ffn", Perceptron(std::vector<std::int64_t>{o.dim, o.ffn, o.dim}))),
      reg_(register_module("reg", Perceptron(std::vector<std::int64_t>{o.dim, o.dim, o.dim, 2}))),
      cls_(register_module("cls", torch::nn::Linear(o.dim, classes))) {
  xavier_matrices(*this);
  torch::nn::init::constant_(cls_->bias, -std::log(99.0));  // every class starts at 0.01
}

SptadStageOutput SptadStageImpl::forward(const torch::Tensor& q, const torch::Tensor& segments,
                                         const PyramidRows& pyramid) {
  check_shape(q, {kAny, kAny, cls_->options.in_features()}, "SP-TAD stage: proposal features [B, N, d]");
  check_shape(segments, {q.size(0), q.size(1), 2}, "SP-TAD stage: segments [B, N, 2]");
  // Beyond float's range no row is found; on a device, where looking would wait for it, the outputs tell.
  if (segments.device().is_cpu() && !all_finite({segments}))
    throw Error(
        "model 'sptad': its segments are not finite; a training that diverged (lower train.lr or train.clip), or "
        "features far beyond those that it was trained on");
  SptadStageOutput out;
  const auto rows = roi_align_1d(pyramid, segments, rows_, points_);  // [B, N, T', d]
  out.q = self_attn_(q);
  out.q = norm2_(out.q + interaction_(out.q, rows));
  out.q = norm3_(out.q + ffn_(out.q));
  out.logits = cls_(out.q);
  out.deltas = reg_(out.q);
  out.segments = decode_segments(segments, out.deltas);
  return out;
}

torch::Tensor initial_segments(std::int64_t proposals, const std::string& kind, const std::vector<double>& length) {
  if (kind == "random") {
    const auto lengths = length.front() + (length.back() - length.front()) * torch::rand({proposals});
    return torch::stack({0.5 * lengths + (1 - lengths) * torch::rand({proposals}), lengths}, 1);
  }
  const auto place = (torch::arange(proposals, torch::kFloat) + 0.5) / static_cast<double>(proposals);
  const auto centre = 0.5 * length.front() + (1 - length.front()) * place;  // the first and the last end with the clip
  return torch::stack({centre, torch::full_like(centre, length.front())}, 1);
}

SptadHeadImpl::SptadHeadImpl(std::int64_t classes, const SptadOptions& o) {
  auto proposals = register_module("proposals", std::make_shared<torch::nn::Module>("proposals"));
  segments_ =
      proposals->register_parameter("segments", initial_segments(o.proposals, o.initial_segments, o.initial_length));
  features_ = proposals->register_parameter("features", torch::randn({o.proposals, o.dim}));
  stages_ = register_module("stages", torch::nn::ModuleList());
  for (std::int64_t k = 0; k < o.stages; ++k) stages_->push_back(SptadStage(classes, o));
}

SptadDetections SptadHeadImpl::forward(const std::vector<torch::Tensor>& pyramid) {
  if (pyramid.empty()) throw Error("SP-TAD head: there is no level of features");
  for (const auto& level : pyramid)
    check_shape(level, {kAny, features_.size(1), at_least(1)}, "SP-TAD head: a level [B, d, T]");
  const std::int64_t clips = pyramid.front().size(0);
  const PyramidRows rows(pyramid);
  auto segments = segments_.expand({clips, -1, -1}), q = features_.expand({clips, -1, -1});
  std::vector<torch::Tensor> logits, ends;
  for (const auto& stage : *stages_) {
    const auto out = stage->as<SptadStage>()->forward(q, segments, rows);
    logits.push_back(out.logits);
    ends.push_back(segment_ends(out.segments));
    q = out.q;
    segments = out.segments.detach();
  }
  return {torch::stack(logits), torch::stack(ends)};
}

ClipClassifierImpl::ClipClassifierImpl(std::int64_t channels, std::int64_t classes)
    : fc_(register_module("fc", torch::nn::Linear(channels, classes))) {}

torch::Tensor ClipClassifierImpl::forward(const std::vector<torch::Tensor>& levels) {
  std::int64_t channels = 0;
  for (const auto& level : levels) {
    check_shape(level, {kAny, kAny, at_least(1), kAxes}, "clip classifier: a level [B, C, T, ...]");
    channels += level.size(1);
  }
  for (const auto& level : levels)
    check_shape(level, {levels.front().size(0), kAxes}, "clip classifier: a level [B, ...]");
  if (channels != fc_->options.in_features())
    throw Error("clip classifier: levels must have " + std::to_string(fc_->options.in_features()) +
                " channels together, not " + std::to_string(channels));
  std::vector<torch::Tensor> means;
  for (const auto& level : levels) means.push_back(level.flatten(2).mean(2));
  return fc_(torch::cat(means, 1));
}

FeatureLevelsImpl::FeatureLevelsImpl(std::int64_t dim, const SptadOptions& o)
    : channels_(dim), stem_(static_cast<std::size_t>(o.stem_layers)) {
  for (std::int64_t k = 0; k < o.stem_layers; ++k) add_layer(o.stem_filters, 1);
  if (o.downsample == "max") return;
  for (int k = 0; k < 2; ++k) add_layer(o.stem_filters, 2);
}

void FeatureLevelsImpl::add_layer(std::int64_t out, std::int64_t stride) {
  const std::string number = std::to_string(convs_.size());
  convs_.push_back(register_module(
      "conv" + number, torch::nn::Conv1d(torch::nn::Conv1dOptions(channels_, out, 3).stride(stride).padding(1))));
  norms_.push_back(register_module("norm" + number, layer_norm(out)));
  channels_ = out;
}

torch::Tensor FeatureLevelsImpl::layer(std::size_t index, const torch::Tensor& x) {
  return norms_[index](convs_[index](x).transpose(1, 2)).transpose(1, 2).relu();
}

std::vector<torch::Tensor> FeatureLevelsImpl::forward(torch::Tensor x) {
  check_shape(x, {kAny, convs_.empty() ? channels_ : convs_.front()->options.in_channels(), at_least(4)},
              "SP-TAD: features [B, C, T]");
  for (std::size_t k = 0; k < stem_; ++k) x = layer(k, x);
  std::vector<torch::Tensor> levels = {x};
  for (std::size_t k = 0; k < 2; ++k)
    levels.push_back(stem_ + k < convs_.size() ? layer(stem_ + k, levels.back())
                                               : torch::max_pool1d(levels.back(), 2, 2));
  return levels;
}

SptadDetectorImpl::SptadDetectorImpl(const std::vector<std::int64_t>& channels, std::int64_t classes,
                                     const SptadOptions& o)
    : pyramid_(register_module("pyramid", TemporalPyramid(channels, o.pyramid, o.dim))),
      head_(register_module("head", SptadHead(classes, o))) {
  if (o.clip_head) clip_ = register_module("clip", ClipClassifier(channels[0] + channels[1] + channels[2], classes));
}

SptadOutput SptadDetectorImpl::forward(const std::vector<torch::Tensor>& levels) {
  for (const auto& level : levels) check_shape(level, {kAny, kAny, kAny, kAxes}, "SP-TAD: a level [B, C, T, ...]");
  std::vector<torch::Tensor> rows;
  for (const auto& level : levels)
    rows.push_back(level.dim() > 3 ? level.flatten(3).mean(3) : level);  // 3.1.2: spatial mean
  return {head_(pyramid_(rows)), clip_ ? clip_(rows) : torch::Tensor()};
}

SptadFeatureNetImpl::SptadFeatureNetImpl(std::int64_t dim, std::int64_t classes, const SptadOptions& o)
    : levels_(register_module("levels", FeatureLevels(dim, o))),
      detector_(
          register_module("detector", SptadDetector(std::vector<std::int64_t>(3, levels_->channels()), classes, o))) {}

Settings settings_of(BackboneOptions& o) {
  Settings s;
  s.add("backbone-width", &o.width, "Filters of every I3D layer as a multiple of the published ones")
      .between(0.0078125, 8)
      .with("input", {"clips"});
  s.add("backbone-lr", &o.lr, "Learning rate of the backbones as a multiple of train.lr; 0: frozen")
      .between(0, 1000)
      .with("input", {"clips"});
  s.add("backbone-freeze-bn", &o.freeze_bn, "Keep statistics, scales and shifts of the backbones' BatchNorm")
      .with("input", {"clips"})
      .without("backbone-lr", {"0"});
  s.add("backbone-bn-momentum", &o.bn_momentum,
        "Share of a batch in the running statistics of the backbones' BatchNorm; short runs from random weights need "
        "more")
      .between(1e-6, 1)
      .with("input", {"clips"})
      .with("backbone-freeze-bn", {"false"})
      .without("backbone-lr", {"0"});
  s.add("backbone-checkpointing", &o.checkpointing,
        "Compute inner values of the backbones again for their gradients: less memory, more time")
      .with("input", {"clips"})
      .without("backbone-lr", {"0"});
  s.add("backbone-rgb", &o.rgb,
        "Weights that the RGB backbone starts from: a file of tal-convert --weights, or the word random")
      .with("input", {"clips"})
      .without("modalities", {"flow"});
  s.add("backbone-flow", &o.flow, "Weights that the flow backbone starts from, as backbone-rgb")
      .with("input", {"clips"})
      .without("modalities", {"rgb"});
  return s;
}

void check_start(const BackboneOptions& o, const FrameContract& frames) {
  const auto check_one = [&](const char* name, const std::string& modality, const std::string& path) {
    if (path.empty())
      throw Error("missing; the " + modality +
                  " backbone starts from weights, a file of tal-convert --weights, or says 'random' and is trained "
                  "from random ones")
          .at_field(name);
    if (path == kRandomWeights && o.lr == 0)
      throw Error("random weights would stay random with backbone-lr=0; name a file of weights").at_field(name);
    if (std::error_code none; path != kRandomWeights && !std::filesystem::is_regular_file(path, none))
      throw Error(std::string(name) + ": no file '" + path + "'");
  };
  if (frames.rgb()) check_one("backbone-rgb", "RGB", o.rgb);
  if (frames.has_flow()) check_one("backbone-flow", "flow", o.flow);
}

SptadPixelNetImpl::SptadPixelNetImpl(const FrameContract& frames, std::int64_t classes, const SptadOptions& o,
                                     const BackboneOptions& backbone)
    : frozen_(backbone.lr == 0) {
  std::vector<std::int64_t> channels(3, 0);
  const auto add = [&](const char* name, std::int64_t values) {
    const I3d net = register_module(name, I3d(I3dOptions{values, backbone.width, backbone.bn_momentum,
                                                         backbone.freeze_bn, backbone.checkpointing}));
    for (std::size_t k = 0; k < channels.size(); ++k) channels[k] += net->channels()[k];
    if (frozen_)
      for (auto& parameter : net->parameters()) parameter.set_requires_grad(false);
    return net;
  };
  if (frames.rgb()) rgb_ = add("rgb", 3);
  if (frames.has_flow()) flow_ = add("flow", 2);
  detector_ = register_module("detector", SptadDetector(channels, classes, o));
}

void SptadPixelNetImpl::train(bool on) {
  torch::nn::Module::train(on);
  if (!frozen_) return;
  for (auto& [name, net] : backbones()) net->eval();
}

std::vector<std::pair<std::string, I3d>> SptadPixelNetImpl::backbones() const {
  std::vector<std::pair<std::string, I3d>> all;
  if (rgb_) all.emplace_back("rgb", rgb_);
  if (flow_) all.emplace_back("flow", flow_);
  return all;
}

std::vector<torch::Tensor> SptadPixelNetImpl::levels(const torch::Tensor& x) {
  check_shape(x, {kAny, (rgb_ ? 3 : 0) + (flow_ ? 2 : 0), at_least(1), at_least(1), at_least(1)},
              "SP-TAD: clips of frames [B, C, T, H, W]");
  const torch::AutoGradMode gradients(torch::GradMode::is_enabled() && !frozen_);
  const auto type = rgb_ ? rgb_->parameters().front().scalar_type() : flow_->parameters().front().scalar_type();
  std::vector<torch::Tensor> all;
  if (rgb_) all = rgb_(x.narrow(1, 0, 3).to(type).mul_(1 / 127.5).sub_(1));  // [-1, 1], as I3D was published
  if (!flow_) return all;
  const auto flow = flow_(x.narrow(1, rgb_ ? 3 : 0, 2).to(type).sub_(kBlankByte).mul_(1 / (20 * kFlowScale)));
  if (all.empty()) return flow;
  for (std::size_t k = 0; k < all.size(); ++k) all[k] = torch::cat({all[k], flow[k]}, 1);
  return all;
}

namespace {

// Costs and exact matching of all stages and clips, in double on the CPU whatever the network runs in.
struct Matching {
  torch::Tensor match, cost;                    // as in SetLoss
  std::vector<std::int64_t> prediction, truth;  // of each pair: index into [S B N] and into [B G], stage after stage
  std::int64_t pairs = 0;                       // of one stage
};

void check_truths(const ClipTruths& truths, std::int64_t clips) {
  check_shape(truths.segments, {clips, kAny, 2}, "SP-TAD: segments of ground truths [B, G, 2]");
  check_shape(truths.labels, {clips, truths.segments.size(1)}, "SP-TAD: labels of ground truths [B, G]");
  check_shape(truths.count, {clips}, "SP-TAD: numbers of ground truths [B]");
}

Matching match_sets(const SptadDetections& detections, const ClipTruths& truths, const SetWeights& weights) {
  const torch::NoGradGuard guard;
  const auto sizes = detections.logits.sizes();
  const std::int64_t stages = sizes[0], clips = sizes[1], n = sizes[2], g = truths.segments.size(1);
  Matching m;
  m.match = torch::full({stages, clips, g}, -1, torch::kLong);
  m.cost = torch::zeros({stages, clips, n, g}, torch::kDouble);
  if (!g) return m;
  const auto on_cpu = [](const torch::Tensor& t) { return t.detach().to(torch::kCPU, torch::kDouble).contiguous(); };
  const auto wanted = truths.labels.clamp_min(0).view({1, clips, 1, g}).expand({stages, clips, n, g});
  const auto logits = on_cpu(detections.logits.gather(3, wanted)), predicted = on_cpu(detections.segments),
             true_segments = on_cpu(truths.segments);
  const auto counts = truths.count.to(torch::kCPU).contiguous();
  const auto logit = logits.accessor<double, 4>();
  const auto segment = predicted.accessor<double, 4>();
  const auto truth = true_segments.accessor<double, 3>();
  const auto count = counts.accessor<std::int64_t, 1>();
  auto cost = m.cost.accessor<double, 4>();
  auto match = m.match.accessor<std::int64_t, 3>();
  for (std::int64_t s = 0; s < stages; ++s) {
    for (std::int64_t b = 0; b < clips; ++b) {
      std::vector<double> table(static_cast<std::size_t>(count[b] * n));  // [count, N]
      for (std::int64_t k = 0; k < count[b]; ++k) {
        for (std::int64_t i = 0; i < n; ++i) {
          cost[s][b][i][k] = matching_cost(logit[s][b][i][k], {segment[s][b][i][0], segment[s][b][i][1]},
                                           {truth[b][k][0], truth[b][k][1]}, weights);
          table[static_cast<std::size_t>(k * n + i)] = cost[s][b][i][k];
        }
      }
      const auto chosen = assign(table, count[b], n);
      for (std::int64_t k = 0; k < count[b]; ++k) {
        match[s][b][k] = chosen[static_cast<std::size_t>(k)];
        if (match[s][b][k] < 0) continue;
        m.prediction.push_back((s * clips + b) * n + match[s][b][k]);
        m.truth.push_back(b * g + k);
      }
    }
  }
  m.pairs = static_cast<std::int64_t>(m.prediction.size()) / stages;
  return m;
}

}  // namespace

SetLoss set_loss(const SptadDetections& outputs, const ClipTruths& truths, const SetWeights& weights) {
  const OwnPrecision own;
  SptadDetections detections = outputs;
  detections.logits = widened(detections.logits), detections.segments = widened(detections.segments);
  check_shape(detections.logits, {kAny, kAny, kAny, kAny}, "SP-TAD loss: logits [S, B, N, K]");
  const auto& sizes = detections.logits;
  check_shape(detections.segments, {sizes.size(0), sizes.size(1), sizes.size(2), 2},
              "SP-TAD loss: segments [S, B, N, 2]");
  check_truths(truths, sizes.size(1));
  const auto matching = match_sets(detections, truths, weights);
  const auto& segments = detections.segments;
  const auto logits = detections.logits.to(segments.scalar_type());
  const auto device = logits.device();
  const std::int64_t stages = logits.size(0), classes = logits.size(3), pairs = matching.pairs;
  const double scale = 1.0 / static_cast<double>(std::max<std::int64_t>(1, pairs));
  const auto prediction = torch::tensor(matching.prediction, torch::kLong).to(device),
             truth = torch::tensor(matching.truth, torch::kLong).to(device);

  auto target = torch::zeros_like(logits);
  const auto of_class = truths.labels.reshape(-1).index_select(0, truth);
  target.view(-1).index_fill_(0, prediction * classes + of_class, 1);
  const auto focal = focal_loss(logits, target, weights.gamma, weights.alpha).sum({1, 2, 3});
  const auto found = segments.reshape({-1, 2}).index_select(0, prediction).view({stages, pairs, 2});
  const auto wanted =
      truths.segments.to(segments.scalar_type()).reshape({-1, 2}).index_select(0, truth).view({stages, pairs, 2});
  const auto l1 = (found - wanted).abs().sum({1, 2}), overlap = (1 - giou(found, wanted)).sum(1);

  SetLoss result{matching.match, matching.cost, torch::stack({focal, l1, overlap}, 1) * scale, {}};
  const auto sum = result.parts.sum(0);
  result.loss = weights.classification * sum[0] + weights.l1 * sum[1] + weights.giou * sum[2];
  return result;
}

torch::Tensor clip_labels(const ClipTruths& truths, std::int64_t classes) {
  check_shape(truths.labels, {kAny, kAny}, "SP-TAD: labels of ground truths [B, G]");
  check_truths(truths, truths.labels.size(0));
  const std::int64_t clips = truths.labels.size(0), g = truths.labels.size(1);
  const auto real = torch::arange(g, truths.count.options()).unsqueeze(0) < truths.count.unsqueeze(1);  // [B, G]
  const auto index = torch::where(real, truths.labels, torch::full_like(truths.labels, classes));  // padding: one more
                                                                                                   // column
  return torch::zeros({clips, classes + 1}, truths.segments.options()).scatter_(1, index, 1).narrow(1, 0, classes);
}

torch::Tensor activity_loss(const torch::Tensor& clip_logits, const torch::Tensor& labels) {
  check_same_shape(labels, clip_logits, "SP-TAD: labels of clips [B, K]");
  const OwnPrecision own;
  const auto logits = widened(clip_logits);
  return F::binary_cross_entropy_with_logits(logits, labels.to(logits.scalar_type()));
}

}  // namespace tal
