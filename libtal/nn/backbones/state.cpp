#include "libtal/nn/backbones/state.h"

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/data/weights.h"
#include "libtal/nn/tensors.h"

namespace tal {
namespace {

bool only_counts(const std::string& name) { return name.ends_with("num_batches_tracked"); }

// "3 tensors are missing: a [1, 2], b [3] ..."
class Listing {
 public:
  explicit Listing(std::string what) : what_(std::move(what)) {}
  void add(const std::string& text) {
    if (++count_ <= 8) text_ += (count_ > 1 ? ", " : "") + text;
  }
  std::string text() const {
    if (count_ == 0) return "";
    return "; " + std::to_string(count_) + " " + what_ + ": " + text_ + (count_ > 8 ? ", ..." : "");
  }

 private:
  std::string what_, text_;
  std::size_t count_ = 0;
};

std::string shape_of(const torch::Tensor& tensor) { return shape_text(tensor.sizes().vec()); }

std::map<std::string, torch::Tensor> tensors_of(torch::nn::Module& network) {
  std::map<std::string, torch::Tensor> all;
  for (const auto& item : network.named_parameters()) all.emplace(item.key(), item.value());
  for (const auto& item : network.named_buffers()) all.emplace(item.key(), item.value());
  return all;
}

}  // namespace

bool begins_with_any(const std::string& name, const std::vector<std::string>& prefixes) {
  return std::any_of(prefixes.begin(), prefixes.end(), [&](const std::string& prefix) { return name.rfind(prefix, 0) == 0; });
}

void load_state(torch::nn::Module& network, const std::map<std::string, torch::Tensor>& state, const std::string& what,
                const std::vector<std::string>& ignored_prefixes, const std::string& source) {
  const torch::NoGradGuard guard;
  Listing missing("tensors are missing"), odd("have another shape"), left_over("belong to nothing in the network");
  auto own = tensors_of(network);
  for (auto& [name, tensor] : own) {
    const auto found = state.find(name);
    if (found == state.end()) {
      if (!only_counts(name)) missing.add(name + " " + shape_of(tensor));
    } else if (found->second.sizes() != tensor.sizes()) {
      odd.add(name + " " + shape_of(found->second) + " where the network has " + shape_of(tensor));
    } else {
      tensor.copy_(found->second);
    }
  }
  for (const auto& [name, tensor] : state)
    if (!own.count(name) && !only_counts(name) && !begins_with_any(name, ignored_prefixes)) left_over.add(name + " " + shape_of(tensor));
  const std::string faults = missing.text() + odd.text() + left_over.text();
  if (!faults.empty()) throw Error("'" + source + "' does not hold the weights of " + what + faults + " (tal-convert --weights --map renames)");
}

std::map<std::string, torch::Tensor> read_state(const std::string& file) {
  const MappedFile mapped(file);
  std::map<std::string, torch::Tensor> state;
  try {
    const ImportedWeights weights = read_weights(mapped.bytes(), "");
    for (const auto& view : weights.tensors) state.emplace(view.name, tensor_of(view));
  } catch (const Error& error) {
    throw Error("'" + file + "': " + error.message());
  }
  return state;
}

}  // namespace tal
