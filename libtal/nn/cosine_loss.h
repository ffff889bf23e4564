// Classification of action stages with margins: softmax, LMCL, VMCL and its angular form (CMSN, 4.1-4.3).
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>

namespace tal {

struct CosineLossOptions {
  std::string form = "vmcl";           // softmax (Eq. (2)), lmcl (Eq. (3)), vmcl (Eq. (5)), angular (Eq. (8))
  std::string margin_form = "worked";  // of f(j, i): the paper's worked example, or eq7 as printed
  double scale = 30;                   // s
  double m = 0.1, n = 0.15;            // growth and smallest margin of f(j, i)
  double constant_margin = 0.35;       // m of LMCL
};

// The last layer over stages and its loss. With cosines: l2-normalised features and class weights, no bias, logits
// cos(theta_j); with softmax: a linear layer. Parameters: weight [K, d], bias [K] (softmax only).
struct ActionStageClassifierImpl : torch::nn::Module {
  ActionStageClassifierImpl(std::int64_t dim, const CosineLossOptions& options);
  torch::Tensor forward(const torch::Tensor& x);  // [..., d] -> [..., K] cosines, or logits of softmax
  torch::Tensor probabilities(const torch::Tensor& outputs) const;  // of forward's result: softmax(s cos) or
                                                                    // softmax(logits)
  // outputs [..., K] of forward, label [...] (-1: left out) -> mean over what is left.
  torch::Tensor loss(const torch::Tensor& outputs, const torch::Tensor& label) const;

  torch::Tensor weight, bias;

 private:
  CosineLossOptions options_;
  torch::Tensor margins_;  // f(j, y) [K, K], double on the CPU
};
TORCH_MODULE(ActionStageClassifier);

}  // namespace tal
