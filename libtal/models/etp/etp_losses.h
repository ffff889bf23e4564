// The losses of ETP's Refinement and Localization Networks, Eq. (4) and (6)-(9) (Qiu et al., ICMR 2018).
// Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>

namespace tal {

// What a proposal is to training, by its best tIoU with a ground truth (3.2).
enum ProposalKind : std::int64_t { kIncompleteKind = -1, kBackgroundKind = 0, kPositiveKind = 1 };

// Targets of Eq. (4): ((c_gt - c) / l, log(l_gt / l)) with centre c and length l of the proposal. [M, 2] start, end ->
// [M, 2].
torch::Tensor location_targets(const torch::Tensor& proposals, const torch::Tensor& gt);
// Inverse: proposals moved by predictions (c, s). [M, 2], [M, 2] -> [M, 2] start, end.
torch::Tensor move_proposals(const torch::Tensor& proposals, const torch::Tensor& pred);
// Eq. (4): smooth-L1 of both errors summed over `used` [M] (0/1), divided by max(1, number used).
torch::Tensor location_loss(const torch::Tensor& pred, const torch::Tensor& targets, const torch::Tensor& used);

// Eq. (8) with online hard example mining. score [M]: completeness of each example's own class; kind [M].
struct CompletenessLoss {
  torch::Tensor hinge;  // [M], 0 for background
  torch::Tensor kept;   // [M] 0/1: positives and the hardest max(1, n / 4) of n incomplete ones (ties to the lower
                        // index)
  torch::Tensor loss;   // sum of kept / number of kept; 0 without any
};
CompletenessLoss completeness_loss(const torch::Tensor& score, const torch::Tensor& kind);

// Eq. (9): cls + alpha comp + beta loc. Classification: cross entropy over positives and background, background in the
// last column; completeness: over positives and incomplete ones; location: over positives. An empty set gives 0.
struct LocalizationLoss {
  torch::Tensor cls, comp, loc, kept, loss;
};
struct LocalizationTruth {
  torch::Tensor label, kind;    // [M] int64: class of the best ground truth, ProposalKind
  torch::Tensor proposals, gt;  // [M, 2]
};
// cls [M, K + 1], comp [M, K], reg [M, 2].
LocalizationLoss localization_loss(const torch::Tensor& cls, const torch::Tensor& comp, const torch::Tensor& reg,
                                   const LocalizationTruth& truth, double alpha = 0.1, double beta = 0.1);

}  // namespace tal
