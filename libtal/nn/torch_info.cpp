#include "libtal/nn/torch_info.h"

#include <torch/version.h>

namespace tal {

std::string torch_version() {
#ifdef TAL_CUDA_ARCHITECTURES
  return std::string("LibTorch ") + TORCH_VERSION + " with CUDA kernels (sm " TAL_CUDA_ARCHITECTURES ")";
#else
  return std::string("LibTorch ") + TORCH_VERSION;
#endif
}

}  // namespace tal
