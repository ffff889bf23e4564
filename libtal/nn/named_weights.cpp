#include "libtal/nn/named_weights.h"

#include "libtal/io/safetensors.h"

namespace tal {

std::map<std::string, torch::Tensor> weights_of(torch::nn::Module& network) {
  std::map<std::string, torch::Tensor> weights;
  for (const auto& item : network.named_parameters()) weights.emplace(item.key(), item.value().detach());
  for (const auto& item : network.named_buffers()) weights.emplace(item.key(), item.value().detach());
  return weights;
}

std::string tensor_shape(const torch::Tensor& tensor) { return shape_text(tensor.sizes().vec()); }

WeightMatch match_weights(const std::map<std::string, torch::Tensor>& own,
                          const std::map<std::string, torch::Tensor>& given) {
  WeightMatch match;
  for (const auto& [name, tensor] : own) {
    const auto found = given.find(name);
    (found == given.end()                      ? match.missing
     : found->second.sizes() != tensor.sizes() ? match.odd
                                               : match.taken)
        .push_back(name);
  }
  for (const auto& [name, tensor] : given)
    if (!own.count(name)) match.left_over.push_back(name);
  return match;
}

}  // namespace tal
