#include "libtal/nn/checkpoint.h"

#include <utility>

#include "libtal/nn/own_gradients.h"

namespace tal {
namespace {

thread_local bool second_time = false;

class Recomputing {
 public:
  Recomputing() : before_(second_time) { second_time = true; }
  ~Recomputing() { second_time = before_; }

 private:
  bool before_;
};

using Part = std::function<torch::Tensor(const torch::Tensor&)>;

// saved: x, then the parameters.
std::vector<torch::Tensor> gradients_of(const Part& part, const Backward& known) {
  const auto& saved = known.saved;
  std::vector<torch::Tensor> wanted;
  std::vector<std::size_t> places;
  const auto x = saved[0].detach().requires_grad_(saved[0].requires_grad());
  for (std::size_t i = 0; i < saved.size(); ++i) {
    const auto& input = i == 0 ? x : saved[i];
    if (input.requires_grad()) wanted.push_back(input), places.push_back(i);
  }
  std::vector<torch::Tensor> result(saved.size());
  const torch::AutoGradMode on(true);
  const Recomputing second;
  const auto found =
      torch::autograd::grad({part(x)}, wanted, {known.upstream}, std::nullopt, false, /*allow_unused=*/true);
  for (std::size_t k = 0; k < places.size(); ++k) result[places[k]] = found[k];
  return result;
}

}  // namespace

torch::Tensor checkpoint(Part part, const torch::Tensor& x, const std::vector<torch::Tensor>& parameters) {
  std::vector<torch::Tensor> inputs = {x};
  inputs.insert(inputs.end(), parameters.begin(), parameters.end());
  return with_gradients(inputs, [&] {
    return Operation{part(x), inputs, [part](const Backward& known) { return gradients_of(part, known); }};
  });
}

bool recomputing() { return second_time; }

}  // namespace tal
