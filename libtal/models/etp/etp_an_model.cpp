#include "libtal/models/etp/etp_an_model.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/features.h"
#include "libtal/models/core/guard.h"

namespace tal {

Settings EtpAnModel::settings() {
  Settings s = settings_of(options_);
  s.add("chunk", &chunk_, "Rows of a training sample").between(1, 1 << 24);
  return s;
}

Settings EtpAnModel::inference() {
  Settings s;
  s.add("threshold", &grouping_.threshold, "Class score from which a row starts a component; several: a grouping each");
  s.add("min", &grouping_.min, "Components must be longer than this, rows").between(0, 1 << 30);
  s.add("max", &grouping_.max, "Components must be shorter than this, rows (0: any length)").between(0, 1 << 30);
  s.add("sigma", &grouping_.sigma, "Gaussian smoothing of the second copy of each curve, rows (0: raw curves only)")
      .between(0, 1e6);
  s.add("keep-growing", &grouping_.keep_growing, "A component that became a proposal grows on");
  s.add("merge-nms", &grouping_.merge_nms, "tIoU of the suppression that merges the curves' proposals (1: none)")
      .between(0, 1);
  s.add("merge-nms-by", &grouping_.merge_nms_by,
        "What that suppression compares: all proposals of all curves (the paper), or those of each label",
        {"all", "label"})
      .without("merge-nms", {"1"});
  s.add("average", &average_,
        "The curve of all classes: their mean (the paper), or their sum, which is 1 - background with softmax",
        {"mean", "sum"});
  s.add("write-curves", &write_curves_, "Add the class scores to the record's features as stream etp-an");
  return s;
}

// Class scores are probabilities.
void EtpAnModel::check_grouping() const {
  check_options(grouping_, "setting ");
  const auto thresholds = parse_number_list(grouping_.threshold);
  for (const double threshold : thresholds)
    if (average_ == "mean" && !(threshold >= 0 && threshold <= 1))
      throw UsageError("threshold: " + format_number(threshold) + " is not a probability");
}

void EtpAnModel::check_settings() const {
  if (options_.kernel % 2 == 0) throw Error("must be odd").at_field("kernel");
  check_grouping();
}

void EtpAnModel::build(const InputContract& inputs) {
  check_settings();
  if (inputs.classes.empty()) throw Error("etp-an needs classes: no annotation has a label");
  inputs_ = inputs;
  network_ = EtpAn(inputs.dim(), static_cast<std::int64_t>(inputs.classes.size()), options_);
}

std::vector<Sample> EtpAnModel::samples(const TrainingSet& set, std::size_t) const {
  std::vector<Sample> all;
  for (std::uint32_t v = 0; v < set.size(); ++v)
    for (std::int64_t first = 0; first < set.video(v).rows; first += chunk_) all.push_back({v, first, chunk_, 0});
  return all;
}

Batch EtpAnModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&, std::size_t) const {
  Batch batch;
  const auto size = static_cast<std::int64_t>(samples.size()),
             classes = static_cast<std::int64_t>(inputs_.classes.size());
  std::vector<torch::Tensor> rows;
  auto truth = torch::zeros({size, chunk_, classes}), known = torch::zeros({size, chunk_});
  auto on = truth.accessor<float, 3>();
  auto counts = known.accessor<float, 2>();
  for (std::int64_t b = 0; b < size; ++b) {
    const Sample& sample = samples[static_cast<std::size_t>(b)];
    const auto& video = set.video(sample.video);
    rows.push_back(set.rows(sample.video, sample.first, chunk_));
    batch.videos.push_back(video.id);
    for (std::int64_t t = 0; t < std::min(chunk_, video.rows - sample.first); ++t) counts[b][t] = 1;
    for (const auto& instance : video.truths) {
      // Rows whose centre is inside.
      const double low = std::ceil(video.time.row(instance.segment.start) - 0.5),
                   high = std::ceil(video.time.row(instance.segment.end) - 0.5);
      const auto first = static_cast<std::int64_t>(
          std::clamp(low - static_cast<double>(sample.first), 0.0, static_cast<double>(chunk_)));
      const auto last = static_cast<std::int64_t>(
          std::clamp(high - static_cast<double>(sample.first), 0.0, static_cast<double>(chunk_)));
      for (std::int64_t t = first; t < last; ++t) {
        if (instance.label >= 0) on[b][t][instance.label] = 1;
        else counts[b][t] = 0;  // an action of no known class: neither a class nor background
      }
    }
  }
  batch.tensors = {{"x", torch::stack(rows)}, {"truth", truth}, {"known", known}};
  return batch;
}

Losses EtpAnModel::loss(const Batch& batch, std::size_t) {
  const auto logits = network_->forward(batch.at("x"));
  return {network_->loss(logits, batch.at("truth"), batch.at("known")), {}};
}

void EtpAnModel::propose(Record& record, const Sequence& sequence) {
  record.require_whole_video();
  torch::NoGradGuard guard;
  check_grouping();
  const auto scores =
      finite_on_host(*this, network_->curves(network_->forward(sequence.x.to(device).unsqueeze(0))).squeeze(0));  // [T,
                                                                                                                  // K]
  const auto s = scores.accessor<float, 2>();
  std::vector<Curve> curves(inputs_.classes.size() + 1);
  Curve& average = curves.back();
  average.values.assign(static_cast<std::size_t>(scores.size(0)), 0.0);
  const double share = average_ == "mean" ? 1.0 / static_cast<double>(inputs_.classes.size()) : 1.0;
  for (std::size_t k = 0; k < inputs_.classes.size(); ++k) {
    curves[k].label = inputs_.classes[k];
    for (std::int64_t t = 0; t < scores.size(0); ++t) {
      const double value = s[t][static_cast<std::int64_t>(k)];
      curves[k].values.push_back(value);
      average.values[static_cast<std::size_t>(t)] += share * value;
    }
  }
  std::vector<Proposal> proposals;
  if (scores.size(0) > 0) proposals = propose_from_curves(record, curves, sequence.time, grouping_);
  tally_.add(curves, proposals.size());
  record.set_proposals(proposals);
  if (!write_curves_) return;
  FeatureStream stream;
  const StreamContract& source = inputs_.streams.front();
  stream.name = "etp-an", stream.rows = scores.size(0), stream.dim = scores.size(1);
  stream.stride = source.stride, stream.window = source.window, stream.offset = source.offset,
  stream.resample = source.resample;
  if (source.fps > 0) stream.fps = Rate{source.fps, 1};
  stream.classes = inputs_.classes;
  stream.data = inline_rows({scores.const_data_ptr<float>(), static_cast<std::size_t>(scores.numel())}, false);
  record.set_feature(stream.name, feature_json(stream));
}

}  // namespace tal
