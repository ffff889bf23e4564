// LibTorch at run time. libtal-nn.so names its libraries but not where they lie: they are looked for, and opened before
// it.
#pragma once

#include <string>

namespace tal {

struct TorchLibrary {
  std::string folder;   // of libtorch_cpu.so
  std::string origin;   // why it was looked for there: "TAL_TORCH", "beside libtal.so", "torch of python3" (or of
                        // another Python), "the build's"
  std::string version;  // "2.11.0"; "" when its files do not tell
  std::string remark;   // why its CUDA part is not used; "" when it is, or when there is none
};

// Opened once. Looked for in this order: the folder TAL_TORCH (with lib/ or the libraries in it), beside libtal.so, the
// package `torch` of the environment (venv, conda) that tal is installed in, that of the Python that is active, the
// LibTorch that tal was built with (packages know none). One of another version than the
// headers that tal was compiled with (2.11.*, say) is passed over; but TAL_TORCH is what the user asked for, and must
// fit. Error with every place and what was wrong there.
const TorchLibrary& open_torch();

}  // namespace tal
