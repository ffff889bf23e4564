// Weights of backbones: state dicts of their references, by name.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

#include "libtal/base/error.h"

namespace tal {

// The named tensors of a safetensors, .pt/.pth (state dict) or .npz file. Error names the file.
std::map<std::string, torch::Tensor> read_state(const std::string& file);

// Fills a network from named tensors. Every tensor of the network must be there with its shape, and no other; only
// num_batches_tracked, relative_position_index and names with an ignored prefix may be absent or left over. what: the
// network, for messages.
// Error lists what is missing, left over or of another shape, both sides, and names a tensor with NaN or infinity.
void load_state(torch::nn::Module& network, const std::map<std::string, torch::Tensor>& state, const std::string& what,
                const std::vector<std::string>& ignored_prefixes, const std::string& source);

// What `load` gives; an Error of it that does not name the file says that the file does not hold the weights of `what`.
template <class Load>
auto loading(const std::string& file, const std::string& what, Load load) try {
  return load();
} catch (const Error& error) {
  if (error.message().find(file) != std::string::npos) throw;
  throw Error("'" + file + "' does not hold the weights of " + what + ": " + error.message());
}

// Whether a name begins with one of the prefixes.
bool begins_with_any(const std::string& name, const std::vector<std::string>& prefixes);

}  // namespace tal
