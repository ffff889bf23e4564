#include "libtal/models/classifier/segment_classifier_model.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/row_range.h"
#include "libtal/io/score_check.h"
#include "libtal/models/core/guard.h"
#include "libtal/nn/device.h"

namespace tal {

Settings SegmentClassifierModel::inference() {
  Settings s;
  s.add("top-classes", &top_classes_, "Detections per proposal: its best classes").between(1, 1e6);
  s.add("proposal-weight", &proposal_weight_,
        "Exponent of the proposal's score in the final score (0: class probability alone)")
      .between(0, 100);
  s.add("min-probability", &min_probability_, "Classes below are left out").between(0, 1);
  return s;
}

void SegmentClassifierModel::build(const InputContract& inputs) {
  if (inputs.classes.empty()) throw Error("the segment classifier needs classes: no annotation has a label");
  inputs_ = inputs;
  network_ = SegmentClassifier(description_size(inputs.dim(), options_),
                               static_cast<std::int64_t>(inputs.classes.size()), options_);
}

std::vector<Sample> SegmentClassifierModel::samples(const TrainingSet& set, std::size_t) const {
  std::vector<Sample> all;
  const std::int64_t each = options_.positives + options_.negatives;
  for (std::uint32_t v = 0; v < set.size(); ++v) {
    const auto& video = set.video(v);
    for (std::size_t k = 0; k < video.truths.size(); ++k) {
      if (video.truths[k].label < 0) continue;
      for (std::int64_t i = 0; i < each; ++i)
        all.push_back({v, 0, video.rows, static_cast<std::int64_t>(k) * each + i});
    }
  }
  return all;
}

Batch SegmentClassifierModel::make_batch(const TrainingSet& set, std::span<const Sample> samples, Random&,
                                         std::size_t) const {
  Batch batch;
  std::vector<torch::Tensor> descriptions;
  std::vector<std::int64_t> labels;
  const std::int64_t each = options_.positives + options_.negatives;
  for (const auto& sample : samples) {
    Random random(sample.seed);
    const auto& video = set.video(sample.video);
    const TruthSegment& truth = video.truths[static_cast<std::size_t>(sample.item / each)];
    Segment segment{video.time.row(truth.segment.start), video.time.row(truth.segment.end)};  // rows
    std::int64_t label = truth.label;
    const double length = segment.length();
    if (sample.item % each < options_.positives) {
      segment.start += options_.jitter * length * (2 * random.uniform() - 1);
      segment.end += options_.jitter * length * (2 * random.uniform() - 1);
    } else {
      // Somewhere in the video, as long as half to twice this ground truth; a few tries find background unless all of
      // it is action.
      label = static_cast<std::int64_t>(inputs_.classes.size());
      for (int attempt = 0; attempt < 20; ++attempt) {
        const double wanted = std::min(length * std::exp2(2 * random.uniform() - 1), static_cast<double>(video.rows));
        segment.start = random.uniform() * (static_cast<double>(video.rows) - wanted);
        segment.end = segment.start + wanted;
        double best = 0;
        for (const auto& other : video.truths)
          best =
              std::max(best, tiou(segment, {video.time.row(other.segment.start), video.time.row(other.segment.end)}));
        if (best < options_.background) break;
        if (attempt == 19)
          segment = {segment.start, segment.start + 0.1 * length};  // a fragment: never above tIoU 0.1 of this one
      }
    }
    // Only the rows that the segment and its context need.
    const double margin = options_.context * segment.length() + 1;
    RowRange needed;
    needed.first =
        std::clamp<std::int64_t>(static_cast<std::int64_t>(std::floor(segment.start - margin)), 0, video.rows - 1);
    needed.end = std::clamp<std::int64_t>(static_cast<std::int64_t>(std::ceil(segment.end + margin)) + 1,
                                          needed.first + 1, video.rows);
    const double shift = static_cast<double>(needed.first);
    const auto rows = set.rows(sample.video, needed.first, needed.count());
    descriptions.push_back(describe_segments(rows, {{segment.start - shift, segment.end - shift}}, options_));
    labels.push_back(label);
    batch.videos.push_back(video.id);
  }
  batch.tensors["x"] = torch::cat(descriptions);
  batch.tensors["label"] = torch::tensor(labels, torch::kLong);
  return batch;
}

Losses SegmentClassifierModel::loss(const Batch& batch, std::size_t) {
  const auto logits = network_->forward(batch.at("x"));
  Losses losses;
  const OwnPrecision own;
  losses.loss = torch::cross_entropy_loss(widened(logits), batch.at("label"));
  losses.parts = {{"accuracy", logits.detach().argmax(1).eq(batch.at("label")).to(torch::kFloat).mean()}};
  return losses;
}

void SegmentClassifierModel::score(Record& record, const Sequence& sequence) {
  const auto& proposals = record.require_proposals();
  if (proposal_weight_ != 0) check_factors(proposals, "the product with class scores");
  std::vector<Proposal> detections;
  if (!proposals.empty()) {
    torch::NoGradGuard guard;
    std::vector<Segment> segments;
    for (const auto& p : proposals)
      segments.push_back({sequence.time.row(p.segment.start), sequence.time.row(p.segment.end)});
    const auto probability = finite_on_host(
        *this, torch::softmax(network_->forward(describe_segments(sequence.x, segments, options_).to(device)), 1));
    const auto p = probability.accessor<float, 2>();
    const auto classes = static_cast<std::int64_t>(inputs_.classes.size());
    std::vector<std::int64_t> order(static_cast<std::size_t>(classes));
    for (std::int64_t n = 0; n < p.size(0); ++n) {
      for (std::int64_t c = 0; c < classes; ++c) order[static_cast<std::size_t>(c)] = c;
      std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return p[n][a] > p[n][b]; });
      for (std::int64_t k = 0; k < std::min(top_classes_, classes); ++k) {
        const auto c = order[static_cast<std::size_t>(k)];
        if (p[n][c] < min_probability_) break;
        Proposal detection;
        const Proposal& from = proposals[static_cast<std::size_t>(n)];
        detection.segment = from.segment;
        detection.label = record.keep(inputs_.classes[static_cast<std::size_t>(c)]);
        detection.score = std::pow(from.score, proposal_weight_) * p[n][c];
        detection.scores = record.keep_scores({{"proposal", from.score}, {"class", p[n][c]}});
        detections.push_back(detection);
      }
    }
  }
  record.set_proposals(detections);
}

}  // namespace tal
