// The sound of a window as a network takes it.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>

#include <opencv2/core.hpp>

#include "libtal/encoder/recipes.h"

namespace tal {

class SoundInput {
 public:
  explicit SoundInput(const EncoderRecipe& recipe);  // one that hears
  // Frames a second of its spectrogram; 0: a waveform.
  double frames_a_second() const;
  // Error when a window of so many samples is not what the network takes.
  void check_samples(std::int64_t count, const std::string& encoder) const;
  std::int64_t needed(std::int64_t count) const;       // samples from the window's first on, for one of so many
  cv::Mat make(std::span<const float> samples) const;  // needed() samples -> as NetworkInput says
  cv::Mat blank() const;                               // of silence

 private:
  EncoderRecipe::Sound sound_;
  std::optional<LogMel> mel_;  // without: a waveform
  ClipEdges edges_ = ClipEdges::inside;
  double filling_ = 0;  // of frames that are added
};

}  // namespace tal
