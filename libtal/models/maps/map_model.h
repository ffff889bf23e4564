// Models whose output are maps of all proposals (BSN++, BMN): videos as windows, labels, maps.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "libtal/models/core/model.h"
#include "libtal/models/maps/map_labels.h"
#include "libtal/models/maps/map_windows.h"

namespace tal {

// How a video becomes what the network sees: fixed once trained.
struct MapInputOptions {
  std::string input = "rescale";  // the whole video by linear interpolation to T rows, or "windows" of T rows as they
                                  // are
  double train_overlap = 0.75;    // of windows in training (paper 4.1)
};
struct MapInferenceOptions {
  std::int64_t window = 0;       // rows of the stream that a window has; 0: the whole video (rescale) or as many as the
                                 // network's (windows)
  double overlap = 0.5;          // of windows
  std::string scales = "fixed";  // "duration": rows by the stretch's duration (improvement C)
  std::vector<std::int64_t> scale_rows = {30, 80, 100};  // up to 30 s, up to 120 s, longer
  MapOutputOptions output;
};

// A model whose output are maps of all proposals.
class MapModel : public Model {
 public:
  Settings settings() override;
  Settings inference() override;

  // One sample a video, or one a window that holds a whole ground truth (or lies in one that is longer). Videos without
  // truths give none.
  std::vector<Sample> samples(const TrainingSet& set, std::size_t phase) const override;
  // x [B, C, T], boundary [B, 2, T] 0/1 (start, end), iou [B, D, T], sampled [B, D, T], drawn over these samples
  // together.
  Batch make_batch(const TrainingSet& set, std::span<const Sample> samples, Random& random,
                   std::size_t phase) const override;

  bool proposes() const override { return true; }
  // Eq. (8) of every valid proposal, with its factors as scores {"boundary", "cls", "reg"}.
  void propose(Record& record, const Sequence& sequence) override;
  // Windows of the same rows go through the network together, whatever their video.
  bool proposes_together() const override { return true; }
  std::vector<std::function<void(Record&)>> propose_together(std::span<const Sequence> sequences) override;

  // The maps of a video, window by window. Error when the settings contradict each other.
  std::vector<MapWindow> map_windows(const Sequence& sequence);
  const MapOutputOptions& output() const { return inference_.output; }
  // What the maps are of ("whole videos", "windows of 100 rows") and their sizes D x T, one for each scale: models that
  // differ here cannot be merged.
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
  // Those of the network alone, before the ones that all models with maps have.
  virtual Settings network_settings() = 0;
  virtual Settings network_inference() { return {}; }
  // A video's windows, still without maps, and what the network sees of each, [C, T].
  struct Plan {
    std::vector<MapWindow> windows;
    std::vector<torch::Tensor> x;
  };
  Plan plan(const Sequence& sequence) const;
  // Fills the windows' maps, at most `together` of them in one pass of the network.
  void infer_windows(std::span<Plan> plans, std::size_t together);
  // Rows of the network for a stretch of `extent` rows of the stream that lasts `duration` seconds.
  std::int64_t network_rows(std::int64_t extent, double duration) const;

  MapInputOptions input_;
  MapInferenceOptions inference_;
};

}  // namespace tal
