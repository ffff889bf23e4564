// Layers that mix the rows of a sequence by selective scans in both directions of time: DBM of the Video Mamba Suite
// (Chen et al., arXiv 2403.09626) and CausalTAD's, which adds causal attention (Liu et al., arXiv 2407.17792).
// Parameters are named as theirs. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace tal {

// What both have: d channels within, one set of weights for both directions, an input projection without bias that
// gives each direction its rows, the scan's path and an output projection without bias. The path, of x and z [T, d]:
// x' = silu(causal depthwise convolution of x); [delta, B, C] = x_proj x' (ceil(E / 16), N and N wide); a scan of x'
// (libtal/nn/selective_scan.h) with the steps softplus(dt_proj delta), A = -exp(A_log), D and the gate z.
class ScanMixerImpl : public torch::nn::Module {
 public:
  // x [B, T, E] -> [B, T, E].
  // lengths undefined: every sequence has T rows; its last is the first of the other direction. Else [B] int64: rows
  // behind a sequence's own are taken for zeros and come out as zeros, and its own come out as if there were no others.
  torch::Tensor forward(const torch::Tensor& x, const torch::Tensor& lengths = {});

 protected:
  // d = expand E channels; `parts` inputs and `outputs` outputs of d channels each direction.
  ScanMixerImpl(std::int64_t channels, std::int64_t conv, std::int64_t states, std::int64_t expand, std::int64_t parts,
                std::int64_t outputs);
  // One direction: rows [B, T, parts d], zeros behind those of a sequence -> [B, T, outputs d].
  virtual torch::Tensor mix(const torch::Tensor& rows) = 0;
  // The scan's path: x, z [B, T, d] -> [B, T, d].
  torch::Tensor scan(const torch::Tensor& x, const torch::Tensor& z);

  std::int64_t inner_;  // d

 private:
  std::int64_t states_, parts_;
  torch::nn::Linear in_proj_{nullptr}, x_proj_{nullptr}, dt_proj_{nullptr}, out_proj_{nullptr};
  torch::nn::Conv1d conv1d_{nullptr};
  torch::Tensor a_log_, d_;  // [d, N], [d]
};

// DBM: each direction is the scan's path alone.
class BidirectionalMixerImpl : public ScanMixerImpl {
 public:
  explicit BidirectionalMixerImpl(std::int64_t channels, std::int64_t conv = 4, std::int64_t states = 16,
                                  std::int64_t expand = 1);

 protected:
  torch::Tensor mix(const torch::Tensor& rows) override;
};
TORCH_MODULE(BidirectionalMixer);

// CausalTAD: each direction is the scan's path beside causal attention of `heads` heads, which a gate of its own
// multiplies. Queries, keys and values come from a depthwise convolution of three rows with three outputs a channel, in
// the channels' order: queries see the first third of them, keys the second and values the last. Error unless d is a
// multiple of the heads.
class CausalMixerImpl : public ScanMixerImpl {
 public:
  explicit CausalMixerImpl(std::int64_t channels, std::int64_t heads = 4, std::int64_t conv = 4,
                           std::int64_t states = 16, std::int64_t expand = 2);

 protected:
  torch::Tensor mix(const torch::Tensor& rows) override;

 private:
  std::int64_t heads_;
  torch::nn::Conv1d qkv_{nullptr};
};
TORCH_MODULE(CausalMixer);

}  // namespace tal
