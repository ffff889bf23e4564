// What a video says of itself.
#pragma once

#include <cstdint>

namespace tal {

struct VideoFacts {              // 0: it says nothing of the kind
  double duration = 0, fps = 0;  // seconds, frames per second
  std::int64_t frames = 0;
};

}  // namespace tal
