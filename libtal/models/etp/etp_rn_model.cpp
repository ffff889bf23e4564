#include "libtal/models/etp/etp_rn_model.h"

#include <algorithm>
#include <map>

#include "libtal/base/error.h"
#include "libtal/models/core/guard.h"
#include "libtal/models/etp/etp_losses.h"
#include "libtal/models/etp/pooling.h"

namespace tal {

Settings EtpRnModel::settings() {
  Settings s = settings_of(options_);
  s.add("draw", &draw_,
        "What an epoch takes: every positive and incomplete proposal once (the paper), or the same number for each "
        "ground truth",
        {"proposals", "truths"});
  s.add("samples-per-truth", &samples_per_truth_,
        "Proposals drawn for a ground truth in an epoch, half of them positive, half incomplete")
      .between(1, 1e6)
      .with("draw", {"truths"});
  s.add("made", &made_,
        "Share of them that is made by moving the ground truth's boundaries (all where it has no proposal of the "
        "kind); 0: none, the paper")
      .at_least(0)
      .below(1)
      .with("draw", {"truths"});
  return s;
}

Settings EtpRnModel::inference() {
  Settings s;
  s.add("strength", &strength_, "Share of the predicted move that is made").between(0, 1);
  return s;
}

// 4.2: SGD with momentum 0.9, 20k iterations of 128 proposals, rate 0.1, a tenth of it after every 5k.
std::string EtpRnModel::training_defaults() const {
  return R"({"optimizer":"sgd","momentum":0.9,"lr":0.1,"schedule":"step","step-every":5000,"gamma":0.1,"batch":128,"samples-per-epoch":64000,"epochs":40})";
}

std::vector<Preset> EtpRnModel::presets() const {
  std::vector<Preset> all;
  for (const std::string length : {"16", "32", "64", "128"})
    all.push_back({"unit-" + length,
                   "Fig. 7: units of " + length + " frames" + (length == "64" ? " (the paper's setting)" : ""),
                   R"({"unit-length":)" + length + "}"});
  all.push_back(
      {"small", "Not of the paper: for data sets of some dozen videos",
       R"({"hidden":128,"train.optimizer":"adam","train.lr":1e-3,"train.schedule":"cosine","train.batch":32,"train.samples-per-epoch":0,"train.epochs":30})"});
  return all;
}

void EtpRnModel::build(const InputContract& inputs) {
  inputs_ = inputs;
  network_ = EtpRn(inputs.dim(), options_);
}

std::vector<Sample> EtpRnModel::samples(const TrainingSet& set, std::size_t) const {
  require_examples(set, name(), /*incomplete_is_enough=*/true, /*labelled=*/false);
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v) {
    const auto& video = set.video(v);
    if (draw_ == "proposals") {
      for (std::size_t i = 0; i < video.proposals.size(); ++i) {
        const auto kind = kind_of(best_match(video, video.proposals[i].segment).tiou);
        if (kind == kPositiveKind || kind == kIncompleteKind)
          all.push_back({v, 0, video.rows, static_cast<std::int64_t>(i)});
      }
      continue;
    }
    const ProposalSampler sampler(video, made_);
    for (std::int64_t i = 0; i < static_cast<std::int64_t>(video.truths.size()) * samples_per_truth_; ++i)
      if (i % 2 == 0 ? sampler.has_positive(i / samples_per_truth_) : sampler.has_incomplete(i / samples_per_truth_))
        all.push_back({v, 0, video.rows, i});
  }
  return all;
}

// The proposals of samples: the items themselves, or one drawn for the item's ground truth.
std::vector<SampledProposal> EtpRnModel::drawn(const TrainingSet& set, std::span<const Sample> samples) const {
  std::vector<SampledProposal> all;
  std::map<std::uint32_t, ProposalSampler> samplers;
  for (const auto& sample : samples) {
    const auto& video = set.video(sample.video);
    if (draw_ == "proposals") {
      const Segment& segment = video.proposals[static_cast<std::size_t>(sample.item)].segment;
      all.push_back({segment, best_match(video, segment).truth});
      continue;
    }
    const auto& sampler = samplers.try_emplace(sample.video, video, made_).first->second;
    Random random(sample.seed);
    const std::int64_t truth = sample.item / samples_per_truth_;
    all.push_back((sample.item % 2 == 0 ? sampler.positive(truth, random) : sampler.incomplete(truth, random)).value());
  }
  return all;
}

