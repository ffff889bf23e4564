// A 2-layer bidirectional GRU over many ranges of one sequence, each from a zero state: what torch.nn.GRU gives for
// every range alone.
//
// Shared between ranges: input projections of the rows (layer 1), the forward run of layer 1 between ranges with the
// same start, its backward run between ranges with the same end, and both runs' projections for layer 2; equal ranges
// are computed once. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <span>

#include "libtal/nn/pyramid.h"

namespace tal {

// x [U, C], ranges non-empty and inside x (Error for others) -> [M, 2H]: the last forward and the first backward output
// of layer 2. Inference only. Works on groups of ranges so that at most about `budget` run states are held at a time.
torch::Tensor range_gru(const torch::nn::GRU& gru, const torch::Tensor& x, std::span<const RowRange> ranges,
                        std::int64_t budget = 16384);

}  // namespace tal
