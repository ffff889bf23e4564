// The attention modules of BSN++'s proposal relation block (3.3, Fig. 4; Eq. (3)), fast over all proposals of
// a map.
//
// Fig. 4 puts a convolution of kernel 1 behind each attention. Both are linear in what the attention sums, so
// the convolution may come first: through() sums its k outputs instead of the C channels, and no feature of
// an attended proposal is ever stored. Several convolutions behind the same attention share its weights. B
// batch, L proposals, C channels.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

namespace tal {

// What a kind makes of the proposals x [B, L, C]:
// - position: x_j + scale sum_i P[j, i] x_i, P[j, i] = softmax_i(A_i . B_j), A and B learned, over the proposals.
// - channel: X + scale P X, P = softmax over the second index of X X^T, X = channels x proposals.
// - plain: x itself.
// - aggregated: nothing of its own; it reads the sum of position and channel.
class RelationAttentionImpl : public torch::nn::Module {
 public:
  RelationAttentionImpl(const std::string& kind, std::int64_t channels, std::int64_t filters);

  // As the paper writes it: [B, L, C] -> [B, L, C]. Error for aggregated, and for another shape.
  torch::Tensor attend(const torch::Tensor& x);
  // The same attention with convolutions of kernel 1 behind it, without their biases. weights [k, C] of each
  // -> [B, L, k] of each. Error for aggregated, and for another shape.
  std::vector<torch::Tensor> through(const torch::Tensor& x, const std::vector<torch::Tensor>& weights);
  // Whether this branch reads what an attention of kind `attention` gives.
  bool reads(const std::string& attention) const;

 private:
  void check_proposals(const torch::Tensor& x) const;
  torch::Tensor position(const torch::Tensor& x, const torch::Tensor& values);
  torch::Tensor channel_mixing(const torch::Tensor& x);  // I + scale P, [B, C, C]

  std::string kind_;
  std::int64_t channels_;
  torch::nn::Conv2d a_{nullptr}, b_{nullptr};
  torch::Tensor scale_;
};

}  // namespace tal
