// The recurrent part of an LSTM over many sequences at once, on the CPU: the product with the recurrent weights, the
// gates and the new state in one pass over registers. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace tal {

// Gates in the order i, f, g, o of torch.nn.LSTM. Float, on the CPU, inference only.
class LstmRecurrence {
 public:
  explicit LstmRecurrence(const at::Tensor& w_hh);  // [4H, H]

  // Rows of a [4H, ..] weight or a [4H] bias in the order in which run() reads them: for every 16 units (the last
  // filled up with zeros) i, f, g, o.
  at::Tensor arranged(const at::Tensor& weight) const;

  // All steps of `count` sequences from the zero state. input [W, 4 H'] (arranged): what each distinct row adds to the
  // gates; steps [L, N] (int64): the row of step k of sequence n; sequences first .. first + count - 1 of N. backward:
  // from the last step to the first. States go to out [N, L, S] (contiguous) at columns column .. column + H - 1.
  void run(const at::Tensor& input, const at::Tensor& steps, std::int64_t first, std::int64_t count, bool backward,
           const at::Tensor& out, std::int64_t column) const;

 private:
  std::int64_t hidden_ = 0, blocks_ = 0;
  at::Tensor weight_;  // [blocks, H, 4, 16]
};

}  // namespace tal
