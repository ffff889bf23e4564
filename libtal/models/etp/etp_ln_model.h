// ETP's Localization Network as a model for the score stage, after any proposer.
//
// Trained on groups of one positive, one background and four incomplete proposals (1:1 and 1:4 of 3.3), a positive
// drawn for each ground truth that has one, the others from its video (proposal_sampling.h). What a video has none of
// is left out of its groups.
#pragma once

#include <vector>

#include "libtal/models/core/model.h"
#include "libtal/models/etp/etp_ln.h"

namespace tal {

// One network over all streams, or one for each (late fusion).
struct EtpLnStreamsImpl : torch::nn::Module {
  EtpLnStreamsImpl(const std::vector<std::int64_t>& dims, std::int64_t classes, const EtpLnOptions& options);
  std::vector<EtpLn> networks;
  std::vector<std::int64_t> dims;  // columns of each network, side by side
};
TORCH_MODULE(EtpLnStreams);

class EtpLnModel : public Model {
 public:
  std::string name() const override { return "etp-ln"; }
  Settings settings() override;
  Settings inference() override;
  std::string training_defaults() const override;
  std::vector<Preset> presets() const override;
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }

  // item: index of the ground truth x groups-per-truth + which of them. Ground truths of unknown class, and those
  // without a positive proposal unless examples are made, are left out.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                   std::size_t phase) const override;
  Losses loss(const Batch& batch, std::size_t phase) override;

  bool scores() const override { return true; }
  // Every proposal becomes a detection for each of its `top-classes` best classes: ranking score, parts in `scores`,
  // moved segment.
  void score(Record& record, const Sequence& sequence) override;
  std::string suppression() const override { return "etp"; }

 private:
  void check_fusion_weights(std::size_t networks) const;                      // Error unless each network has one
  EtpLnOutputs fused(const torch::Tensor& x, std::span<const Segment> rows);  // cls: log of the fused class
                                                                              // probabilities

  EtpLnOptions options_;
  std::int64_t groups_per_truth_ = 2, top_classes_ = 0;
  double made_ = 0, min_score_ = 0, proposal_weight_ = 0;
  bool regress_ = true;
  std::vector<double> fusion_weights_;
  EtpLnStreams network_{nullptr};
};

}  // namespace tal
