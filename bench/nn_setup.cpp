// LibTorch as the tools set it up, for all cases and their baselines.
#include <torch/torch.h>

#include "libtal/nn/device.h"

namespace tal::bench {
namespace {
[[maybe_unused]] const bool started = (start_computing(at::get_num_threads()), true);
}
}  // namespace tal::bench
