// CMSN as a model: the propose stage (stages, candidates, preset scores) and the score stage (Proposal Evaluation Subnet x preset).
//
// Trained in two phases (5.1): the Action Stage Subnet, then the evaluation subnet with everything else frozen. A window of the
// second phase without a candidate above tIoU 0.6 takes its ground truths, fitted to snippets, in their place.
#pragma once

#include "libtal/models/cmsn.h"
#include "libtal/models/model.h"
#include "libtal/segment/stages.h"

namespace tal {

class CmsnModel : public Model {
 public:
  std::string name() const override { return "cmsn"; }
  Settings settings() override;
  Settings inference() override;
  std::string training_defaults() const override { return R"({"optimizer":"adam","lr":1e-4,"weight-decay":5e-4,"batch":1,"epochs":12})"; }
  std::vector<Preset> presets() const override;
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }

  std::vector<Phase> phases() const override { return {{"stages", 0, 0}, {"evaluation", evaluation_epochs_, 0}}; }
  std::vector<ParameterGroup> parameters(std::size_t phase) override;
  // A sample is a window; windows overlap by half.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random, std::size_t phase) const override;
  Losses loss(const Batch& batch, std::size_t phase) override;

  bool proposes() const override { return true; }
  bool scores() const override { return true; }
  // Stage probabilities of all snippets [T', 6] -> maps.cmsn; candidates of the decoded sequence with their preset scores -> proposals.
  void propose(Record& record, const Sequence& sequence) override;
  // score = PES x the proposal's score (its preset score); without-pes: the preset score alone. Works after any proposer.
  void score(Record& record, const Sequence& sequence) override;
  std::string suppression() const override { return "cmsn"; }

 private:
  std::vector<StageCandidate> candidates(const torch::Tensor& scores) const;  // of snippets' stage scores [T, 6], on the CPU
  std::int64_t scale() const { return options_.input == "clips" ? C3dImpl::kTimeScale : 1; }  // rows of a snippet, s_c
  std::int64_t snippets(std::int64_t rows) const { return (rows + scale() - 1) / scale(); }
  Losses stage_loss(const Batch& batch);
  Losses evaluation_phase_loss(const Batch& batch);
  // What half-overlapping windows say of a whole video. Probabilities are averaged with weights that fall towards a window's ends; CNN
  // features come from the window in which a snippet is nearest to the middle.
  torch::Tensor stage_probabilities(const torch::Tensor& rows);  // [T, C] -> [T', 6], CPU
  torch::Tensor cnn_features(const torch::Tensor& rows);         // [T, C] -> [T', F], device
  template <class F>
  void over_windows(const torch::Tensor& rows, F&& use);

  CmsnOptions options_;
  std::int64_t window_ = 96, evaluation_epochs_ = 10;
  double decay_ = kPresetDecay;
  std::int64_t cap_ = 0;
  bool split_ = false, without_pes_ = false;
  Cmsn network_{nullptr};
};

}  // namespace tal
