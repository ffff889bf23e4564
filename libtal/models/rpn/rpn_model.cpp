#include "libtal/models/rpn/rpn_model.h"

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/fusion/rpn_record.h"
#include "libtal/models/core/guard.h"
#include "libtal/nn/tensors.h"

namespace tal {

namespace {

// The ground truth that reaches into the window, in its rows. What lies outside labels nothing, not even anchors that
// reach out there.
std::vector<Segment> truth_rows(const TrainingSet::Video& video, const RpnWindow& window, std::int64_t rows) {
  std::vector<Segment> inside;
  for (const auto& truth : video.truths) {
    const Segment segment = window.rows(truth.segment);
    if (tiou(segment, {0, static_cast<double>(rows)}) > 0) inside.push_back(segment);
  }
  return inside;
}

// The window's T rows of features: pooled down, or with zero rows outside the video.
torch::Tensor window_features(const torch::Tensor& x, const RpnWindow& window, std::int64_t rows) {
  if (window.pooled > 1) return rescale_rows(x, rows);
  const torch::Tensor part = x.slice(0, window.first, std::min(window.first + rows, x.size(0)));
  return part.size(0) == rows ? part : torch::cat({part, x.new_zeros({rows - part.size(0), x.size(1)})});
}

// A training example.
struct Example {
  std::uint32_t anchor = 0;
  bool positive = false;
  Segment truth;  // rows
};

}  // namespace

// ---- settings ----

Settings RpnModel::settings() {
  Settings s = settings_of(options_);
  s.add("weighting-lr", &weighting_lr_,
        "Learning rate of the learned loss weights as a multiple of train.lr: they start equal, and a short run needs "
        "more than 1 to get them to where the losses are")
      .between(0, 1e6)
      .with("weighting", {"mtl"});
  s.add("rows", &data_.rows, "Rows of a window (T)").between(1, 100000);
  s.add("input", &data_.input,
        "What the network sees: the whole video rescaled to its rows, or windows of as many rows",
        {"rescale", "windows"});
  s.add("stride", &data_.stride, "Rows between windows").between(1, 100000).with("input", {"windows"});
  s.add("scales", &data_.scales, "Anchor lengths as parts of the window").above(0).count(1, 1000);
  s.add("positive-tiou", &data_.rule.positive, "tIoU from which an anchor is positive").between(0, 1);
  s.add("negative-low", &data_.rule.negative_low, "Hard negatives: tIoU from here").between(0, 1);
  s.add("negative-high", &data_.rule.negative_high, "Hard negatives: tIoU up to here").between(0, 1);
  s.add("examples", &data_.examples, "Positives and negatives drawn for a ground truth, at most so many of each")
      .between(1, 1000000);
  s.add("val-beta", &validation_.beta, "Validation while training: weight of the segment score, as tal-score --beta")
      .between(0, 1)
      .with("unit", {"true"});
  s.add("val-kl-ev", &validation_.kl_ev,
        "Validation: unit candidates with the KL factor, as --kl-ev of tal-refine and tal-score")
      .with("unit", {"true"})
      .with("regression", {"kl"});
  s.add("val-nms", &validation_.suppression, "Validation: preset of tal-nms",
        {"rpn", "rpn-thumos14", "rpn-thumos14-2"});
  return s;
}

Settings RpnModel::inference() {
  Settings s;
  s.add("top-k", &top_k_, "Proposals of a window that are written, best segment scores first (0: all)")
      .between(0, 1000000000);
  s.add("min-score", &min_score_, "Proposals with a lower segment score are left out").between(0, 1);
  s.add("maps", &maps_, "Write the unit scores that tal-refine and tal-score read", {"inline", "none"})
      .with("unit", {"true"});
  return s;
}

std::string RpnModel::training_defaults() const {
  // 4.2; with the KL loss a tenth of the rate. Batch and epochs are not given there.
  return std::string(R"({"optimizer":"adam","lr":)") + (options_.kl() ? "1e-4" : "1e-3") +
         R"(,"weight-decay":1e-9,"batch":16,"epochs":20})";
}

StreamFit RpnModel::stream_fit() const {
  return data_.input == "rescale" ? StreamFit{StreamFit::Rule::rescale, data_.rows}
                                  : StreamFit{StreamFit::Rule::align, 0};
}

// ---- building ----

void RpnModel::check_settings() const {
  options_.check();
  if (data_.rule.negative_low > data_.rule.negative_high)
    throw Error("hard negatives end (negative-high) below where they begin (negative-low)").at_field("negative-high");
  if (data_.rule.negative_high >= data_.rule.positive)
    throw Error("hard negatives (negative-low to negative-high) must lie below positive-tiou")
        .at_field("negative-high");
}

void RpnModel::build(const InputContract& inputs) {
  check_settings();
  inputs_ = inputs;
  inputs_.fit = stream_fit();
  anchors_ = make_anchors(data_.rows, data_.scales);
  network_ = RpnNetwork(inputs.dim(), options_);
  plan_.reset();
}

std::vector<RpnWindow> RpnModel::windows_of(std::int64_t rows, const RowTime& time) const {
  if (data_.input == "rescale")
    return {{0, std::max(1.0, static_cast<double>(rows) / static_cast<double>(data_.rows)), time}};
  std::vector<RpnWindow> windows;
  for (const std::int64_t first : window_starts(rows, data_.rows, data_.stride)) windows.push_back({first, 1, time});
  return windows;
}

// ---- training ----

std::vector<ParameterGroup> RpnModel::parameters(std::size_t phase) {
  std::vector<ParameterGroup> groups = Model::parameters(phase);
  const torch::Tensor& weights = network_->log_var;
  if (!weights.defined() || weighting_lr_ == 1) return groups;
  std::erase_if(groups[0].parameters, [&](const torch::Tensor& p) { return p.is_same(weights); });
  groups.push_back({{weights}, weighting_lr_, 1});
  return groups;
}

std::vector<Sample> RpnModel::samples(const TrainingSet& set, std::size_t) const {
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v) {
    const auto& video = set.video(v);
    const std::vector<RpnWindow> windows = windows_of(video.rows, video.time);
    for (std::size_t k = 0; k < windows.size(); ++k) {
      const AnchorLabels labels = label_anchors(anchors_, truth_rows(video, windows[k], data_.rows), data_.rule);
      if (std::any_of(labels.role.begin(), labels.role.end(),
                      [](AnchorRole role) { return role != AnchorRole::neither; }))
        all.push_back(
            {v, windows[k].first, data_.input == "rescale" ? video.rows : data_.rows, static_cast<std::int64_t>(k)});
    }
  }
  return all;
}

