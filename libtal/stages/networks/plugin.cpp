// What libtal-nn.so offers to the tools (libtal/stages/plugins.h).
#include "libtal/nn/torch_info.h"
#include "libtal/stages/networks/models.h"
#include "libtal/stages/networks/train.h"
#include "libtal/stages/plugins.h"

extern "C" const tal::NetworkStages* tal_network_stages(int interface) {
  static const tal::NetworkStages stages{tal::torch_version, tal::run_model_stage, tal::run_propose,
                                         tal::train_command};
  return interface == tal::kPluginInterface ? &stages : nullptr;
}
