// What LibTorch this build runs with; the first thing --version and error reports need.
#pragma once

#include <string>

namespace tal {

// "LibTorch 2.11.0", "LibTorch 2.11.0 with CUDA kernels (sm 75 80 90)" where nvcc compiled libtal/cuda.
std::string torch_version();

}  // namespace tal
