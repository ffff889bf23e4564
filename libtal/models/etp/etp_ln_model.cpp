#include "libtal/models/etp/etp_ln_model.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <numeric>

#include "libtal/base/error.h"
#include "libtal/io/score_check.h"
#include "libtal/models/core/guard.h"
#include "libtal/models/etp/etp_losses.h"
#include "libtal/models/etp/pooling.h"
#include "libtal/models/etp/proposal_sampling.h"

namespace tal {

EtpLnStreamsImpl::EtpLnStreamsImpl(const std::vector<std::int64_t>& d, std::int64_t classes,
                                   const EtpLnOptions& options)
    : dims(d) {
  for (std::size_t k = 0; k < dims.size(); ++k)
    networks.push_back(register_module("stream" + std::to_string(k), EtpLn(dims[k], classes, options)));
}

Settings EtpLnModel::settings() {
  Settings s = settings_of(options_);
  s.add("groups-per-truth", &groups_per_truth_,
        "Groups of one positive, one background and four incomplete proposals for a ground truth and epoch")
      .between(1, 1e6);
  s.add("made", &made_,
        "Share of positive and incomplete ones that is made by moving the ground truth's boundaries (all where it has "
        "no proposal of the kind); 0: none, the paper")
      .at_least(0)
      .below(1);
  return s;
}

Settings EtpLnModel::inference() {
  Settings s;
  s.add("top-classes", &top_classes_, "Detections of a proposal: its best classes (0: all, the paper)").between(0, 1e6);
  s.add("min-score", &min_score_, "Detections with a lower final score are left out").at_least(0);
  s.add("regress", &regress_, "Move segments by the location head");
  s.add("proposal-weight", &proposal_weight_,
        "Exponent of the proposal's own score in the final score (0: the ranking score alone, the paper)")
      .between(0, 100);
  s.add("fusion-weights", &fusion_weights_, "Weight of each stream in late fusion (empty: equal)")
      .at_least(0)
      .with("fusion", {"late"});
  return s;
}

// 4.2: SGD with momentum 0.9, 90k iterations, rate 0.1, a tenth of it after every 5k until it is less than 1e-5, so
// 1e-6 from 25k on. The clipping is not of the paper, whose network learns from pixels, with a batch normalisation
// after every convolution. The similarity of Eq. (5) is a plain product, so that a non-local block is cubic in its
// input and a gradient grows with the square of all others: with features of 16 to 1024 columns the rate 0.1 ends in
// NaN within 24 steps. Without the block it does not. With norms up to 0.1 it learns at all these widths; 1 is too much
// for 1024.
std::string EtpLnModel::training_defaults() const {
  return R"({"optimizer":"sgd","momentum":0.9,"lr":0.1,"schedule":"step","step-every":5000,"gamma":0.1,"min-lr":1e-6,"clip":0.1,"batch":16,"samples-per-epoch":32000,"epochs":45})";
}

std::vector<Preset> EtpLnModel::presets() const {
  return {
      {"nlpf", "Fig. 6, NLPF: the paper's non-local pyramid features", R"({"non-local":true})"},
      {"stpf", "Fig. 6, STPF: plain structured temporal pyramid features, no non-local block",
       R"({"non-local":false})"},
      {"late-fusion", "Table 3, RGB+Flow: a network for each stream, their scores fused (the paper's setting)",
       R"({"fusion":"late"})"},
      {"early-fusion", "Not of the paper: one network over all streams side by side", R"({"fusion":"early"})"},
      {"small", "Not of the paper: for data sets of some dozen videos",
       R"({"train.optimizer":"adam","train.lr":1e-3,"train.schedule":"cosine","train.clip":0,"train.batch":16,"train.samples-per-epoch":0,"train.epochs":30})"}};
}

void EtpLnModel::build(const InputContract& inputs) {
  if (inputs.classes.empty()) throw Error("etp-ln needs classes: no annotation has a label");
  std::vector<std::int64_t> dims;
  if (options_.fusion == "late") {
    for (const auto& stream : inputs.streams) dims.push_back(stream.dim);
  } else {
    if (inputs.streams.size() == 1)
      throw Error("'early' puts several streams side by side; the features are one stream, '" +
                  inputs.streams.front().name + "'")
          .at_field("fusion");
    dims.push_back(inputs.dim());
  }
  inputs_ = inputs;
  if (!fusion_weights_.empty()) check_fusion_weights(dims.size());
  network_ = EtpLnStreams(dims, static_cast<std::int64_t>(inputs.classes.size()), options_);
}

std::vector<Sample> EtpLnModel::samples(const TrainingSet& set, std::size_t) const {
  require_examples(set, name(), /*incomplete_is_enough=*/false, /*labelled=*/true);
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v) {
    const auto& video = set.video(v);
    const ProposalSampler sampler(video, made_);
    for (std::int64_t k = 0; k < static_cast<std::int64_t>(video.truths.size()); ++k) {
      if (video.truths[static_cast<std::size_t>(k)].label < 0 || !sampler.has_positive(k)) continue;
      for (std::int64_t i = 0; i < groups_per_truth_; ++i) all.push_back({v, 0, video.rows, k * groups_per_truth_ + i});
    }
  }
  return all;
}

