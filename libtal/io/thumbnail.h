// A small picture of a video, encoded.
#pragma once

#include <string>

namespace tal {

struct Thumbnail {
  double time = 0;            // seconds
  std::string jpeg;           // a whole file
  int columns = 0, rows = 0;  // pixels
};

}  // namespace tal
