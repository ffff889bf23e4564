// Kernels with narrower vectors than the processor has, for as long as it lives.
#pragma once

#include "libtal/nn/vector.h"

namespace tal {

struct Vectors {
  explicit Vectors(int bytes) { use_vectors(bytes); }
  ~Vectors() { use_vectors(64); }
};

}  // namespace tal
