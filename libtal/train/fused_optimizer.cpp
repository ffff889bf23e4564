#include "libtal/train/fused_optimizer.h"

#include <map>

namespace tal {
namespace {

struct Lists {
  std::vector<torch::Tensor> parameters, gradients, first, second;  // moments
};

// update(lists, state_steps, options) for parameters that have seen the same number of gradients.
template <class Options, class State, class Update>
void fused_step(torch::optim::Optimizer& optimizer, Update&& update) {
  const torch::NoGradGuard guard;
  for (auto& group : optimizer.param_groups()) {
    std::map<std::int64_t, Lists> by_step;
    for (auto& parameter : group.params()) {
      const torch::Tensor& gradient = parameter.grad();
      if (!gradient.defined()) continue;
      auto& slot = optimizer.state()[parameter.unsafeGetTensorImpl()];
      if (!slot) {
        auto fresh = std::make_unique<State>();
        fresh->exp_avg(torch::zeros_like(parameter)), fresh->exp_avg_sq(torch::zeros_like(parameter));
        slot = std::move(fresh);
      }
      auto& state = static_cast<State&>(*slot);
      state.step(state.step() + 1);
      Lists& lists = by_step[state.step()];
      lists.parameters.push_back(parameter);
      // One kernel walks through the memory of all four: a gradient of another layout is copied.
      lists.gradients.push_back(
          gradient.strides() == parameter.strides() ? gradient : torch::empty_like(parameter).copy_(gradient));
      lists.first.push_back(state.exp_avg()), lists.second.push_back(state.exp_avg_sq());
    }
    for (auto& [step, lists] : by_step) {
      // It only reads them, so that one tensor will do for all.
      const std::vector<torch::Tensor> steps(
          lists.parameters.size(),
          torch::full({}, static_cast<double>(step), lists.parameters[0].options().dtype(torch::kFloat)));
      update(lists, steps, static_cast<const Options&>(group.options()));
    }
  }
}

}  // namespace

torch::Tensor FusedAdam::step(LossClosure) {
  fused_step<torch::optim::AdamOptions, torch::optim::AdamParamState>(
      *this, [](Lists& l, const std::vector<torch::Tensor>& steps, const torch::optim::AdamOptions& o) {
        at::_fused_adam_(l.parameters, l.gradients, l.first, l.second, {}, steps, o.lr(), std::get<0>(o.betas()),
                         std::get<1>(o.betas()), o.weight_decay(), o.eps(), /*amsgrad=*/false, /*maximize=*/false);
      });
  return {};
}

torch::Tensor FusedAdamW::step(LossClosure) {
  fused_step<torch::optim::AdamWOptions, torch::optim::AdamWParamState>(
      *this, [](Lists& l, const std::vector<torch::Tensor>& steps, const torch::optim::AdamWOptions& o) {
        at::_fused_adamw_(l.parameters, l.gradients, l.first, l.second, {}, steps, o.lr(), std::get<0>(o.betas()),
                          std::get<1>(o.betas()), o.weight_decay(), o.eps(), /*amsgrad=*/false, /*maximize=*/false);
      });
  return {};
}

double clip_gradients_fused(const std::vector<torch::Tensor>& parameters, double largest) {
  const torch::NoGradGuard guard;
  std::vector<torch::Tensor> gradients;
  for (const auto& parameter : parameters)
    if (parameter.grad().defined()) gradients.push_back(parameter.grad());
  if (gradients.empty()) return 0;
  const torch::Tensor norm = torch::stack(at::_foreach_norm(gradients, 2)).norm(2);
  at::_foreach_mul_(gradients, (largest / (norm + 1e-6)).clamp_max(1));
  return norm.item<double>();
}

}  // namespace tal
