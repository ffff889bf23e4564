// Models as files: safetensors with the network's parameters and buffers under LibTorch's names, and in the metadata
// all that is needed to build and refuse: format, model, settings, inference settings, inputs (streams, contracts,
// classes), training summary.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "libtal/io/model_format.h"
#include "libtal/models/core/model.h"

namespace tal {

// Atomic; the same model gives the same bytes. training: JSON object of the run that made it.
void save_model(const std::string& path, Model& model, const std::string& training);

// Builds the model that the file describes and loads its weights, ready for inference (eval mode); path: a file, or
// FILE/MODEL of a bundle. Error names the path and both sides of whatever does not match: format, names, shapes.
std::unique_ptr<Model> load_model(const std::string& path);

// Every name of the network must be there with its shape and finite values, and nothing else.
void load_weights(torch::nn::Module& network, const std::map<std::string, torch::Tensor>& weights,
                  const std::string& source);

// The streams that a model file's metadata `inputs` names. Error when a stream's settings do not have their hash.
std::vector<StreamContract> read_streams(const std::string& inputs);

// Takes the columns' mean and scale out of a model file's tensors; both empty when it has none. Error when they do not
// fit each other.
std::pair<std::vector<float>, std::vector<float>> take_normalisation(std::map<std::string, torch::Tensor>& tensors,
                                                                     const std::string& path);

}  // namespace tal
