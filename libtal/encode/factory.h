// Encoder networks with their weights: state dicts of the references, imported by name.
#pragma once

#include <c10/core/Device.h>

#include <map>
#include <memory>
#include <string>

#include "libtal/encode/network.h"
#include "libtal/encode/recipes.h"

namespace tal {

// The architecture without weights (all convolutions zero). classes 0: without its classifier. `recipe.name` decides.
std::shared_ptr<EncoderNetwork> make_encoder_network(const EncoderRecipe& recipe, std::int64_t classes);

// The named tensors of a safetensors, .pt/.pth (state dict) or .npz file. Error names the file.
std::map<std::string, torch::Tensor> read_state(const std::string& file);

// Fills a network from named tensors. Every tensor of the network must be there with its shape, and no other; only num_batches_tracked and
// what the recipe ignores may be absent or left over. Error lists what is missing, left over or of another shape, both sides.
void load_state(torch::nn::Module& network, const std::map<std::string, torch::Tensor>& state, const EncoderRecipe& recipe, const std::string& source);

// read_state() of a file -> the network on `device`, ready for inference; the number of classes is the file's (none when
// it has no classifier). Error names the file.
std::shared_ptr<EncoderNetwork> load_encoder_network(const EncoderRecipe& recipe, const std::string& file, c10::Device device);

}  // namespace tal
