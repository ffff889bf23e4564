// The RPN as a model of the tools: windows, anchors, labels and sampling (3.2, 3.5, 4.2), and tal-propose.
#pragma once

#include <memory>

#include "libtal/models/core/model.h"
#include "libtal/models/rpn/rpn.h"
#include "libtal/segment/anchors.h"

namespace tal {

struct RpnDataOptions {
  std::int64_t rows = 100;        // T
  std::string input = "rescale";  // the whole video as T rows (ActivityNet), or "windows" of T rows (THUMOS14)
  std::int64_t stride = 50;       // rows between windows
  std::vector<double> scales{1, 0.75, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.02, 0.01};  // anchor lengths as parts of T
  AnchorRule rule;                                                                     // 3.2
  std::int64_t examples = 10;  // N_pos and N_neg: at most so many of each for a ground truth
};

// What follows tal-propose in the pipe when a training validates: tal-refine | tal-score | tal-nms.
struct RpnValidationOptions {
  double beta = 0.8;                // tal-score --beta
  bool kl_ev = false;               // tal-refine and tal-score --kl-ev
  std::string suppression = "rpn";  // tal-nms --preset
};

// T rows of a video, and the way from them to seconds.
struct RpnWindow {
  std::int64_t first = 0;  // row of the video
  double pooled = 1;       // rows of the video that make one of the window (> 1: rescaled by pooling)
  RowTime time;            // of the video's rows
  double seconds(double row) const { return time.seconds(static_cast<double>(first) + row * pooled); }
  double row(double seconds) const { return (time.row(seconds) - static_cast<double>(first)) / pooled; }
  Segment seconds(const Segment& rows) const { return {seconds(rows.start), seconds(rows.end)}; }
  Segment rows(const Segment& seconds) const { return {row(seconds.start), row(seconds.end)}; }
};

class RpnModel : public Model {
 public:
  std::string name() const override { return "rpn"; }
  Settings settings() override;
  Settings inference() override;
  std::string training_defaults() const override;
  std::vector<Preset> presets() const override;
  // Of the whole video: each stream becomes T rows. Of windows: the rows of the first stream are what the others are
  // resampled to.
  StreamFit stream_fit() const override;

  void check_settings() const override;
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }
  std::vector<ParameterGroup> parameters(std::size_t phase) override;

  // One sample is one window (the whole video when rescaled); its anchors are drawn anew in every epoch.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                   std::size_t phase) const override;
  Losses loss(const Batch& batch, std::size_t phase) override;

  bool proposes() const override { return true; }
  // Proposals: segment = the refined location of M_S (3.7.2), the anchor where that is turned around, clipped to the
  // video; score = p. The unit scores of their anchors stand in maps.rpn (libtal/fusion/rpn_record.h).
  void propose(Record& record, const Sequence& sequence) override;
  // Unit clues refine and score what propose() has left in the record, as validation options say.
  void complete(Record& record) const override;
  std::string suppression() const override { return validation_.suppression; }

 private:
  std::vector<RpnWindow> windows_of(std::int64_t rows, const RowTime& time) const;
  const RpnInput& full_plan();

  RpnOptions options_;
  RpnDataOptions data_;
  RpnValidationOptions validation_;
  double weighting_lr_ = 1;
  std::int64_t top_k_ = 0;
  double min_score_ = 0;
  std::string maps_ = "inline";
  RpnNetwork network_{nullptr};
  std::vector<Segment> anchors_;    // of a window, rows
  std::unique_ptr<RpnInput> plan_;  // of all anchors of a window
};

}  // namespace tal
