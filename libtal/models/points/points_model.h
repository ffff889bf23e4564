// The points detectors as a model: trained on crops of whole videos, it stands for the propose stage and gives labelled
// detections, or proposals of one class.
#pragma once

#include "libtal/models/core/model.h"
#include "libtal/models/points/point_targets.h"
#include "libtal/models/points/points.h"

namespace tal {

class PointsModel : public Model {
 public:
  std::string name() const override { return "points"; }
  Settings settings() override;
  Settings inference() override;
  std::string training_defaults() const override;
  std::vector<Preset> presets() const override;
  StreamFit stream_fit() const override;
  void check_settings() const override;
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }

  std::vector<ParameterGroup> parameters(std::size_t phase) override;
  // One sample a video.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  // x [B, T, C], lengths [B], classes [B, P, C], distances [B, P, 2]; segments [B, G, 2] and labels [B, G] in grid
  // units, count [B].
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                   std::size_t phase) const override;
  // Positive points of all samples of a step: the normaliser must not depend on how a step is split.
  double step_total(const TrainingSet& set, std::span<const Sample> samples, std::size_t phase) const override;
  void begin_step(double total) override;
  Losses loss(const Batch& batch, std::size_t phase) override;

  bool proposes() const override { return true; }
  void propose(Record& record, const Sequence& sequence) override;
  std::string suppression() const override { return validation_nms_; }

 private:
  struct Crop {
    std::int64_t first = 0, rows = 0;
    std::vector<GridSegment> segments;  // from `first` on
  };
  struct Candidate {
    Segment segment;  // grid units of the whole sequence
    double score;
    std::int64_t label;
  };
  std::int64_t rows_of(std::int64_t video_rows) const { return rescales() ? rows_ : video_rows; }
  bool rescales() const { return input_ == "rescale"; }
  std::int64_t class_count() const { return one_class_ ? 1 : static_cast<std::int64_t>(inputs_.classes.size()); }
  // Grid units of a sequence whose rows may have been resized.
  double grid(const TrainingSet::Video& video, double seconds) const;
  std::vector<GridSegment> truths(const TrainingSet::Video& video) const;
  Crop crop_of(const TrainingSet::Video& video, std::uint64_t seed) const;
  std::vector<std::int64_t> level_rows(std::int64_t rows) const;
  // rows [1, T, C] of which all are the video's.
  void detect(const torch::Tensor& rows, double first, std::vector<Candidate>& found);
  torch::Tensor scores_of(const PointLevel& level) const;  // [T_l, C]

  PointsOptions options_;
  PointLossOptions losses_;
  std::string input_ = "windows";
  std::int64_t rows_ = 2304;
  bool one_class_ = false, empty_videos_ = false;
  double crop_ = 0.9, inside_ = 0.5;
  std::string validation_nms_ = "actionformer";

  double min_score_ = 0.001, min_length_ = 0.05, overlap_ = 0.5, quality_exponent_ = 0.5;
  std::int64_t top_k_ = 2000, window_ = 0, views_ = 1;
  std::string top_k_of_ = "level";
  bool clip_ = true;
  std::shared_ptr<PointsNetImpl> network_;
};

}  // namespace tal
