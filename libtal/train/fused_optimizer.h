// Adam, AdamW and the clipping of gradients over all tensors in one kernel each, as a GPU wants them: LibTorch's own
// C++ classes start a dozen small kernels for every parameter. Values are those of the plain forms but for rounding; on
// the processor, where nothing is gained, the trainer keeps the plain ones and so their bytes.
#pragma once

#include <torch/torch.h>

#include <vector>

namespace tal {

// Parameters of one device and floating type. State and checkpoints (checkpoint.h) are those of torch::optim::Adam.
class FusedAdam : public torch::optim::Adam {
 public:
  using Adam::Adam;
  torch::Tensor step(LossClosure closure = nullptr) override;  // undefined; takes no closure
};
class FusedAdamW : public torch::optim::AdamW {
 public:
  using AdamW::AdamW;
  torch::Tensor step(LossClosure closure = nullptr) override;
};

// torch::nn::utils::clip_grad_norm_: multiplies the gradients of `parameters` (undefined ones are left out) so that
// their norm together is at most `largest`, and returns what it was.
double clip_gradients_fused(const std::vector<torch::Tensor>& parameters, double largest);

}  // namespace tal
