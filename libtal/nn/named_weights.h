// A network's parameters and buffers as named tensors, and what of a file's fits them.
#pragma once

#include <torch/torch.h>

#include <map>
#include <string>
#include <vector>

namespace tal {

// By name, detached; they share storage with the network.
std::map<std::string, torch::Tensor> weights_of(torch::nn::Module& network);
std::string tensor_shape(const torch::Tensor& tensor);  // "[64, 3]"

// Names, in alphabetical order.
struct WeightMatch {
  std::vector<std::string> taken;      // in both, with one shape
  std::vector<std::string> missing;    // of the network alone
  std::vector<std::string> odd;        // in both, with two shapes
  std::vector<std::string> left_over;  // given alone
};
WeightMatch match_weights(const std::map<std::string, torch::Tensor>& own,
                          const std::map<std::string, torch::Tensor>& given);

}  // namespace tal
