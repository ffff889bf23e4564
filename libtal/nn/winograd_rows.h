// Convolutions of three taps over rows with half the multiplications: Winograd's minimal filtering F(4, 3), by which
// four neighbouring results cost six products instead of twelve (Lavin and Gray, arXiv 1509.09308). Its points are
// 0, 1, -1, 2, -1/2 and infinity, which lose less in float32 than whole numbers do (Barabasz et al., arXiv 1803.10986):
// about twice the rounding of a plain sum. float32 on the CPU.
#pragma once

#include <ATen/ATen.h>

namespace tal {

// Whether a convolution of three taps, x [B, T, C] and weight [O, C, 3], is faster this way.
bool winograd_pays(const at::Tensor& x, const at::Tensor& weight);

// x [B, T, C], weight [O, C, 3], bias [O] or undefined -> [B, T, O]; rows outside are zero. Differentiable once.
at::Tensor winograd_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

}  // namespace tal
