// What LibTorch this build runs with; the first thing --version and error reports need.
#pragma once

#include <string>

namespace tal {

// "LibTorch 2.11.0"
std::string torch_version();

}  // namespace tal
