// A network's pass on CUDA as one launch. At a batch of one, launching the kernels takes longer than they do.
#pragma once

#include <ATen/core/Tensor.h>
#include <c10/core/ScalarType.h>

#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

namespace tal {

class RecordedPass;

// Runs pass(x), and on CUDA without gradients, from the second input of a shape on, replays what it launched
// (libtal/graphs). What it then returns holds until the next call. Calls come one at a time.
class ReplayedPass {
 public:
  using Pass = std::function<std::vector<at::Tensor>(const at::Tensor&)>;
  // weights: tensors that the pass reads beside x, by handle. It is recorded anew when one of them has changed.
  std::vector<at::Tensor> operator()(const at::Tensor& x, const c10::Device& device,
                                     const std::vector<at::Tensor>& weights, const Pass& pass);
  // Why passes are not replayed; "": they are, or nothing was tried yet.
  const std::string& refusal() const { return refusal_; }

 private:
  struct Recorded {
    std::vector<std::int64_t> sizes, strides;
    c10::ScalarType type, computed;  // of x, and of Autocast
    at::Tensor x;                    // undefined: seen once
    std::vector<at::Tensor> results;
    std::shared_ptr<RecordedPass> pass;
  };
  Recorded* find(const at::Tensor& x);
  void forget_changed(const std::vector<at::Tensor>& weights);

  std::vector<std::pair<const void*, std::uint32_t>> state_;  // memory and version of each weight
  std::vector<Recorded> kept_;
  std::string refusal_;
};

}  // namespace tal