Batch RpnModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  Batch batch;
  const auto count = static_cast<std::int64_t>(samples.size());
  RpnNetworkImpl::Planner planner(options_, count * data_.rows);
  std::vector<torch::Tensor> features;
  std::vector<float> positive, units;
  std::vector<double> taken, wanted;  // anchors and their truths, rows
  for (std::int64_t k = 0; k < count; ++k) {
    const Sample& sample = samples[static_cast<std::size_t>(k)];
    const auto& video = set.video(sample.video);
    const RpnWindow window = windows_of(video.rows, video.time)[static_cast<std::size_t>(sample.item)];
    features.push_back(normalise_rows(data_.input == "rescale"
                                          ? window_features(set.all_rows(sample.video), window, data_.rows)
                                          : set.rows(sample.video, sample.first, data_.rows)));
    batch.videos.push_back(video.id);

    const std::vector<Segment> truths = truth_rows(video, window, data_.rows);
    const AnchorLabels labels = label_anchors(anchors_, truths, data_.rule);
    Random random(sample.seed);
    std::vector<Segment> chosen;
    const auto take = [&](std::uint32_t index, bool is_positive) {
      const Segment& anchor = anchors_[index];
      chosen.push_back(anchor);
      positive.push_back(is_positive);
      const Segment truth = is_positive ? truths[static_cast<std::size_t>(labels.best_truth[index])] : anchor;
      taken.insert(taken.end(), {anchor.start, anchor.end}), wanted.insert(wanted.end(), {truth.start, truth.end});
      if (!options_.unit) return;
      const UnitLabels unit = is_positive ? unit_labels(anchor, options_.vicinity_rows, truths) : UnitLabels{};
      for (const auto* row : {&unit.start, &unit.end, &unit.actionness}) {
        if (is_positive) units.insert(units.end(), row->begin(), row->end());
        else units.insert(units.end(), static_cast<std::size_t>(options_.vicinity_rows), 0.0f);
      }
    };
    for (const AnchorPool& pool :
         draw_examples(anchor_pools(labels), static_cast<std::size_t>(data_.examples), random)) {
      for (const std::uint32_t index : pool.positives) take(index, true);
      for (const std::uint32_t index : pool.negatives) take(index, false);
    }
    planner.add({k * data_.rows, (k + 1) * data_.rows}, chosen);
  }
  const auto n = static_cast<std::int64_t>(positive.size());
  RpnInput input;
  planner.finish(input);
  input.anchors.store(batch.tensors, "anchors"), input.vicinities.store(batch.tensors, "vicinities");
  batch.tensors["x"] = torch::cat(features);
  batch.tensors["positive"] = torch::tensor(positive);
  const auto pairs = [&](const std::vector<double>& ends) { return torch::tensor(ends, torch::kDouble).view({n, 2}); };
  batch.tensors["offset"] = rpn_offset_targets(pairs(taken), pairs(wanted)).to(torch::kFloat);
  if (options_.unit) batch.tensors["unit"] = torch::tensor(units).view({n, 3, options_.vicinity_rows});
  return batch;
}

