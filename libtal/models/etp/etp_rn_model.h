// ETP's Refinement Network as a model for the refine stage, after any proposer.
//
// Trained on the positive and incomplete proposals of its records: each once an epoch (the paper names no ratio), or as
// many of both drawn for every ground truth (proposal_sampling.h).
#pragma once

#include "libtal/models/core/model.h"
#include "libtal/models/etp/etp_rn.h"
#include "libtal/models/etp/proposal_sampling.h"

namespace tal {

class EtpRnModel : public Model {
 public:
  std::string name() const override { return "etp-rn"; }
  Settings settings() override;
  Settings inference() override;
  std::string training_defaults() const override;
  std::vector<Preset> presets() const override;
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }

  // item: index of the proposal; with draw=truths index of the ground truth x samples-per-truth + which of them, even
  // ones positive, odd ones incomplete.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                   std::size_t phase) const override;
  Losses loss(const Batch& batch, std::size_t phase) override;

  bool refines() const override { return true; }
  // Segments move; scores, labels and everything else of a proposal stay. A proposal that would leave the video stays
  // where it is.
  void refine(Record& record, const Sequence& sequence) override;
  std::string suppression() const override { return "etp"; }

 private:
  std::vector<SampledProposal> drawn(const TrainingSet& set, std::span<const Sample> samples) const;

  EtpRnOptions options_;
  std::string draw_ = "proposals";
  std::int64_t samples_per_truth_ = 4;
  double made_ = 0, strength_ = 1;
  EtpRn network_{nullptr};
};

}  // namespace tal
