// What the points detectors see of a video: rows of features, or frames through a transformer that learns adapters
// (AdaTAD, arXiv 2311.17241). One interface, so that the detector does not ask which.
//
// An input row is a row of features or a frame; a grid row is what the detector gets: of features the same, of frames
// `frames-per-row` of them.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libtal/models/core/model.h"
#include "libtal/nn/backbones/adapted_transformer.h"

namespace tal {

class PointsInput {
 public:
  virtual ~PointsInput() = default;

  virtual std::optional<FrameContract> frames() const { return std::nullopt; }
  virtual std::optional<FrameContract> test_frames() const { return frames(); }
  virtual StreamFit stream_fit() const { return {}; }
  virtual void check_settings() const {}
  virtual void check_start() const {}
  // Columns of each stream of grid rows. Error when the inputs are of the other kind.
  virtual std::vector<std::int64_t> dims(const InputContract& inputs) const = 0;
  // The network before the detector; nullptr: none. Made once, by build().
  virtual std::shared_ptr<torch::nn::Module> make_network() { return nullptr; }
  virtual void load_start() {}
  virtual std::vector<ParameterGroup> parameters() const { return {}; }

  virtual std::int64_t input_rows(const Sequence& sequence) const = 0;
  // Grid rows of a video of so many input rows.
  virtual std::int64_t grid_rows(std::int64_t input_rows) const = 0;
  // Seconds of a video as grid rows, of which row k stands at k, and back.
  struct Clock {
    RowTime time;  // of input rows
    std::int64_t rows;
    double duration;  // seconds; 0: not known
  };
  virtual double grid(const Clock& clock, double seconds) const = 0;
  virtual double seconds(const Clock& clock, double grid) const = 0;

  // Grid rows [first, first + rows) as they wait for the network, in training: [rows, C] of features, bytes
  // [3, F, H, W] of frames, cropped and mirrored at random.
  virtual torch::Tensor training_part(const TrainingSet& set, std::size_t video, std::int64_t first, std::int64_t rows,
                                      Random& random) const = 0;
  virtual torch::Tensor test_part(const Sequence& sequence, std::int64_t first, std::int64_t rows) const = 0;
  // Parts of a batch in one tensor, with `longest` grid rows at least. Adds it to the batch.
  virtual torch::Tensor stacked(const std::vector<torch::Tensor>& parts, std::int64_t longest) const = 0;
  // stacked() -> [B, longest, C], zero behind lengths[b] rows.
  virtual torch::Tensor rows(const torch::Tensor& stacked, const std::vector<std::int64_t>& lengths,
                             std::int64_t longest) = 0;
};

// Rows of features as they are, or with input=rescale all rows of a video resized to `rows`. The settings of the model,
// which must outlive this, may change until the network is built.
class PointsFeatureInput : public PointsInput {
 public:
  PointsFeatureInput(const std::string& input, const std::int64_t& rows, const std::string& row_at)
      : input_(input), rows_(rows), row_at_(row_at) {}
  Settings settings();
  StreamFit stream_fit() const override;
  std::vector<std::int64_t> dims(const InputContract& inputs) const override;
  std::int64_t input_rows(const Sequence& sequence) const override { return sequence.x.size(0); }
  std::int64_t grid_rows(std::int64_t rows) const override { return rescales() ? rows_ : rows; }
  double grid(const Clock& clock, double seconds) const override;
  double seconds(const Clock& clock, double grid) const override;
  torch::Tensor training_part(const TrainingSet& set, std::size_t video, std::int64_t first, std::int64_t rows,
                              Random& random) const override;
  torch::Tensor test_part(const Sequence& sequence, std::int64_t first, std::int64_t rows) const override;
  torch::Tensor stacked(const std::vector<torch::Tensor>& parts, std::int64_t longest) const override;
  torch::Tensor rows(const torch::Tensor& stacked, const std::vector<std::int64_t>&, std::int64_t) override {
    return stacked;
  }

 private:
  bool rescales() const { return input_ == "rescale"; }
  // Row k of R begins at k / R of the duration, whatever the input rows cover of it.
  bool shares_duration() const { return rescales() && row_at_ == "start"; }
  double row_seconds(const Clock& clock) const;
  double row_length(std::int64_t rows) const {  // in input rows
    return rescales() ? static_cast<double>(rows) / static_cast<double>(rows_) : 1;
  }
  torch::Tensor resized(const torch::Tensor& x) const;
  const std::string& input_;
  const std::int64_t& rows_;
  const std::string& row_at_;
  std::string resize_ = "linear";
};

struct PointsBackboneOptions {
  std::string name = "videomae-s";  // a recipe of tal-extract, or vit: the sizes below
  std::string weights;              // a file, or the word random
  std::int64_t dims = 64, depth = 4, heads = 4, patch = 16, tubelet = 2, grid = 0;
  std::string normalise = "imagenet";
  double lr = 1, adapter_lr = 1;
  AdaptedOptions network;
};

// Frames, end to end.
class PointsFrameInput : public PointsInput {
 public:
  explicit PointsFrameInput(const std::string& row_at) : row_at_(row_at) {}
  Settings settings();
  std::optional<FrameContract> frames() const override { return frames_; }
  std::optional<FrameContract> test_frames() const override;
  // exact: what lies behind a video's end is not computed, whatever it shares a batch with; else frames repeat the last
  // up to the longest, as published.
  void set_exact(bool exact) { exact_ = exact; }
  void check_settings() const override;
  void check_start() const override;
  std::vector<std::int64_t> dims(const InputContract& inputs) const override;
  std::shared_ptr<torch::nn::Module> make_network() override;
  void load_start() override;
  std::vector<ParameterGroup> parameters() const override;
  std::int64_t input_rows(const Sequence& sequence) const override { return sequence.frames->count(); }
  std::int64_t grid_rows(std::int64_t frames) const override {
    return (frames + frames_per_row_ - 1) / frames_per_row_;
  }
  double grid(const Clock& clock, double seconds) const override;
  double seconds(const Clock& clock, double grid) const override;
  torch::Tensor training_part(const TrainingSet& set, std::size_t video, std::int64_t first, std::int64_t rows,
                              Random& random) const override;
  torch::Tensor test_part(const Sequence& sequence, std::int64_t first, std::int64_t rows) const override;
  torch::Tensor stacked(const std::vector<torch::Tensor>& parts, std::int64_t longest) const override;
  torch::Tensor rows(const torch::Tensor& stacked, const std::vector<std::int64_t>& lengths,
                     std::int64_t longest) override;

 private:
  AdaptedOptions network_options() const;
  // Frames of grid rows [first, first + rows), as many as the video has, as the backbone sees them: [3, F, H, W].
  torch::Tensor clip(const Frames& frames, std::int64_t first, std::int64_t rows, const FrameCrop& crop) const;
  std::int64_t whole_clips(std::int64_t rows) const;  // frames of the clips that grid rows need
  // Where in its frames a grid row stands, as a share of them.
  double row_moment() const { return row_at_ == "start" ? 0 : 0.5; }

  const std::string& row_at_;
  FrameContract frames_{7.5, 0, 182, "short"};
  std::int64_t crop_ = 160, frames_per_row_ = 1, test_size_ = 0;
  std::string crops_ = "resized";
  bool flip_ = true, rand_augment_ = false, jitter_ = false, exact_ = true;
  PointsBackboneOptions backbone_;
  AdaptedTransformer network_{nullptr};
};

}  // namespace tal
