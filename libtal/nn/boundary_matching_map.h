// Layers on the map of proposals that compute its valid entries (i + j < T) only: about half of D x T.
// Packed features are [B, L, C], proposals in the order of BoundaryMatchingTable; 1 x 1 convolutions are plain linear
// layers there. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

#include "libtal/nn/boundary_matching.h"

namespace tal {

// [B, L, C] -> [B, C, D, T], `fill` at invalid proposals; differentiable.
at::Tensor proposals_to_map(const at::Tensor& packed, const BoundaryMatchingTable& table, double fill = 0);
// [B, C, D, T] -> [B, L, C]; differentiable.
at::Tensor map_to_proposals(const at::Tensor& map, const BoundaryMatchingTable& table);

// Which entries of the map are valid: [D, T] bool, on this device.
at::Tensor valid_proposals(const BoundaryMatchingTable& table, const at::Device& device);

// 3 x 3 convolution of the D x T map with zero padding, at valid proposals: [B, L, C] -> [B, L, O]. weight [O, C, 3,
// 3], bias [O]. `outside` [C] is what the layer before has at invalid proposals (its activation of the bias).
// Differentiable in all; float or double. Other devices than the CPU convolve the dense map.
at::Tensor convolve_proposals(const at::Tensor& packed, const at::Tensor& weight, const at::Tensor& bias,
                              const at::Tensor& outside, const BoundaryMatchingTable& table);

}  // namespace tal
