// What LibTorch this build runs with; the first thing --version and error reports need.
#pragma once

#include <string>

namespace tal {

// "LibTorch 2.11.0", "LibTorch 2.11.0 with CUDA kernels (sm 75 80 90)" where nvcc compiled libtal/cuda.
std::string torch_version();

// From now on LibTorch's warnings are written to stderr, in its own form, or (`wanted` false) not at all, in every
// thread: a handler of warnings (c10::WarningUtils) would be one thread's. TORCH_CPP_LOG_LEVEL in the environment wins.
void settle_torch_warnings(bool wanted);

}  // namespace tal
