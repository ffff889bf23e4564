// The sound of one file as whoever works on it takes it: mono samples by their number.
#pragma once

#include <cstdint>
#include <span>

namespace tal {

// Sample k is the sound at the time k / rate of the video's clock, -1 to 1: the mean of the channels, resampled to the
// rate that was asked for. Before the sound begins, in its gaps and behind its end there is silence, zeros.
class SoundTrack {
 public:
  virtual ~SoundTrack() = default;
  // Samples [first, first + count), which may begin before 0; good until the next call. None of them is released.
  virtual std::span<const float> samples(std::int64_t first, std::int64_t count) = 0;
  // Samples before this one will not be asked for again.
  virtual void release(std::int64_t before) = 0;
};

}  // namespace tal
