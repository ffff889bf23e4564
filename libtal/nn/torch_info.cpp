#include "libtal/nn/torch_info.h"

#include <torch/version.h>

namespace tal {

std::string torch_version() { return std::string("LibTorch ") + TORCH_VERSION; }

}  // namespace tal
