// The norm over channels beside a convolution over rows, with what detectors do to its result - a ReLU, zeros behind
// the ends of sequences - in one pass over the rows. x [B, T, C] with rows as in libtal/nn/row_convolution.h.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>

namespace tal {

// What a row is: of a sequence; outside, where the result is zero; or outside, where the norm sees zeros and leaves its
// bias, as published code does.
enum RowKind : std::uint8_t { kRowOutside = 0, kRowInside = 1, kRowOfZeros = 2 };

// (x - mean) / sqrt(variance + eps) weight + bias, mean and variance of each row (Ba et al., arXiv 1607.06450), and the
// ReLU of that when `relu`. x [B, T, C], weight and bias [C]; kinds [B, T] uint8 of RowKind, or undefined: all rows
// inside -> [B, T, C]. Differentiable once; float32 on the CPU by its own kernels.
at::Tensor norm_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                     const at::Tensor& kinds, bool relu);
// The same with LibTorch's own functions, for any floating type and device.
at::Tensor norm_rows_reference(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                               const at::Tensor& kinds, bool relu);

}  // namespace tal
