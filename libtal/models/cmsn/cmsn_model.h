// CMSN as a model: the propose stage (stages, candidates, preset scores) and the score stage (Proposal Evaluation
// Subnet x preset).
//
// Trained in two phases (5.1): the Action Stage Subnet, then the evaluation subnet with everything else frozen.
// Departures, where the paper says nothing: a window of the second phase without a candidate above tIoU 0.6 takes its
// ground truths, fitted to snippets, in their place; a pair of snippets that several windows propose is one candidate,
// with its highest preset score; the evaluation subnet sees each snippet's features as the window in which it is
// nearest to the middle computes them.
#pragma once

#include "libtal/models/cmsn/cmsn.h"
#include "libtal/models/core/model.h"
#include "libtal/segment/action_stages.h"

namespace tal {

class CmsnModel : public Model {
 public:
  std::string name() const override { return "cmsn"; }
  Settings settings() override;
  Settings inference() override;
  std::string training_defaults() const override {
    return R"({"optimizer":"adam","lr":1e-4,"weight-decay":5e-4,"batch":1,"epochs":12})";
  }
  std::vector<Preset> presets() const override;
  std::optional<FrameContract> frames() const override;
  void check_settings() const override;
  void check_start() const override;
  void build(const InputContract& inputs) override;
  void initialise() override;
  torch::nn::Module& network() override { return *network_; }

  std::vector<Phase> phases() const override;
  std::vector<ParameterGroup> parameters(std::size_t phase) override;
  // A sample is a window; windows overlap by half.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                   std::size_t phase) const override;
  Losses loss(const Batch& batch, std::size_t phase) override;

  bool proposes() const override { return true; }
  bool scores() const override { return options_.evaluation_epochs > 0; }
  // Stage probabilities of all snippets [T', 6] -> maps.cmsn; candidates of the decoded windows with their preset
  // scores -> proposals.
  void propose(Record& record, const Sequence& sequence) override;
  // score = PES x the proposal's score (its preset score). Works after any proposer.
  void score(Record& record, const Sequence& sequence) override;
  std::string suppression() const override { return "cmsn"; }

 private:
  struct Decoding {
    torch::Tensor probability;  // [T', 6], CPU
    std::vector<ActionCandidate> candidates;
  };
  std::vector<ActionCandidate> candidates(const torch::Tensor& scores) const;  // of snippets' stage scores [T, 6], on
                                                                               // the CPU
  bool sees_frames() const { return options_.input == "clips"; }
  std::int64_t scale() const { return sees_frames() ? C3dImpl::kTimeScale : 1; }  // rows of a snippet, s_c
  std::int64_t snippets(std::int64_t rows) const { return (rows + scale() - 1) / scale(); }
  // First rows of the half-overlapping windows of a video.
  std::vector<std::int64_t> window_starts(std::int64_t rows) const;
  // One window: [C, T] of features, bytes [3, T, crop, crop] of frames; what lies outside the video is zero, or grey.
  torch::Tensor training_window(const TrainingSet& set, const Sample& sample) const;
  torch::Tensor window_of(const Sequence& sequence, std::int64_t first) const;
  Losses stage_loss(const Batch& batch);
  Losses evaluation_phase_loss(const Batch& batch);
  // use(windows [B, ...] on the device, their first rows); the next windows are read meanwhile.
  template <class F>
  void over_windows(const Sequence& sequence, F&& use);
  // The whole video's probabilities are the windows' means with weights that fall towards a window's ends.
  Decoding decode(const Sequence& sequence);
  torch::Tensor cnn_features(const Sequence& sequence);  // -> [T', F], device

  CmsnOptions options_;
  FrameContract frames_{.fps = 0, .side = 128, .resize = "stretch", .width = 171};  // 5.1
  std::int64_t crop_ = 112;
  bool random_crop_ = true;
  std::string c3d_weights_;  // a file, or "random"
  std::int64_t window_ = 96;
  double decay_ = kPresetDecay;
  std::int64_t cap_ = 0;
  bool split_ = true;
  std::string decode_ = "windows";
  Cmsn network_{nullptr};
};

}  // namespace tal
