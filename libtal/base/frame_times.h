// Times as frames or samples of equal length: frame k is [k, k + 1) / rate.
#pragma once

#include <cmath>

namespace tal {

// A time in frames. 0.58 s * 50 Hz is 28.999999999999996 in double: so near to a whole number of frames, it is one.
inline double frames_at(double seconds, double rate) {
  const double frames = seconds * rate, half = std::round(2 * frames) / 2;
  return std::abs(frames - half) < 1e-7 ? half : frames;
}

// The first frame whose middle is not before the time; so a segment is [first_frame(start), first_frame(end)).
inline double first_frame(double seconds, double rate) { return std::ceil(frames_at(seconds, rate) - 0.5); }

}  // namespace tal
