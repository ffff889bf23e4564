// A bidirectional LSTM over many sequences of one length whose input rows are shared.
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <vector>

#include "libtal/nn/interval_rows.h"

namespace tal {

// Parameters and gate order (i, f, g, o) of torch.nn.LSTM(batch_first, bidirectional); zero initial state.
class BiLstmImpl : public torch::nn::Module {
 public:
  BiLstmImpl(std::int64_t inputs, std::int64_t hidden);
  std::int64_t outputs() const { return 2 * hidden_; }

  // [N, L, in] -> [N, L, 2H]; [n, k] = forward state, then backward state.
  torch::Tensor forward(const torch::Tensor& input);
  // The same over shared rows. Without gradients on the CPU each distinct row is multiplied by the input weights once,
  // and directions and groups of sequences run side by side; otherwise forward(rows.expand()).
  torch::Tensor forward_shared(const SharedRows& rows);

  // As of any module. On CUDA the parameters move into one piece of memory, as cuDNN wants them; loading and training
  // write into them and leave them there.
  void to(torch::Device device, torch::Dtype type, bool non_blocking = false) override;
  void to(torch::Dtype type, bool non_blocking = false) override;
  void to(torch::Device device, bool non_blocking = false) override;

 private:
  struct Direction {
    torch::Tensor w_ih, w_hh, b_ih, b_hh;  // [4H, in], [4H, H], [4H], [4H]
  };
  std::vector<torch::Tensor> weights() const;  // as torch::lstm takes them
  void flatten();
  torch::Tensor run_shared(const SharedRows& rows) const;

  std::int64_t hidden_;
  Direction directions_[2];
};
TORCH_MODULE(BiLstm);

}  // namespace tal
