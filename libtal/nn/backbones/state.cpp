#include "libtal/nn/backbones/state.h"

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/data/weights.h"
#include "libtal/nn/named_weights.h"
#include "libtal/nn/tensors.h"

namespace tal {
namespace {

// Counters of training, and the rows of a table of biases that the size of its windows decides: no weights.
bool no_weights(const std::string& name) {
  return name.ends_with("num_batches_tracked") || name.ends_with("relative_position_index");
}

// "; 3 tensors are missing: a [1, 2], b [3] ...", at most eight; "" for none.
std::string listing(const std::vector<std::string>& texts, const char* what) {
  if (texts.empty()) return "";
  constexpr std::size_t kMost = 8;
  const std::vector<std::string> first(texts.begin(),
                                       texts.begin() + static_cast<std::ptrdiff_t>(std::min(texts.size(), kMost)));
  return "; " + std::to_string(texts.size()) + " " + what + ": " + joined(first) +
         (texts.size() > kMost ? ", ..." : "");
}

}  // namespace

bool begins_with_any(const std::string& name, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(),
                     [&](const std::string& prefix) { return name.rfind(prefix, 0) == 0; });
}

void load_state(torch::nn::Module& network, const std::map<std::string, torch::Tensor>& state, const std::string& what,
                const std::vector<std::string>& ignored_prefixes, const std::string& source) {
  const torch::NoGradGuard guard;
  auto own = weights_of(network);
  WeightMatch match = match_weights(own, state);
  for (const auto& name : match.taken) {
    if (const auto& tensor = state.at(name); tensor.is_floating_point() && !at::isfinite(tensor).all().item<bool>())
      throw Error("'" + source + "': tensor '" + name + "' has values that are not finite numbers");
    own.at(name).copy_(state.at(name));
  }
  std::erase_if(match.missing, no_weights);
  std::erase_if(match.left_over,
                [&](const std::string& name) { return no_weights(name) || begins_with_any(name, ignored_prefixes); });
  for (auto& name : match.missing) name += " " + tensor_shape(own.at(name));
  for (auto& name : match.odd)
    name += " " + tensor_shape(state.at(name)) + " where the network has " + tensor_shape(own.at(name));
  for (auto& name : match.left_over) name += " " + tensor_shape(state.at(name));
  const std::string faults = listing(match.missing, "tensors are missing") + listing(match.odd, "have another shape") +
                             listing(match.left_over, "belong to nothing in the network");
  if (!faults.empty())
    throw Error("'" + source + "' does not hold the weights of " + what + faults +
                " (tal-convert --weights --map renames)");
}

std::map<std::string, torch::Tensor> read_state(const std::string& file) {
  const MappedFile mapped(file);
  std::map<std::string, torch::Tensor> state;
  const ImportedWeights weights = read_weights_at_top(mapped.bytes(), file);
  try {
    for (const auto& view : weights.tensors) state.emplace(view.name, tensor_of(view));
  } catch (const Error& error) {
    throw Error("'" + file + "': " + error.message());
  }
  return state;
}

}  // namespace tal