Losses RpnModel::loss(const Batch& batch, std::size_t) {
  const RpnInput input{batch.at("x"), IntervalPlan::load(batch.tensors, "anchors"),
                       IntervalPlan::load(batch.tensors, "vicinities")};
  const RpnTargets targets{batch.at("positive"), batch.at("offset"),
                           options_.unit ? batch.at("unit") : torch::Tensor()};
  if (network_->is_training()) network_->bound_log_var();
  const RpnLosses losses = rpn_losses(network_->forward(input), targets, *network_);
  Losses out{losses.total, {}};
  const char* names[] = {"proposal", "regression", "start", "end", "actionness"};
  for (std::int64_t k = 0; k < losses.parts.size(0); ++k) out.parts.emplace_back(names[k], losses.parts[k].detach());
  if (network_->log_var.defined() && options_.kl())
    out.parts.emplace_back("weighted-regression", losses.terms[1].detach());
  return out;
}

// ---- inference ----

const RpnInput& RpnModel::full_plan() {
  if (!plan_) {
    plan_ = std::make_unique<RpnInput>();
    RpnNetworkImpl::Planner planner(options_, data_.rows);
    planner.add({0, data_.rows}, anchors_);
    planner.finish(*plan_);
    plan_->anchors = plan_->anchors.to(device, torch::kFloat),
    plan_->vicinities = plan_->vicinities.to(device, torch::kFloat);
  }
  return *plan_;
}

void RpnModel::propose(Record& record, const Sequence& sequence) {
  const torch::NoGradGuard guard;
  if (sequence.x.size(0) < 1) throw Error("no rows").at_field("features");
  const double end =
      sequence.duration > 0 ? sequence.duration : sequence.time.seconds(static_cast<double>(sequence.x.size(0)));
  const auto clip = [&](const Segment& s) { return Segment{std::max(0.0, s.start), std::min(end, s.end)}; };
  std::vector<Proposal> proposals;
  std::vector<Segment> anchors;  // of the proposals, seconds
  std::vector<float> units;
  for (const RpnWindow& window : windows_of(sequence.x.size(0), sequence.time)) {
    RpnInput input = full_plan();
    input.x = normalise_rows(window_features(sequence.x, window, data_.rows).to(device));
    const RpnOutput out = network_->forward(input);
    const torch::Tensor probability = on_host(out.segments.logit.sigmoid()),
                        offset = on_host(out.segments.offsets.offset);
    const torch::Tensor alpha = options_.kl() ? on_host(out.segments.offsets.alpha) : torch::Tensor();
    const torch::Tensor unit = options_.unit ? on_host(out.unit_logit.sigmoid()) : torch::Tensor();
    if (!all_finite({probability, offset, alpha, unit}))
      throw Error("model '" + name() + "': scores that are not finite; a training that diverged leaves such a model")
          .at_video(record.video());
    const auto p = probability.accessor<float, 1>();

    std::vector<std::int64_t> order;
    for (std::int64_t n = 0; n < p.size(0); ++n)
      if (p[n] >= min_score_) order.push_back(n);
    if (top_k_ > 0 && static_cast<std::int64_t>(order.size()) > top_k_) {
      std::stable_sort(order.begin(), order.end(), [&p](std::int64_t a, std::int64_t b) { return p[a] > p[b]; });
      order.resize(static_cast<std::size_t>(top_k_));
      std::sort(order.begin(), order.end());
    }
    for (const std::int64_t n : order) {
      const float* d = offset.const_data_ptr<float>() + 2 * n;
      RpnScores scores;
      scores.segment = p[n];
      scores.anchor = anchors.size();
      scores.estimate = {window.seconds(anchors_[static_cast<std::size_t>(n)]), d[0], d[1]};
      if (options_.kl()) {
        const float* a = alpha.const_data_ptr<float>() + 2 * n;
        scores.estimate.has_alpha = true, scores.estimate.alpha_start = a[0], scores.estimate.alpha_end = a[1];
      }
      const Segment anchor = clip(scores.estimate.anchor);
      if (!(anchor.start < anchor.end)) continue;  // in the padding
      const Segment refined = clip(fused_location(scores.estimate, std::nullopt, options_.vicinity_rows));
      Proposal proposal;
      proposal.segment = refined.start < refined.end ? refined : anchor;
      proposal.score = scores.segment;
      proposal.scores = record.keep_scores(named_scores(scores));
      proposals.push_back(proposal);
      anchors.push_back(scores.estimate.anchor);
      if (options_.unit) {
        const std::int64_t size = 3 * options_.vicinity_rows;
        const float* values = unit.const_data_ptr<float>() + n * size;
        units.insert(units.end(), values, values + size);
      }
    }
  }
  record.set_proposals(proposals);
  if (options_.unit && maps_ == "inline") set_rpn_maps(record, anchors, options_.vicinity_rows, units);
}

void RpnModel::complete(Record& record) const {
  if (!options_.unit || maps_ != "inline") return;  // nothing for tal-refine and tal-score to work with
  RpnFusionOptions fusion;
  fusion.beta = validation_.beta, fusion.kl_ev = validation_.kl_ev;
  refine_by_units(record, fusion);
  score_by_units(record, fusion);
}

}  // namespace tal
