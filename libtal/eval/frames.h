// Videos as rows of frames or samples of equal length.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/eval/dataset.h"

namespace tal::eval {

// A time in frames. 0.58 s * 50 Hz is 28.999999999999996 in double: so near to a whole number of frames, it is one.
inline double frames_at(double seconds, double rate) {
  const double frames = seconds * rate, whole = std::round(frames);
  return std::abs(frames - whole) < 1e-7 ? whole : frames;
}

// The first frame whose middle is not before the time; so a segment is [first_frame(start), first_frame(end)).
inline double first_frame(double seconds, double rate) { return std::round(frames_at(seconds, rate)); }

// The rate that the options give, else the video's own. Error (field fps) when there is none.
inline double rate_of(const Dataset& data, std::uint32_t id, const std::optional<double>& rate) {
  const double fps = rate.value_or(data.videos[id].fps);
  if (fps > 0) return fps;
  throw Error("missing; the video is cut into frames with it (or --rate gives one)")
      .at_field("fps")
      .at_video(data.video_names.text(id));
}

// At least 1. Error (field duration) when it is missing, or too long.
inline std::size_t frame_count(const Dataset& data, std::uint32_t id, double rate) {
  const double duration = data.videos[id].duration;
  const auto refuse = [&](const char* why) {
    return Error(why).at_field("duration").at_video(data.video_names.text(id));
  };
  if (!(duration > 0)) throw refuse("missing; samples are cut out of it");
  const double n = first_frame(duration, rate);
  if (n > std::numeric_limits<std::int32_t>::max()) throw refuse("too many samples at this rate");
  return static_cast<std::size_t>(std::max(n, 1.0));
}

}  // namespace tal::eval
