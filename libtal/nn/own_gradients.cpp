#include "libtal/nn/own_gradients.h"

#include <torch/torch.h>

#include <utility>

namespace tal {
namespace {

using Places = std::vector<std::size_t>;  // of the inputs that are defined: LibTorch takes no others

struct Gradients : torch::CustomClassHolder {
  Gradients(std::size_t n, Places p, decltype(Operation::gradients) f)
      : inputs(n), places(std::move(p)), compute(std::move(f)) {}
  std::size_t inputs;
  Places places;
  decltype(Operation::gradients) compute;
};

class Recorded : public torch::autograd::Function<Recorded> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* context, at::TensorList, std::size_t inputs,
                            const Places& places, const std::function<Operation()>& operation) {
    Operation done = operation();
    context->save_for_backward(std::move(done.saved));
    context->saved_data["gradients"] =
        at::IValue::make_capsule(c10::make_intrusive<Gradients>(inputs, places, std::move(done.gradients)));
    return done.result;
  }
  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* context,
                                                 const torch::autograd::variable_list& upstream) {
    const auto held = c10::static_intrusive_pointer_cast<Gradients>(context->saved_data["gradients"].toCapsule());
    const auto& places = held->places;
    Backward known{upstream[0], context->get_saved_variables(), std::vector<bool>(held->inputs)};
    for (std::size_t i = 0; i < places.size(); ++i) known.wanted[places[i]] = context->needs_input_grad(i);
    const auto found = held->compute(known);
    constexpr std::size_t kNoTensors = 3;  // arguments of forward() behind the list
    torch::autograd::variable_list out(places.size() + kNoTensors);
    for (std::size_t i = 0; i < places.size(); ++i) out[i] = found.at(places[i]);
    return out;
  }
};

}  // namespace

at::Tensor with_gradients(const std::vector<at::Tensor>& inputs, const std::function<Operation()>& operation) {
  std::vector<at::Tensor> defined;
  Places places;
  bool wanted = false;
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    defined.push_back(inputs[i]), places.push_back(i);
    wanted = wanted || inputs[i].requires_grad();
  }
  if (wanted && at::GradMode::is_enabled())
    return Recorded::apply(at::TensorList(defined), inputs.size(), places, operation);
  const at::NoGradGuard guard;
  return operation().result;
}

}  // namespace tal
