// SP-TAD as a model: trained on clips of feature rows or, end to end, of video frames, it stands for the propose stage
// and gives labelled detections.
#pragma once

#include "libtal/models/core/model.h"
#include "libtal/models/sptad/sptad.h"
#include "libtal/models/sptad/sptad_input.h"
#include "libtal/nn/replayed_pass.h"

namespace tal {

// First rows of the clips that a sequence is cut into: every `stride` rows while a clip fits, then one that ends with
// the sequence. A sequence that is no longer than a clip is one clip, {0}.
std::vector<std::int64_t> clip_starts(std::int64_t rows, std::int64_t clip, std::int64_t stride);

class SptadModel : public Model {
 public:
  std::string name() const override { return "sptad"; }
  Settings settings() override;
  Settings inference() override;
  std::string training_defaults() const override;
  std::vector<Preset> presets() const override;
  std::optional<FrameContract> frames() const override { return input().frames(); }
  void check_settings() const override;
  void check_start() const override { input().check_start(); }
  void build(const InputContract& inputs) override;
  void initialise() override { input().load_start(*network_); }
  torch::nn::Module& network() override { return *network_; }
  std::vector<ParameterGroup> parameters(std::size_t) override { return input().parameters(*network_); }

  // One sample a clip; item is not used.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  // x [B, C, clip] (windows of the rows, or all of a video's resized), or bytes [B, C, clip, crop, crop] of frames;
  // segments [B, G, 2] in fractions of the clip, labels [B, G], count [B].
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                   std::size_t phase) const override;
  Losses loss(const Batch& batch, std::size_t phase) override;

  bool proposes() const override { return true; }
  // The last stage's best N pairs of proposal and class of every clip; score = class probability x the clip's
  // probability of the class.
  void propose(Record& record, const Sequence& sequence) override;
  // Clips go through the network together, whatever their video.
  bool proposes_together() const override { return true; }
  std::vector<std::function<void(Record&)>> propose_together(std::span<const Sequence> sequences) override;
  std::string suppression() const override { return "sptad"; }

 private:
  struct ClipTruth {
    Segment segment;  // fractions of the clip
    std::int64_t label = 0;
  };
  const SptadInput& input() const;
  // Where clips of a sequence begin, and how many of its rows a clip stands for: `clip`, or all when they are resized
  // to it.
  std::vector<std::int64_t> starts(std::int64_t rows, std::int64_t stride) const;
  std::int64_t extent(std::int64_t rows) const { return input().whole_video() ? rows : clip_; }
  std::vector<ClipTruth> truths_in(const TrainingSet::Video& video, std::int64_t first) const;
  // Class scores [n, N, K] and segments [n, N, 2] of clips, on the CPU.
  std::pair<torch::Tensor, torch::Tensor> detect(const torch::Tensor& clips);
  // The best pairs of proposal and class of one clip that begins at row `first`: scores [N, K], segments [N, 2].
  void add_detections(const torch::Tensor& scores, const torch::Tensor& segments, const Sequence& sequence,
                      std::int64_t first, std::int64_t rows, Record& record, std::vector<Proposal>& found) const;

  SptadOptions options_;
  std::string input_ = "windows";  // of feature rows; "rescale": all rows of a video resized to one clip; "clips":
                                   // frames, end to end
  SptadFeatureInput windows_{false}, whole_videos_{true};
  SptadFrameInput frames_;
  std::int64_t clip_ = 256, train_stride_ = 30, shift_ = 0;
  double inside_ = 0.5;
  bool empty_clips_ = false;
  std::int64_t test_stride_ = 128, detections_ = 0, clips_at_once_ = 0;
  double min_score_ = 0.001;
  bool clip_scores_ = true;
  std::shared_ptr<SptadNetImpl> network_;
  std::vector<torch::Tensor> weights_;  // of the network, and its statistics
  ReplayedPass replayed_;
};

}  // namespace tal