Batch EtpLnModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  constexpr int kIncompletePerPositive = 4;
  Batch batch;
  std::map<std::uint32_t, ProposalSampler> samplers;
  std::vector<torch::Tensor> pooled;
  std::vector<std::int64_t> labels, kinds;
  std::vector<double> proposals, gt;
  for (const auto& sample : samples) {
    const auto& video = set.video(sample.video);
    const auto& sampler = samplers.try_emplace(sample.video, video, made_).first->second;
    Random random(sample.seed);
    const std::int64_t truth = sample.item / groups_per_truth_;
    const auto add = [&](const std::optional<SampledProposal>& drawn, ProposalKind kind) {
      if (!drawn) return;
      const Segment rows{video.time.row(drawn->segment.start), video.time.row(drawn->segment.end)};
      pooled.push_back(pool_training_rows(set, sample.video, std::span(&rows, 1)));
      // Next to an instance of no known class the group's own one stands in.
      const auto& best = video.truths[static_cast<std::size_t>(drawn->truth)];
      const auto& target = best.label >= 0 ? best : video.truths[static_cast<std::size_t>(truth)];
      labels.push_back(target.label), kinds.push_back(kind);
      for (const double value : {drawn->segment.start, drawn->segment.end}) proposals.push_back(value);
      for (const double value : {target.segment.start, target.segment.end}) gt.push_back(value);
    };
    add(sampler.positive(truth, random), kPositiveKind);
    add(sampler.background(random), kBackgroundKind);
    for (int i = 0; i < kIncompletePerPositive; ++i) add(sampler.incomplete(truth, random), kIncompleteKind);
    batch.videos.push_back(video.id);
  }
  const auto pairs = [](const std::vector<double>& values) {
    return torch::tensor(values, torch::kDouble).view({-1, 2}).to(torch::kFloat);
  };
  batch.tensors = {{"pooled", torch::cat(pooled)},
                   {"label", torch::tensor(labels, torch::kLong)},
                   {"kind", torch::tensor(kinds, torch::kLong)},
                   {"proposals", pairs(proposals)},
                   {"gt", pairs(gt)}};
  return batch;
}

Losses EtpLnModel::loss(const Batch& batch, std::size_t) {
  const LocalizationTruth truth{batch.at("label"), batch.at("kind"), batch.at("proposals"), batch.at("gt")};
  Losses losses;
  torch::Tensor cls, comp, loc;
  std::int64_t column = 0;
  for (std::size_t k = 0; k < network_->networks.size(); ++k) {
    const auto dim = network_->dims[k];
    const auto out = network_->networks[k]->forward(batch.at("pooled").narrow(2, column, dim));
    column += dim;
    const auto own = localization_loss(out.cls, out.comp, out.reg, truth, options_.comp_weight, options_.loc_weight);
    losses.loss = k ? losses.loss + own.loss : own.loss;
    cls = k ? cls + own.cls.detach() : own.cls.detach(), comp = k ? comp + own.comp.detach() : own.comp.detach();
    loc = k ? loc + own.loc.detach() : own.loc.detach();
  }
  losses.parts = {{"classification", cls}, {"completeness", comp}, {"location", loc}};
  return losses;
}

