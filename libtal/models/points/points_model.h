// The points detectors as a model: trained on crops of whole videos, it stands for the propose stage and gives labelled
// detections, or proposals of one class. From features, or from frames with a backbone before the detector.
#pragma once

#include <memory>
#include <utility>

#include "libtal/models/core/model.h"
#include "libtal/models/points/point_targets.h"
#include "libtal/models/points/points.h"
#include "libtal/models/points/points_input.h"

namespace tal {

class PointsModel : public Model {
 public:
  std::string name() const override { return "points"; }
  Settings settings() override;
  Settings inference() override;
  std::string training_defaults() const override;
  std::vector<Preset> presets() const override;
  std::optional<FrameContract> frames() const override { return input().frames(); }
  InputContract test_inputs() const override;
  StreamFit stream_fit() const override { return input().stream_fit(); }
  void check_settings() const override;
  void check_start() const override { input().check_start(); }
  void build(const InputContract& inputs) override;
  void initialise() override { input().load_start(); }
  torch::nn::Module& network() override { return *network_; }

  std::vector<ParameterGroup> parameters(std::size_t phase) override;
  // One sample a video.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  // x: rows of features [B, T, C] or frames [B, 3, F, H, W]; lengths [B] in grid rows, classes [B, P, C], distances
  // [B, P, 2]; segments [B, G, 2] and labels [B, G] in grid units, count [B], rows [1]: T.
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
  bool sees_frames() const { return input_ == "clips"; }
  const PointsInput& input() const {
    if (sees_frames()) return clips_;
    return features_;
  }
  PointsInput& input() { return const_cast<PointsInput&>(std::as_const(*this).input()); }
  std::int64_t class_count() const { return one_class_ ? 1 : static_cast<std::int64_t>(inputs_.classes.size()); }
  // Grid units: rows that the detector gets.
  double grid(const TrainingSet::Video& video, double seconds) const {
    return input().grid({video.time, video.rows, video.duration}, seconds);
  }
  std::vector<GridSegment> truths(const TrainingSet::Video& video) const;
  Crop crop_of(const TrainingSet::Video& video, std::uint64_t seed) const;
  std::vector<std::int64_t> level_rows(std::int64_t rows) const;
  torch::Tensor rows_at(const Sequence& sequence, std::int64_t first, std::int64_t count);  // [1, count, C]
  void keep_best(std::vector<Candidate>& found, std::size_t from) const;  // top-k of those behind `from`
  // rows [1, T, C] of which all are the video's.
  void detect(const torch::Tensor& rows, double first, std::vector<Candidate>& found);
  torch::Tensor scores_of(const PointLevel& level) const;  // [T_l, C]

  PointsOptions options_;
  PointLossOptions losses_;
  std::string input_ = "windows", row_at_ = "middle";

  std::int64_t rows_ = 2304;
  PointsFeatureInput features_{input_, rows_, row_at_};
  PointsFrameInput clips_{row_at_};
  bool one_class_ = false, empty_videos_ = false;
  double crop_ = 0.9, inside_ = 0.5;
  std::string validation_nms_ = "actionformer";

  double min_score_ = 0.001, min_length_ = 0.05, overlap_ = 0.5, quality_exponent_ = 0.5;
  std::int64_t top_k_ = 2000, window_ = 0, views_ = 1;
  std::string top_k_of_ = "level";
  bool clip_ = true;
  std::shared_ptr<PointsNetImpl> detector_;
  std::shared_ptr<torch::nn::Module> network_;  // the detector, or with a backbone both
};

}  // namespace tal
