// BSN++ (ActivityNet Challenge 2020): complementary boundary generator and proposal relation block.
//
// Figures 2 to 4, Eq. (1) to (8). Decisions where the paper is silent: a convolution 256 -> 128 stands before the
// boundary-matching layer, prediction layers have kernel 1, the attention's values are the features themselves and a
// learned scalar weighs the sum, entries with i + j >= T take no part, what is aggregated of the two attention modules
// is the sum of their outputs. B batch, C channels, T rows, D longest proposal in rows, L valid proposals (j, i), rows
// i .. i + j. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "libtal/base/settings.h"
#include "libtal/models/bsnpp/relation_attention.h"
#include "libtal/models/maps/proposal_maps.h"
#include "libtal/nn/boundary_matching.h"

namespace tal {

inline constexpr std::int64_t kLeastRows = 4;  // the generator halves them twice

struct BsnppOptions {
  std::int64_t rows = 100, durations = 100;  // T, D
  std::int64_t samples = 32, per_bin = 3;    // N points of a proposal, each the mean of per_bin
  double widen = 0.5;
  bool truncate = false;
  std::int64_t first_filters = 256, base_filters = 256, generator_filters = 512, reduced_filters = 128,
               proposal_filters = 512, attention_filters = 64, head_filters = 128;
  std::string generator = "nested";  // Fig. 3; "u-net": without the nested skips; "plain": one convolution, as in BMN
  bool train_backward = false;       // the paper trains the forward pass alone, Eq. (6)
  bool deep_supervision = true;      // nested only: the loss averages both top-row heads
  // Fig. 4; maps are averaged. "plain", no attention, is an ablation.
  std::vector<std::string> branches = {"position", "channel", "aggregated"};
  std::string sampling = "scale";           // 3.4: "none", "iou" (3.4.1) or "scale" (3.4.1, then 3.4.2)
  double scale_ratio = 0.15;                // lambda of Eq. (4), and its temperature
  double positive = 0.7, negative = 0.3;    // tIoU
  double relation_weight = 10, l2 = 1e-4;   // beta, gamma of Eq. (5)
  std::string boundary_labels = "nearest";  // rows that are positive: "literal" (covered by more than half), "nearest"
                                            // (the boundary's own row too)
};
Settings settings_of(BsnppOptions& options);
// Error when the options contradict each other.
void check(const BsnppOptions& options);

// Fig. 2: two 1-D convolutions with ReLU, [B, C, T] -> [B, F, T].
class BsnppBaseImpl : public torch::nn::Module {
 public:
  BsnppBaseImpl(std::int64_t dim, const BsnppOptions& options);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv1d conv1_{nullptr}, conv2_{nullptr};
};
TORCH_MODULE(BsnppBase);

// One circle of Fig. 3: convolution (kernel 3), batch normalisation, ReLU.
class GeneratorNodeImpl : public torch::nn::Module {
 public:
  GeneratorNodeImpl(std::int64_t in, std::int64_t out);
  torch::Tensor forward(const torch::Tensor& x);

 private:
  torch::nn::Conv1d conv_{nullptr};
  torch::nn::BatchNorm1d bn_{nullptr};
};
TORCH_MODULE(GeneratorNode);

// Linear interpolation between the centres of rows, [B, F, T] -> [B, F, rows], as a product with the matrix [T, rows].
torch::Tensor interpolated_by_product(const torch::Tensor& x, std::int64_t rows);

// Fig. 3. Heads give logits of (start, end), [B, 2, T].
class BoundaryGeneratorImpl : public torch::nn::Module {
 public:
  BoundaryGeneratorImpl(std::int64_t in, const BsnppOptions& options);
  // Logits of the supervised heads, the one used at inference last.
  std::vector<torch::Tensor> forward(const torch::Tensor& base);
  // Logits of the forward pass and of the backward pass, a pair for each of those heads. reversed: the base module's
  // features of the input turned round in time, in that order; what the same network says of them is turned back and
  // swapped, so that channel 0 is start again.
  std::vector<std::pair<torch::Tensor, torch::Tensor>> passes(const torch::Tensor& base, const torch::Tensor& reversed);

 private:
  std::vector<torch::Tensor> nested(const torch::Tensor& base);
  std::vector<torch::Tensor> u_net(const torch::Tensor& base);

