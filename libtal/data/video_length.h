// How long a video lasts by its number of frames.
#pragma once

#include "libtal/data/import.h"

namespace tal {

// Where no duration is known, the one that frames at a rate make.
inline VideoInfo with_length(VideoInfo info) {
  if (!info.duration && info.frames && info.fps) info.duration = static_cast<double>(*info.frames) / *info.fps;
  return info;
}

}  // namespace tal
