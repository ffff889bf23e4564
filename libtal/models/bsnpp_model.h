// BSN++ as a model, and what it shares with BMN: videos as windows, labels, proposals from maps, ensembles of maps.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <vector>

#include "libtal/models/bsnpp.h"
#include "libtal/models/bsnpp_maps.h"
#include "libtal/models/model.h"

namespace tal {

// How a video becomes what the network sees: fixed once trained.
struct MapInputOptions {
  std::string input = "rescale";  // the whole video by linear interpolation to T rows, or "windows" of T rows as they are
  double train_overlap = 0.75;    // of windows in training (paper 4.1)
};
struct MapInferenceOptions {
  double overlap = 0.5;           // of windows
  std::string scales = "fixed";   // "duration": 30, 80 or 100 rows (improvement C)
  double min_score = 0;
  std::int64_t top_k = 0;         // 0: all valid proposals
  std::string maps = "none";      // "inline": the record's `maps`
};

// The maps of one stretch of a video.
struct MapWindow {
  Segment time;              // seconds that rows 0 .. T cover, evenly
  std::int64_t first = 0;    // row of the stream that is row 0 (windows)
  std::int64_t used = 0;     // rows that are the video's; the others are padding
  ProposalMaps maps;
};

// A model whose output are maps of all proposals.
class MapModel : public Model {
 public:
  Settings settings() override;
  Settings inference() override;

  // One sample a video, or one a window that holds a whole ground truth (or lies in one that is longer). Videos without truths give none.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  // x [B, C, T], boundary [B, 2, T] 0/1 (start, end), iou [B, D, T], sampled [B, D, T].
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random, std::size_t phase) const override;

  bool proposes() const override { return true; }
  // Eq. (8) of every valid proposal, with its factors as scores {"boundary", "cls", "reg"}.
  void propose(Record& record, const Sequence& sequence) override;

  // The maps of a video, window by window. Error when the settings contradict each other.
  std::vector<MapWindow> map_windows(const Sequence& sequence);
  // Proposals (and maps, when asked for) of windows that may be those of several models together.
  void write_proposals(Record& record, const Sequence& sequence, const std::vector<MapWindow>& windows) const;

 protected:
  virtual std::int64_t rows() const = 0;
  virtual std::int64_t durations() const = 0;
  virtual bool nearest_labels() const = 0;
  virtual std::vector<float> draw(std::span<const double> confidence, Random& random) const = 0;
  virtual std::vector<ProposalMaps> infer(const torch::Tensor& x) = 0;  // [B, C, T]
  virtual void add_settings(Settings& settings) = 0;
  virtual void add_inference(Settings&) {}

  MapInputOptions input_;
  MapInferenceOptions inference_;
};

// Improvement A: element by element sum_k w_k map_k / sum_k w_k of the boundary and confidence maps of several models of one video.
// Error when the windows are not the same; UsageError for weights that are negative, all 0 or not one each.
std::vector<MapWindow> fuse_maps(std::span<const std::vector<MapWindow>> models, std::span<const double> weights);
// Each model's maps on its own features, fused; the first model's inference settings say what is written. Empty weights: equal ones.
void propose_ensemble(std::span<MapModel* const> models, std::span<const double> weights, Record& record, std::span<const Sequence> sequences);

class BsnppModel : public MapModel {
 public:
  std::string name() const override { return "bsnpp"; }
  std::string training_defaults() const override;
  std::map<std::string, std::string> presets() const override;
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }
  Losses loss(const Batch& batch, std::size_t phase) override;
  std::string suppression() const override { return "bsn"; }

 protected:
  std::int64_t rows() const override { return options_.rows; }
  std::int64_t durations() const override { return options_.durations; }
  bool nearest_labels() const override { return options_.boundary_labels == "nearest"; }
  std::vector<float> draw(std::span<const double> confidence, Random& random) const override;
  std::vector<ProposalMaps> infer(const torch::Tensor& x) override { return network_->infer(x, backward_pass_); }
  void add_settings(Settings& settings) override;
  void add_inference(Settings& settings) override;

 private:
  BsnppOptions options_;
  bool backward_pass_ = true;
  Bsnpp network_{nullptr};
};

}  // namespace tal
