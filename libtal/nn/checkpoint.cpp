#include "libtal/nn/checkpoint.h"

#include <utility>

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

struct Part : torch::CustomClassHolder {
  explicit Part(std::function<torch::Tensor(const torch::Tensor&)> f) : fn(std::move(f)) {}
  std::function<torch::Tensor(const torch::Tensor&)> fn;
};

class Checkpoint : public torch::autograd::Function<Checkpoint> {
 public:
  static torch::Tensor forward(torch::autograd::AutogradContext* ctx, const c10::intrusive_ptr<Part>& part,
                               const torch::Tensor& x, at::TensorList parameters) {
    torch::autograd::variable_list saved = {x};
    saved.insert(saved.end(), parameters.begin(), parameters.end());
    ctx->save_for_backward(std::move(saved));
    ctx->saved_data["part"] = torch::IValue::make_capsule(part);
    return part->fn(x);
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx,
                                                 const torch::autograd::variable_list& gradients) {
    const auto saved = ctx->get_saved_variables();
    const auto part = c10::static_intrusive_pointer_cast<Part>(ctx->saved_data["part"].toCapsule());
    torch::autograd::variable_list wanted;
    std::vector<std::size_t> places;
    const auto x = saved[0].detach().requires_grad_(saved[0].requires_grad());
    for (std::size_t i = 0; i < saved.size(); ++i) {
      const auto& input = i == 0 ? x : saved[i];
      if (input.requires_grad()) wanted.push_back(input), places.push_back(i + 1);
    }
    torch::autograd::variable_list result(saved.size() + 1);  // the first argument is no tensor
    const torch::AutoGradMode on(true);
    const Recomputing second;
    const auto found =
        torch::autograd::grad({part->fn(x)}, wanted, {gradients[0]}, std::nullopt, false, /*allow_unused=*/true);
    for (std::size_t k = 0; k < places.size(); ++k) result[places[k]] = found[k];
    return result;
  }
};

}  // namespace

torch::Tensor checkpoint(std::function<torch::Tensor(const torch::Tensor&)> part, const torch::Tensor& x,
                         const std::vector<torch::Tensor>& parameters) {
  return Checkpoint::apply(c10::make_intrusive<Part>(std::move(part)), x, at::TensorList(parameters));
}

bool recomputing() { return second_time; }

}  // namespace tal
