// What cases on a GPU ask first.
#pragma once

#include <exception>

#include "libtal/nn/device.h"

namespace tal::bench {

// Whether there is one that can be computed on; opens it.
inline bool has_gpu() {
  static const bool has = [] {
    try {
      open_device("cuda");
      return true;
    } catch (const std::exception&) {
      return false;
    }
  }();
  return has;
}

}  // namespace tal::bench
