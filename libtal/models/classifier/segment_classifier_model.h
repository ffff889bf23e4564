// The segment classifier as a model: trained on jittered ground truth, it stands for the score stage.
#pragma once

#include "libtal/models/classifier/segment_classifier.h"
#include "libtal/models/core/model.h"

namespace tal {

class SegmentClassifierModel : public Model {
 public:
  std::string name() const override { return "segment-classifier"; }
  Settings settings() override { return settings_of(options_); }
  Settings inference() override;
  std::string training_defaults() const override {
    return R"({"optimizer":"adamw","lr":1e-3,"weight-decay":1e-4,"epochs":30,"batch":64})";
  }
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }

  // item: index of the ground truth x (positives + negatives) + which of them.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                   std::size_t phase) const override;
  Losses loss(const Batch& batch, std::size_t phase) override;

  bool scores() const override { return true; }
  // Every proposal becomes up to `top-classes` detections; score = proposal's score (or 1) ^ proposal-weight * class
  // probability.
  void score(Record& record, const Sequence& sequence) override;

 private:
  SegmentClassifierOptions options_;
  std::int64_t top_classes_ = 2;
  double proposal_weight_ = 1, min_probability_ = 0.01;
  SegmentClassifier network_{nullptr};
};

}  // namespace tal