void EtpLnModel::check_fusion_weights(std::size_t networks) const {
  if (networks == 1)
    throw Error("has no effect: the model has one stream, '" + inputs_.streams.front().name + "'")
        .at_field("fusion-weights");
  if (fusion_weights_.size() != networks || !(std::accumulate(fusion_weights_.begin(), fusion_weights_.end(), 0.0) > 0))
    throw Error("needs a weight for each of the " + std::to_string(networks) + " streams, not all 0")
        .at_field("fusion-weights");
}

EtpLnOutputs EtpLnModel::fused(const torch::Tensor& x, std::span<const Segment> rows) {
  std::vector<double> weights = fusion_weights_;
  if (weights.empty()) weights.assign(network_->networks.size(), 1.0);
  else check_fusion_weights(network_->networks.size());
  const double total = std::accumulate(weights.begin(), weights.end(), 0.0);
  EtpLnOutputs sum;
  std::int64_t column = 0;
  for (std::size_t k = 0; k < weights.size(); ++k) {
    const auto dim = network_->dims[k];
    auto out = network_->networks[k]->score(dim == x.size(1) ? x : x.narrow(1, column, dim).contiguous(), rows);
    column += dim;
    const double w = weights[k] / total;
    const auto p = torch::softmax(out.cls, 1);
    sum = k ? EtpLnOutputs{sum.cls + w * p, sum.comp + w * out.comp, sum.reg + w * out.reg}
            : EtpLnOutputs{w * p, w * out.comp, w * out.reg};
  }
  sum.cls = torch::log(sum.cls);
  return sum;
}

void EtpLnModel::score(Record& record, const Sequence& sequence) {
  const auto& proposals = record.require_proposals();
  if (proposal_weight_ != 0) check_factors(proposals, "the product with class scores");
  std::vector<Proposal> detections;
  if (!proposals.empty() && sequence.x.size(0) > 0) {
    torch::NoGradGuard guard;
    std::vector<Segment> rows;
    for (const auto& p : proposals)
      rows.push_back({sequence.time.row(p.segment.start), sequence.time.row(p.segment.end)});
    const EtpLnOutputs out = fused(sequence.x.to(device), rows);
    const auto host = [&](const torch::Tensor& t) { return finite_on_host(*this, t).to(torch::kDouble); };
    const auto rank = host(ranking_scores(out)), probability = host(out.cls.exp()), completeness = host(out.comp),
               location = host(out.reg);
    const auto s = rank.accessor<double, 2>(), p = probability.accessor<double, 2>(),
               c = completeness.accessor<double, 2>(), move = location.accessor<double, 2>();
    const auto classes = rank.size(1), kept = top_classes_ > 0 ? std::min(top_classes_, classes) : classes;
    std::vector<std::string_view> labels;
    for (const auto& label : inputs_.classes) labels.push_back(record.keep(label));
    std::vector<std::int64_t> order(static_cast<std::size_t>(classes));
    for (std::int64_t m = 0; m < rank.size(0); ++m) {
      std::iota(order.begin(), order.end(), 0);
      std::partial_sort(order.begin(), order.begin() + kept, order.end(),
                        [&](auto a, auto b) { return s[m][a] != s[m][b] ? s[m][a] > s[m][b] : a < b; });
      const Proposal& from = proposals[static_cast<std::size_t>(m)];
      const auto moved =
          regress_ ? moved_segment(from.segment, move[m][0], move[m][1], sequence.duration) : std::nullopt;
      for (std::int64_t i = 0; i < kept; ++i) {
        const auto k = order[static_cast<std::size_t>(i)];
        Proposal detection;
        detection.segment = moved.value_or(from.segment);
        detection.label = labels[static_cast<std::size_t>(k)];
        detection.score = s[m][k] * (proposal_weight_ == 0 ? 1.0 : std::pow(from.score, proposal_weight_));
        if (detection.score < min_score_) continue;
        detection.scores =
            record.keep_scores({{"proposal", from.score}, {"class", p[m][k]}, {"completeness", c[m][k]}});
        detections.push_back(detection);
      }
    }
  }
  record.set_proposals(detections);
}

}  // namespace tal
