// Operations that know their own gradients. A torch::autograd::Function each would do the same, but its templates take
// the compiler nine seconds in every source that has one, and what is no tensor has to pass through LibTorch's types.
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

namespace tal {

// What the gradients of an operation's inputs are computed from.
struct Backward {
  at::Tensor upstream;            // gradient of the result, of its shape
  std::vector<at::Tensor> saved;  // as Operation has them
  std::vector<bool> wanted;       // of each input, whether its gradient is asked for
};

struct Operation {
  at::Tensor result;
  // Tensors that the gradients read: inputs, the result, others; undefined ones too. They must not be captured:
  // LibTorch would not see that one was changed in place since, and a result that its own graph holds would never be
  // freed.
  std::vector<at::Tensor> saved;
  // One gradient an input, in their order; undefined where it is not wanted or zero.
  std::function<std::vector<at::Tensor>(const Backward&)> gradients;
};

// What `operation` gives, computed without a graph, and recorded with its own gradients where one of the inputs wants
// some. inputs: all tensors that may; undefined ones are none.
at::Tensor with_gradients(const std::vector<at::Tensor>& inputs, const std::function<Operation()>& operation);

}  // namespace tal
