// What SP-TAD sees of a video: clips of feature rows, or of frames. One interface, so that the model does not
// ask which. A row is a row of features, or a frame; `clip` is the rows that the network gets.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "libtal/models/core/model.h"
#include "libtal/models/sptad/sptad.h"

namespace tal {

class SptadInput {
 public:
  virtual ~SptadInput() = default;

  virtual std::int64_t unit() const = 0;              // a clip has a multiple of so many rows
  virtual std::int64_t clips_at_once() const = 0;     // that pass through the network together unless the user says
  virtual bool whole_video() const { return false; }  // a clip is all rows of a video, resized
  virtual std::optional<FrameContract> frames() const { return std::nullopt; }
  virtual std::int64_t rows(const Sequence& sequence) const = 0;

  // Error, with the setting as field, for settings that contradict each other.
  virtual void check_settings() const {}
  // Error, with the setting as field, when a new network could not be trained.
  virtual void check_start() const {}
  // The network for clips of the inputs, which have classes. Error when the inputs are of the other kind.
  virtual std::shared_ptr<SptadNetImpl> make_network(const InputContract& inputs,
                                                     const SptadOptions& options) const = 0;
  // A new network's start weights, where they come from files. Error names the file.
  virtual void load_start(SptadNetImpl&) const {}
  virtual std::vector<ParameterGroup> parameters(SptadNetImpl& network) const;

  // One clip from row `first` on. Training: cropped and mirrored at random, of frames.
  // [C, clip] of features, bytes [C, clip, H, W] of frames.
  virtual torch::Tensor training_clip(const TrainingSet& set, std::size_t video, std::int64_t first, std::int64_t clip,
                                      Random& random) const = 0;
  virtual torch::Tensor test_clip(const Sequence& sequence, std::int64_t first, std::int64_t clip) const = 0;
};

// Windows of feature rows as they are, zeros behind the last row; or all rows of a video resized to one clip.
class SptadFeatureInput : public SptadInput {
 public:
  explicit SptadFeatureInput(bool whole_video) : whole_video_(whole_video) {}
  std::int64_t unit() const override { return 8; }
  std::int64_t clips_at_once() const override { return 16; }
  bool whole_video() const override { return whole_video_; }
  std::int64_t rows(const Sequence& sequence) const override { return sequence.x.size(0); }
  std::shared_ptr<SptadNetImpl> make_network(const InputContract& inputs, const SptadOptions& options) const override;
  torch::Tensor training_clip(const TrainingSet& set, std::size_t video, std::int64_t first, std::int64_t clip,
                              Random& random) const override;
  torch::Tensor test_clip(const Sequence& sequence, std::int64_t first, std::int64_t clip) const override;

 private:
  bool whole_video_;
};

// Clips of frames, end to end: a square of each frame, and an I3D for each modality.
class SptadFrameInput : public SptadInput {
 public:
  Settings settings();
  std::int64_t unit() const override { return 16; }
  std::int64_t clips_at_once() const override { return 1; }
  std::optional<FrameContract> frames() const override { return frames_; }
  std::int64_t rows(const Sequence& sequence) const override { return sequence.frames->count(); }
  void check_settings() const override;
  void check_start() const override { tal::check_start(backbone_, frames_); }
  std::shared_ptr<SptadNetImpl> make_network(const InputContract& inputs, const SptadOptions& options) const override;
  void load_start(SptadNetImpl& network) const override;
  // The detector's, and the backbones' unless they are frozen.
  std::vector<ParameterGroup> parameters(SptadNetImpl& network) const override;
  torch::Tensor training_clip(const TrainingSet& set, std::size_t video, std::int64_t first, std::int64_t clip,
                              Random& random) const override;
  torch::Tensor test_clip(const Sequence& sequence, std::int64_t first, std::int64_t clip) const override;

 private:
  FrameContract frames_;
  BackboneOptions backbone_;
  std::int64_t crop_ = 96;  // pixels of the square
  bool flip_ = true;
};

}  // namespace tal
