// The maps of all proposals that BSN++ and BMN give of one stretch of a video, and what is computed of them.
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace tal {

inline constexpr std::int64_t kMostRows = 10000;  // T; far beyond what memory holds of D x T maps

// What inference needs of one network: probabilities, all 0 at invalid entries.
struct ProposalMaps {
  torch::Tensor start, end;                  // [T], Eq. (1)
  torch::Tensor boundary;                    // [D, T], Eq. (2)
  torch::Tensor regression, classification;  // [D, T], M_cr, M_cc
};

// Eq. (2): M_b[j, i] = start[i] end[i + j], 0 where i + j >= T: [.., T], [.., T] -> [.., D, T].
torch::Tensor boundary_map(const torch::Tensor& start, const torch::Tensor& end, std::int64_t durations);

// Eq. (8): M_b sqrt(M_cc M_cr).
torch::Tensor map_scores(const torch::Tensor& boundary, const torch::Tensor& regression,
                         const torch::Tensor& classification);

}  // namespace tal
