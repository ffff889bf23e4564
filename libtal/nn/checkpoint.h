// Activation checkpointing (Chen et al., arXiv 1604.06174): what a part of a network computes on the way is not kept
// for its gradients, but computed again when they are wanted.
#pragma once

#include <torch/torch.h>

#include <functional>
#include <vector>

namespace tal {

// part(x), keeping x only. `parameters` are those that the part uses and that may want gradients; a parameter that is
// not among them gets none. The part must give the same tensor whenever it is called with the same x: what it draws at
// random is drawn outside.
torch::Tensor checkpoint(std::function<torch::Tensor(const torch::Tensor&)> part, const torch::Tensor& x,
                         const std::vector<torch::Tensor>& parameters);

// Whether this thread computes a part for the second time: running statistics then stay as they are.
bool recomputing();

}  // namespace tal
