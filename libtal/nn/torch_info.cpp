#include "libtal/nn/torch_info.h"

#include <c10/util/Logging.h>
#include <torch/version.h>

#include <cstdlib>

namespace tal {

std::string torch_version() {
#ifdef TAL_CUDA_ARCHITECTURES
  return std::string("LibTorch ") + TORCH_VERSION + " with CUDA kernels (sm " TAL_CUDA_ARCHITECTURES ")";
#else
  return std::string("LibTorch ") + TORCH_VERSION;
#endif
}

void settle_torch_warnings(bool wanted) {
  // The variable, as the level itself is another symbol in each kind of LibTorch (with glog and without).
  static const bool given = std::getenv("TORCH_CPP_LOG_LEVEL") != nullptr;
  if (given) return;
  ::setenv("TORCH_CPP_LOG_LEVEL", wanted ? "WARNING" : "ERROR", 1);
  c10::initLogging();
}

}  // namespace tal
