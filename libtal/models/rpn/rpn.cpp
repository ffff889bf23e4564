#include "libtal/models/rpn/rpn.h"

#include "libtal/base/error.h"
#include "libtal/nn/device.h"
#include "libtal/nn/losses.h"
#include "libtal/nn/shapes.h"
#include "libtal/segment/anchors.h"

namespace tal {

namespace {

std::vector<std::int64_t> kernels_of(bool inception) {
  return inception ? std::vector<std::int64_t>{1, 3, 5} : std::vector<std::int64_t>{3};
}

// A convolution over L with zero padding, weights in the order that the fast form reads.
torch::nn::Conv1d row_convolution(std::int64_t channels, std::int64_t width, std::int64_t size) {
  torch::nn::Conv1d conv(torch::nn::Conv1dOptions(channels, width, size).padding(size / 2));
  conv->weight.set_data(tap_major(conv->weight));
  return conv;
}

}  // namespace

// What one setting alone cannot say; their ranges are settings_of()'s.
void RpnOptions::check() const {
  const auto need = [](bool good, const char* setting, const std::string& why) {
    if (!good) throw Error(why).at_field(setting);
  };
  need(!(shared && variant.size() == 2), "shared", "the variants A2 and B2 have two different backbones");
  need(!(shared && !inception_vicinities()), "shared",
       "a backbone of anchors and vicinities has three convolutions (vicinity-backbone inception)");
  need(recurrence != "none" || attention != "none", "attention",
       "none, with recurrence none, leaves nothing to score with");
  need(!(recurrence == "none" && unit && path_a()), "recurrence",
       "none: path A reads the BiLSTM that is not there (use variant B or B2, or unit false)");
  const std::int64_t columns = recurrence == "none" ? width : 2 * hidden;
  need(attention != "multi-head" || columns % heads == 0, "heads",
       std::to_string(columns) + " columns cannot be shared out among " + std::to_string(heads) + " heads");
}

Settings settings_of(RpnOptions& o) {
  Settings s;
  const std::vector<Settings::Condition> reads_vicinities = {{"unit", {"true"}}, {"attention", {"none"}, false}};
  s.add("variant", &o.variant,
        "Unit module on the vicinity BiLSTM (A) or the backbone (B); 2: single convolution before the anchor BiLSTM; "
        "without units A is B, and A2 is B2",
        {"A", "A2", "B", "B2"});
  s.add("shared", &o.shared, "One backbone for anchors and vicinities")
      .with("variant", {"A", "B"})
      .with_any(reads_vicinities);
  s.add("vicinity-backbone", &o.vicinity_backbone,
        "Backbone of the vicinities: three convolutions, or one as before the anchor BiLSTM of A2 and B2",
        {"inception", "single"})
      .without("shared", {"true"})
      .with_any(reads_vicinities);
  s.add("anchor-rows", &o.anchor_rows, "Rows that every anchor is resampled to (L)").between(1, 1024);
  s.add("vicinity-rows", &o.vicinity_rows, "Rows that every vicinity is resampled to")
      .between(1, 4096)
      .with_any(reads_vicinities);
  s.add("width", &o.width, "Channels of the backbone").between(1, 65536);
  s.add("hidden", &o.hidden, "LSTM units a direction").between(1, 16384).with("recurrence", {"bilstm"});
  s.add("recurrence", &o.recurrence, "Recurrent layers before the attention", {"bilstm", "none"});
  s.add("attention", &o.attention, "Attention of both streams", {"soft", "multi-head", "none"});
  s.add("attention-units", &o.attention_units, "Multi-head units in a stack")
      .between(1, 16)
      .with("attention", {"multi-head"});
  s.add("heads", &o.heads, "Heads of a multi-head unit").between(1, 1024).with("attention", {"multi-head"});
  s.add("projected", &o.projected, "Multi-head attention with learned projections; false: Eq. (2) to the letter")
      .with("attention", {"multi-head"});
  s.add("head-widths", &o.head_widths, "Hidden layers of the score and offset heads").between(1, 65536).count(2, 2);
  s.add("variance-width", &o.variance_width, "Hidden layer before the location and variance layers")
      .between(1, 65536)
      .with("regression", {"kl"});
  s.add("unit", &o.unit, "Unit module");
  s.add("unit-widths", &o.unit_widths, "Channels of the unit module: 1x1 branch, then 1x1 and 1x5 of the other")
      .between(1, 65536)
      .count(3, 3)
      .with("unit", {"true"});
  s.add("regression", &o.regression, "Loss of the offsets", {"smooth-l1", "kl"});
  s.add("weighting", &o.weighting, "Sum of the losses, or learned uncertainty weights", {"sum", "mtl"});
  s.add("gamma", &o.gamma, "Focusing parameter of the focal loss; 0: cross entropy").between(0, 100);
  return s;
}

// ---- backbone (3.3, Fig. 2) ----

RpnBackboneImpl::RpnBackboneImpl(std::int64_t channels, std::int64_t width, bool inception) {
  for (const std::int64_t size : kernels_of(inception))
    convs_.push_back(
        register_module(inception ? "conv" + std::to_string(size) : "conv", row_convolution(channels, width, size)));
}

std::vector<std::int64_t> RpnBackboneImpl::kernels() const {
  std::vector<std::int64_t> sizes;
  for (const auto& conv : convs_) sizes.push_back(conv->weight.size(2));
  return sizes;
}

torch::Tensor RpnBackboneImpl::forward(const torch::Tensor& rows) {
  check_shape(rows, {kAny, convs_[0]->options.in_channels(), at_least(1)}, "RPN backbone: rows [N, C, L]");
  torch::Tensor most;
  for (auto& conv : convs_) {
    const torch::Tensor y = conv(rows);
    most = most.defined() ? torch::maximum(most, y) : y;
  }
  return torch::relu(most);
}

SharedRows RpnBackboneImpl::forward(const torch::Tensor& sources, const IntervalPlan& plan) {
  torch::Tensor most;
  for (auto& conv : convs_) {
    const torch::Tensor y = plan.convolve(sources, conv->weight, conv->bias);
    most = most.defined() ? torch::maximum(most, y) : y;
  }
  return {torch::relu(most), plan.index};
}

// ---- heads ----

RpnHeadImpl::RpnHeadImpl(std::int64_t inputs, const std::vector<std::int64_t>& widths, std::int64_t outputs)
    : fc1_(register_module("fc1", torch::nn::Linear(inputs, widths[0]))),
      fc2_(register_module("fc2", torch::nn::Linear(widths[0], widths[1]))),
      fc3_(register_module("fc3", torch::nn::Linear(widths[1], outputs))) {}

torch::Tensor RpnHeadImpl::forward(const torch::Tensor& kappa) {
  check_shape(kappa, {kAny, fc1_->options.in_features()}, "RPN score head: input [N, K]");
  return fc3_(torch::relu(fc2_(torch::relu(fc1_(kappa)))));
}

RpnOffsetHeadImpl::RpnOffsetHeadImpl(std::int64_t inputs, const RpnOptions& o)
    : fc1_(register_module("fc1", torch::nn::Linear(inputs, o.head_widths[0]))),
      fc2_(register_module("fc2", torch::nn::Linear(o.head_widths[0], o.head_widths[1]))),
      fc3_(register_module("fc3", torch::nn::Linear(o.head_widths[1], o.kl() ? o.variance_width : 2))) {
  if (!o.kl()) return;
  loc_ = register_module("loc", torch::nn::Linear(o.variance_width, 2));
  var_ = register_module("var", torch::nn::Linear(o.variance_width, 2));
  // "initialize the weights of the linear layers for alpha prediction using random Gaussian initialization" (3.6.2);
  // deviation 1e-4 as in the KL loss's paper, so that training starts with sigma = 1.
  torch::nn::init::normal_(var_->weight, 0, 1e-4);
  torch::nn::init::zeros_(var_->bias);
}

RpnOffsets RpnOffsetHeadImpl::forward(const torch::Tensor& kappa) {
  check_shape(kappa, {kAny, fc1_->options.in_features()}, "RPN offset head: input [N, K]");
  const torch::Tensor y = fc3_(torch::relu(fc2_(torch::relu(fc1_(kappa)))));
  if (loc_.is_empty()) return {y, {}};
  const torch::Tensor hidden = torch::relu(y);
  return {loc_(hidden), var_(hidden)};
}

// ---- M_S (3.4) ----

RpnSegmentModuleImpl::RpnSegmentModuleImpl(std::int64_t width, const RpnOptions& o) {
  const bool recurrent = o.recurrence == "bilstm", attentive = o.attention != "none";
  const std::int64_t dim = recurrent ? 2 * o.hidden : width;
  if (recurrent) {
    anchor_lstm_ = register_module("anchor_lstm", BiLstm(width, o.hidden));
    if (attentive || (o.unit && o.path_a())) vicinity_lstm_ = register_module("vicinity_lstm", BiLstm(width, o.hidden));
  }
  if (attentive) {
    const char* names[2] = {"anchor_attention", "vicinity_attention"};
    for (int k = 0; k < 2; ++k) {
      if (o.attention == "soft") soft_[k] = register_module(names[k], SoftAttention(dim));
      else token_[k] = register_module(names[k], TokenAttention(dim, o.heads, o.attention_units, o.projected));
    }
  }
  const std::int64_t kappa = ((recurrent ? 2 : 0) + (attentive ? 2 : 0)) * dim;
  score_head_ = register_module("score_head", RpnHead(kappa, o.head_widths, 1));
  offset_head_ = register_module("offset_head", RpnOffsetHead(kappa, o));
}

torch::Tensor RpnSegmentModuleImpl::attend(bool vicinity, const torch::Tensor& h) {
  return soft_[vicinity].is_empty() ? token_[vicinity](h) : soft_[vicinity](h);
}

RpnSegments RpnSegmentModuleImpl::forward(const SharedRows& anchor, const SharedRows& vicinity) {
  RpnSegments out;
  std::vector<torch::Tensor> kappa;
  torch::Tensor h, h_vicinity;  // H [N, L, 768], H^ [N, L^, 768]
  if (!anchor_lstm_.is_empty()) {
    h = anchor_lstm_->forward_shared(anchor);
    kappa = {h.select(1, 0), h.select(1, h.size(1) - 1)};  // h_1, h_L
  }
  if (!vicinity_lstm_.is_empty()) out.vicinity_h = h_vicinity = vicinity_lstm_->forward_shared(vicinity);
  if (!soft_[0].is_empty() || !token_[0].is_empty()) {
    kappa.push_back(attend(false, h.defined() ? h : anchor.expand()));  // Eq. (1) or (2)
    kappa.push_back(attend(true, h_vicinity.defined() ? h_vicinity : vicinity.expand()));
  }
  out.kappa = torch::cat(kappa, 1);  // h_1 + h_L + att + att^, joined
  out.logit = score_head_(out.kappa).squeeze(1);
  out.offsets = offset_head_(out.kappa);
  return out;
}

// ---- M_U (3.5, Fig. 4) ----

RpnUnitModuleImpl::RpnUnitModuleImpl(std::int64_t inputs, const std::vector<std::int64_t>& widths) {
  using Options = torch::nn::Conv1dOptions;
  const auto branch = [&](const char* name) {
    return register_module(name, std::make_shared<torch::nn::Module>(name));
  };
  const auto branch1 = branch("branch1"), branch5 = branch("branch5");
  conv1_ = branch1->register_module("conv1", torch::nn::Conv1d(Options(inputs, widths[0], 1)));
  conv5_1_ = branch5->register_module("conv1", torch::nn::Conv1d(Options(inputs, widths[1], 1)));
  conv5_5_ = branch5->register_module("conv5", torch::nn::Conv1d(Options(widths[1], widths[2], 5).padding(2)));
  predict_ = register_module("predict", torch::nn::Conv1d(Options(widths[0] + widths[2], 3, 1)));
}

torch::Tensor RpnUnitModuleImpl::forward(const SharedRows& rows) {
  check_shape(rows.values, {kAny, conv1_->options.in_channels()}, "RPN unit module: distinct rows [W, D]");
  // 1x1 convolutions are products with the distinct rows.
  const auto point = [&](const torch::nn::Conv1d& conv) {
    return SharedRows{torch::relu(torch::linear(rows.values, conv->weight.squeeze(2), conv->bias)), rows.index}
        .expand()
        .transpose(1, 2);
  };
  const torch::Tensor one = point(conv1_);                            // [N, D1, L^]
  const torch::Tensor five = torch::relu(conv5_5_(point(conv5_1_)));  // [N, D5, L^]
  return predict_(torch::cat({one, five}, 1));                        // [N, 3, L^]
}

// ---- the network (Fig. 1) ----

RpnNetworkImpl::Planner::Planner(const RpnOptions& o, std::int64_t total_rows)
    : anchors_(o.anchor_rows, kernels_of(o.inception_anchors()), total_rows),
      vicinities_(o.vicinity_rows, kernels_of(o.inception_vicinities()), total_rows) {}

void RpnNetworkImpl::Planner::add(const RowRange& sequence, const std::vector<Segment>& anchors) {
  for (const Segment& anchor : anchors) {
    anchors_.add(sequence, clip_to_window(anchor, static_cast<double>(sequence.count())));
    vicinities_.add(sequence, vicinity_of(anchor));
  }
}

void RpnNetworkImpl::Planner::finish(RpnInput& input) {
  input.anchors = anchors_.finish(), input.vicinities = vicinities_.finish();
}

RpnNetworkImpl::RpnNetworkImpl(std::int64_t channels, const RpnOptions& options) : options_(options) {
  options_.check();
  if (options_.shared) {
    anchor_backbone_ = vicinity_backbone_ = register_module("backbone", RpnBackbone(channels, options_.width, true));
  } else {
    anchor_backbone_ =
        register_module("anchor_backbone", RpnBackbone(channels, options_.width, options_.inception_anchors()));
    vicinity_backbone_ =
        register_module("vicinity_backbone", RpnBackbone(channels, options_.width, options_.inception_vicinities()));
  }
  segment_ = register_module("segment", RpnSegmentModule(options_.width, options_));
  if (options_.unit)
    unit_ = register_module(
        "unit", RpnUnitModule(options_.path_a() ? 2 * options_.hidden : options_.width, options_.unit_widths));
  if (options_.weighting == "mtl") log_var = register_parameter("log_var", torch::zeros({options_.unit ? 5 : 2}));
}

std::pair<SharedRows, SharedRows> RpnNetworkImpl::backbones(const RpnInput& input) {
  const auto run = [&](RpnBackbone& backbone, const IntervalPlan& plan) {
    return backbone->forward(plan.sources(input.x), plan);
  };
  return {run(anchor_backbone_, input.anchors), run(vicinity_backbone_, input.vicinities)};
}

std::pair<SharedRows, SharedRows> RpnNetworkImpl::direct_backbones(const torch::Tensor& x,
                                                                   const std::vector<Segment>& anchors) {
  check_shape(x, {at_least(1), kAny}, "RPN: rows [T, C]");
  std::vector<Segment> clipped, vicinities;
  for (const Segment& anchor : anchors)
    clipped.push_back(clip_to_window(anchor, static_cast<double>(x.size(0)))),
        vicinities.push_back(vicinity_of(anchor));
  const auto run = [&](RpnBackbone& backbone, const std::vector<Segment>& intervals, std::int64_t length) {
    const torch::Tensor rows = resample_intervals(x, intervals, length);             // [N, L, C]
    return SharedRows::of(backbone->forward(rows.transpose(1, 2)).transpose(1, 2));  // [N, L, D]
  };
  return {run(anchor_backbone_, clipped, options_.anchor_rows),
          run(vicinity_backbone_, vicinities, options_.vicinity_rows)};
}

RpnOutput RpnNetworkImpl::modules(const SharedRows& anchor, const SharedRows& vicinity) {
  RpnOutput out{segment_->forward(anchor, vicinity), {}, anchor, vicinity};
  if (!unit_.is_empty())
    out.unit_logit = unit_->forward(options_.path_a() ? SharedRows::of(out.segments.vicinity_h) : vicinity);
  return out;
}

RpnOutput RpnNetworkImpl::forward(const RpnInput& input) {
  check_shape(input.anchors.index, {kAny, options_.anchor_rows}, "RPN: anchor rows [N, L]");
  check_shape(input.vicinities.index, {input.anchors.index.size(0), options_.vicinity_rows},
              "RPN: vicinity rows [N, L^]");
  const auto [anchor, vicinity] = backbones(input);
  return modules(anchor, vicinity);
}

RpnOutput RpnNetworkImpl::direct(const torch::Tensor& x, const std::vector<Segment>& anchors) {
  const auto [anchor, vicinity] = direct_backbones(x, anchors);
  return modules(anchor, vicinity);
}

torch::Tensor RpnNetworkImpl::task_log_var() const {
  if (!options_.kl()) return log_var;
  return torch::cat({log_var.narrow(0, 0, 1), log_var.narrow(0, 1, 1).clamp_min(kLowestLogVar), log_var.slice(0, 2)});
}

void RpnNetworkImpl::bound_log_var() {
  if (!log_var.defined() || !options_.kl()) return;
  const torch::NoGradGuard guard;
  log_var.narrow(0, 1, 1).clamp_min_(kLowestLogVar);
}

// ---- losses (3.6) ----

namespace {

void check_pairs(const torch::Tensor& anchors, const torch::Tensor& others, const char* what) {
  check_shape(anchors, {kAny, 2}, "RPN: anchors [N, 2]");
  check_same_shape(others, anchors, what);
}

}  // namespace

torch::Tensor rpn_offset_targets(const torch::Tensor& anchors, const torch::Tensor& truths) {
  check_pairs(anchors, truths, "RPN: ground truths of the anchors [N, 2]");
  return (anchors - truths) / (anchors.narrow(1, 1, 1) - anchors.narrow(1, 0, 1));
}

torch::Tensor rpn_refine(const torch::Tensor& anchors, const torch::Tensor& offset) {
  check_pairs(anchors, offset, "RPN: offsets of the anchors [N, 2]");
  return anchors - offset * (anchors.narrow(1, 1, 1) - anchors.narrow(1, 0, 1));
}

torch::Tensor rpn_regression_loss(const RpnOffsets& offsets, const torch::Tensor& target,
                                  const torch::Tensor& positive) {
  check_same_shape(target, offsets.offset, "RPN: offset targets [N, 2]");
  const torch::Tensor x = offsets.offset - target;
  const torch::Tensor each = offsets.alpha.defined() ? kl_regression(x, offsets.alpha) : smooth_l1(x);
  return (positive.unsqueeze(1) * each).sum() / positive.sum().clamp_min(1);
}

torch::Tensor rpn_unit_losses(const torch::Tensor& logit, const torch::Tensor& label, const torch::Tensor& positive) {
  check_shape(logit, {kAny, 3, kAny}, "RPN: unit logits [N, 3, L^]");
  check_same_shape(label, logit, "RPN: unit labels [N, 3, L^]");
  const torch::Tensor rows = positive.nonzero().squeeze(1);
  const torch::Tensor scores = logit.index_select(0, rows), labels = label.index_select(0, rows);
  std::vector<torch::Tensor> losses;
  for (int unit = 0; unit < 3; ++unit)
    losses.push_back(balanced_logistic(scores.select(1, unit), labels.select(1, unit)));
  return torch::stack(losses);
}

RpnLosses rpn_losses(const RpnOutput& output, const RpnTargets& targets, RpnNetworkImpl& network) {
  const OwnPrecision own;
  const RpnOffsets offsets{widened(output.segments.offsets.offset), widened(output.segments.offsets.alpha)};
  const torch::Tensor proposal =
      focal_loss(widened(output.segments.logit), targets.positive, network.options().gamma).mean();  // Eq. (4)
  const torch::Tensor regression = rpn_regression_loss(offsets, targets.offset, targets.positive);   // Eq. (5), (6)
  torch::Tensor parts = torch::stack({proposal, regression});
  if (output.unit_logit.defined())
    parts = torch::cat({parts, rpn_unit_losses(widened(output.unit_logit), targets.unit, targets.positive)});  // Eq.
                                                                                                               // (7)
  const torch::Tensor terms = network.log_var.defined() ? multi_task_terms(parts, network.task_log_var()) : parts;
  return {parts, terms, terms.sum()};  // Eq. (3)
}

}  // namespace tal
