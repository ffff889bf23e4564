// Encoder networks with their weights: state dicts of the references, imported by name.
#pragma once

#include <c10/core/Device.h>

#include <map>
#include <memory>
#include <string>

#include "libtal/encoder/recipes.h"
#include "libtal/nn/backbones/backbone.h"

namespace tal {

// The architecture without weights (all convolutions zero). classes 0: without its classifier. `recipe.name` decides.
std::shared_ptr<EncoderNetwork> make_encoder_network(const EncoderRecipe& recipe, std::int64_t classes);

// read_state() of a file -> the network on `device`, ready for inference; the number of classes is the file's (none
// when it has no classifier). Error names the file.
std::shared_ptr<EncoderNetwork> load_encoder_network(const EncoderRecipe& recipe, const std::string& file,
                                                     c10::Device device);

}  // namespace tal