  std::string kind_;
  bool deep_supervision_;
  GeneratorNode x00_{nullptr}, x10_{nullptr}, x20_{nullptr}, x01_{nullptr}, x11_{nullptr}, x02_{nullptr};
  torch::nn::Conv1d head1_{nullptr}, head2_{nullptr};
};
TORCH_MODULE(BoundaryGenerator);

// One branch of Fig. 4: an attention (relation_attention.h: position, channel, aggregated, plain), then convolutions of
// kernel 1, 3 and 1 -> sigmoid maps (M_cr regression, M_cc classification). "aggregated" has convolutions alone.
class RelationBranchImpl : public RelationAttentionImpl {
 public:
  RelationBranchImpl(const std::string& kind, const BsnppOptions& options);
  torch::Tensor first_weight() const { return conv1_->weight.flatten(1); }  // of the first convolution, [k, C]
  // `first`: that convolution of the attended proposals without its bias, [B, L, k] -> [B, L, 2].
  torch::Tensor predict(const torch::Tensor& first, const BoundaryMatchingTable& table);

 private:
  torch::nn::Conv2d conv1_{nullptr}, conv2_{nullptr}, conv3_{nullptr};
};
TORCH_MODULE(RelationBranch);

// Fig. 4. [B, F, T] -> maps.
class ProposalRelationImpl : public torch::nn::Module {
 public:
  ProposalRelationImpl(std::int64_t in, const BsnppOptions& options);
  // Each branch's maps [B, branches, L, 2].
  torch::Tensor forward(const torch::Tensor& base, const BoundaryMatchingTable& table);

 private:
  std::vector<torch::Tensor> first_convolutions(const torch::Tensor& proposals);  // of each branch, [B, L, k]

  torch::nn::Conv1d reduce_{nullptr};
  torch::nn::Conv3d conv3d_{nullptr};
  std::vector<RelationBranch> branches_;  // in the options' order
  // What they read, each once: "position", "channel", "plain". A branch of the kind, or an attention by itself.
  std::vector<std::pair<std::string, std::shared_ptr<RelationAttentionImpl>>> attentions_;
};
TORCH_MODULE(ProposalRelation);

struct BsnppOutput {
  torch::Tensor base;                 // [B, F, T]
  std::vector<torch::Tensor> logits;  // of the supervised heads, [B, 2, T]; in training with train_backward those of
                                      // the backward pass, too
  torch::Tensor maps;                 // [B, 2, D, T], mean of the branches: M_cr, M_cc; 0 at invalid entries
};

class BsnppImpl : public torch::nn::Module {
 public:
  BsnppImpl(std::int64_t dim, const BsnppOptions& options);
  // x [B, C, T]; T may differ from the options' rows (multi-scale inference): D is then min(durations, T).
  BsnppOutput forward(const torch::Tensor& x);
  // Both passes, Eq. (1) (the forward pass alone when backward_pass is off), and the maps; without gradients.
  std::vector<ProposalMaps> infer(const torch::Tensor& x, bool backward_pass);

 private:
  // Base features of x and of x turned round in time ("processes the input video in a reversed direction"), [B, F, T]
  // each.
  std::pair<torch::Tensor, torch::Tensor> both_directions(const torch::Tensor& x);
  std::shared_ptr<const BoundaryMatchingTable> table(std::int64_t rows) const;
  void check_input(const torch::Tensor& x) const;

  std::int64_t dim_;  // C
  BsnppOptions options_;
  BsnppBase base_{nullptr};
  BoundaryGenerator cbg_{nullptr};
  ProposalRelation prb_{nullptr};
};
TORCH_MODULE(Bsnpp);

// Eq. (1): geometric mean of the passes.
torch::Tensor fuse_passes(const torch::Tensor& forward, const torch::Tensor& backward);
struct BsnppLoss {
  torch::Tensor boundary, regression, classification, l2, total;  // Eq. (6), both parts of Eq. (7), L2, Eq. (5)
};
// logits: supervised heads [B, 2, T]; maps [B, 2, D, T] probabilities; boundary [B, 2, T] 0/1; iou [B, D, T]; sampled
// [B, D, T]: how often each proposal was drawn (0 at invalid entries); parameters: what the L2 term is over.
BsnppLoss bsnpp_loss(const std::vector<torch::Tensor>& logits, const torch::Tensor& maps, const torch::Tensor& boundary,
                     const torch::Tensor& iou, const torch::Tensor& sampled,
                     const std::vector<torch::Tensor>& parameters, const BsnppOptions& options);

}  // namespace tal