Batch EtpRnModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  Batch batch;
  std::vector<torch::Tensor> pooled;
  std::vector<std::int64_t> lengths;
  std::vector<double> fitted, targets;
  const auto proposals = drawn(set, samples);
  for (std::size_t k = 0; k < samples.size(); ++k) {
    const auto& video = set.video(samples[k].video);
    const UnitGrid grid(options_.unit_length, video.time);
    const RowRange units = grid.fit(proposals[k].segment);
    std::vector<Segment> rows;
    for (std::int64_t unit = units.first; unit < units.end; ++unit) rows.push_back(grid.rows(unit));
    pooled.push_back(pool_training_rows(set, samples[k].video, rows));
    lengths.push_back(units.count());
    const Segment proposal = grid.seconds(units),
                  annotated = video.truths[static_cast<std::size_t>(proposals[k].truth)].segment;
    const Segment target = options_.snap_target ? grid.seconds(grid.fit(annotated)) : annotated;
    for (const double value : {proposal.start, proposal.end}) fitted.push_back(value);
    for (const double value : {target.start, target.end}) targets.push_back(value);
    batch.videos.push_back(video.id);
  }
  const auto pairs = [](const std::vector<double>& values) {
    return torch::tensor(values, torch::kDouble).view({-1, 2});
  };
  batch.tensors = {{"pooled", torch::cat(pooled)},
                   {"lengths", torch::tensor(lengths, torch::kLong)},
                   {"target", location_targets(pairs(fitted), pairs(targets)).to(torch::kFloat)}};
  return batch;
}

Losses EtpRnModel::loss(const Batch& batch, std::size_t) {
  const auto lengths = batch.at("lengths").cpu();
  const std::vector<std::int64_t> sizes(lengths.const_data_ptr<std::int64_t>(),
                                        lengths.const_data_ptr<std::int64_t>() + lengths.numel());
  const auto units = network_->unit_features(batch.at("pooled")).split_with_sizes(sizes);
  const auto pred = network_->forward(torch::nn::utils::rnn::pad_sequence(units, /*batch_first=*/true), lengths);
  const auto& target = batch.at("target");
  Losses losses;
  losses.loss = location_loss(pred, target, torch::ones({target.size(0)}, target.options()));
  losses.parts = {{"centre-error", (pred - target).detach().abs().select(1, 0).mean()},
                  {"length-error", (pred - target).detach().abs().select(1, 1).mean()}};
  return losses;
}

void EtpRnModel::refine(Record& record, const Sequence& sequence) {
  std::vector<Proposal> proposals = record.require_proposals();
  const double end =
      sequence.duration > 0 ? sequence.duration : sequence.time.seconds(static_cast<double>(sequence.x.size(0)));
  const UnitGrid grid(options_.unit_length, sequence.time);
  std::vector<RowRange> ranges;
  RowRange needed{INT64_MAX, 0};
  for (const auto& p : proposals) {
    const double last = std::max(end, 0.0);
    ranges.push_back(grid.fit({std::clamp(p.segment.start, 0.0, last), std::clamp(p.segment.end, 0.0, last)}));
    needed = {std::min(needed.first, ranges.back().first), std::max(needed.end, ranges.back().end)};
  }
  if (!proposals.empty() && sequence.x.size(0) > 0) {
    torch::NoGradGuard guard;
    std::vector<Segment> units;
    for (std::int64_t unit = needed.first; unit < needed.end; ++unit) units.push_back(grid.rows(unit));
    const auto features = network_->unit_features(pyramid_pool(sequence.x, units).to(device));
    std::vector<RowRange> shifted;
    for (const auto& range : ranges) shifted.push_back({range.first - needed.first, range.end - needed.first});
    const auto moves = finite_on_host(*this, network_->refine(features, shifted)).to(torch::kDouble);
    const auto move = moves.accessor<double, 2>();
    for (std::size_t i = 0; i < proposals.size(); ++i) {
      const auto k = static_cast<std::int64_t>(i);
      const auto moved = moved_segment(grid.seconds(ranges[i]), move[k][0], move[k][1], sequence.duration);
      if (!moved) continue;
      const Segment old = proposals[i].segment;
      proposals[i].segment = {old.start + strength_ * (moved->start - old.start),
                              old.end + strength_ * (moved->end - old.end)};
    }
  }
  record.set_proposals(proposals);
}

}  // namespace tal
