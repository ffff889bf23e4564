// BSN++ as a model, and what it shares with BMN: videos as windows, labels, maps.
#pragma once

#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libtal/models/bsnpp.h"
#include "libtal/models/bsnpp_maps.h"
#include "libtal/models/map_windows.h"
#include "libtal/models/model.h"

namespace tal {

// How a video becomes what the network sees: fixed once trained.
struct MapInputOptions {
  std::string input = "rescale";  // the whole video by linear interpolation to T rows, or "windows" of T rows as they are
  double train_overlap = 0.75;    // of windows in training (paper 4.1)
};
struct MapInferenceOptions {
  std::int64_t window = 0;        // rows of the stream that a window has; 0: the whole video (rescale) or as many as the network's (windows)
  double overlap = 0.5;           // of windows
  std::string scales = "fixed";   // "duration": rows by the stretch's duration (improvement C)
  std::vector<std::int64_t> scale_rows = {30, 80, 100};  // up to 30 s, up to 120 s, longer
  MapOutputOptions output;
};

// A model whose output are maps of all proposals.
class MapModel : public Model {
 public:
  Settings settings() override;
  Settings inference() override;

  // One sample a video, or one a window that holds a whole ground truth (or lies in one that is longer). Videos without truths give none.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  // x [B, C, T], boundary [B, 2, T] 0/1 (start, end), iou [B, D, T], sampled [B, D, T], drawn over these samples together.
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random, std::size_t phase) const override;

  bool proposes() const override { return true; }
  // Eq. (8) of every valid proposal, with its factors as scores {"boundary", "cls", "reg"}.
  void propose(Record& record, const Sequence& sequence) override;

  // The maps of a video, window by window. Error when the settings contradict each other.
  std::vector<MapWindow> map_windows(const Sequence& sequence);
  const MapOutputOptions& output() const { return inference_.output; }
  // What the maps are of ("whole videos", "windows of 100 rows") and their sizes D x T, one for each scale: models that differ here cannot be merged.
  std::string map_extent() const;
  std::vector<std::pair<std::int64_t, std::int64_t>> map_sizes() const;

 protected:
  virtual std::int64_t rows() const = 0;
  virtual std::int64_t least_rows() const { return 1; }  // that the network can work on
  virtual std::int64_t durations() const = 0;
  virtual bool nearest_labels() const = 0;
  // How often each proposal of a mini-batch takes part in the losses of the maps, [B][D][T] as confidence.
  virtual std::vector<float> draw(std::span<const double> confidence, Random& random) const = 0;
  virtual std::vector<ProposalMaps> infer(const torch::Tensor& x) = 0;  // [B, C, T]
  virtual void add_settings(Settings& settings) = 0;
  virtual void add_inference(Settings&) {}
  // Rows of the network for a stretch of `extent` rows of the stream that lasts `duration` seconds.
  std::int64_t network_rows(std::int64_t extent, double duration) const;

  MapInputOptions input_;
  MapInferenceOptions inference_;
};

class BsnppModel : public MapModel {
 public:
  std::string name() const override { return "bsnpp"; }
  std::string training_defaults() const override;
  std::vector<Preset> presets() const override;
  void check_settings() const override { check(options_); }
  void build(const InputContract& inputs) override;
  torch::nn::Module& network() override { return *network_; }
  Losses loss(const Batch& batch, std::size_t phase) override;
  std::string suppression() const override { return "bsn"; }

 protected:
  std::int64_t rows() const override { return options_.rows; }
  std::int64_t least_rows() const override { return kLeastRows; }
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
