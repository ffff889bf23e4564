// What libtal-nn.so offers to the tools (libtal/stages/plugins.h).
#include "libtal/base/error.h"
#include "libtal/base/library_warnings.h"
#include "libtal/nn/cuda_kernels.h"
#include "libtal/nn/torch_info.h"
#include "libtal/stages/networks/models.h"
#include "libtal/stages/networks/train.h"
#include "libtal/stages/plugins.h"

namespace {

// What computes; on CUDA without our kernels where their library is gone.
std::string version() {
  try {
    tal::cuda_kernels();
    return tal::torch_version();
  } catch (const tal::Error& error) {
    return tal::torch_version() + ", but " + error.message();
  }
}

}  // namespace

extern "C" const tal::NetworkStages* tal_network_stages(int interface) {
  tal::settle_torch_warnings(tal::library_warnings_wanted());  // every tool comes by here before it computes
  static const tal::NetworkStages stages{version, tal::run_model_stage, tal::run_propose, tal::train_command};
  return interface == tal::kPluginInterface ? &stages : nullptr;
}
