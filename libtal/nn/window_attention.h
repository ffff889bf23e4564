// Attention of every row to the rows around it: memory and time grow with T times the window, not with T squared, and
// no chunk of a sequence is copied.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace tal {

// Row t of head h sees rows t - window / 2 .. t + window / 2 of the same head that lie inside the sequence, the first
// lengths[b] of T rows: out[b, t, h] = sum_j softmax_j(scale q[b, t, h] . k[b, j, h] + bias[h, j - t + window / 2])
// v[b, j, h]. q, k, v [B, T, H d], head h in columns h d .. (h + 1) d - 1; bias [H, window] or undefined; window odd,
// or 1 or less for all rows of the sequence. Rows behind a sequence's end are zero. -> [B, T, H d]. Differentiable; any
// floating type and device (a kernel of ours for float32 on the CPU). ActionFormer, arXiv 2202.07925, 3.2.
at::Tensor window_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias,
                            const std::vector<std::int64_t>& lengths, std::int64_t heads, std::int64_t window,
                            double scale);
// The plain form, with all T x T scores.
at::Tensor window_attention_reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                      const at::Tensor& bias, const std::vector<std::int64_t>& lengths,
                                      std::int64_t heads, std::int64_t window, double scale);

}  // namespace tal
