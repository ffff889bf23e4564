// Videos as rows of frames or samples of equal length.
#pragma once

#include <cmath>
#include <cstdint>
#include <limits>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/base/frame_times.h"
#include "libtal/eval/dataset.h"

namespace tal::eval {

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
