// The network of the one-stage, anchor-free detectors that name a class and two distances for every point of a pyramid
// of time: ActionFormer (arXiv 2202.07925), TriDet (arXiv 2303.07347), TemporalMaxer (arXiv 2303.09055), DyFADet (arXiv
// 2407.03197), the Video Mamba Suite's DBM (arXiv 2403.09626) and CausalTAD (arXiv 2407.17792). One frame - embedding,
// neck, heads - in which the neck and the heads are chosen.
//
// Sequences lie as rows [B, T, C]. Point k of level l stands on row k 2^l of the input; level l has ceil(T / 2^l) rows.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/base/settings.h"

namespace tal {

struct PointsOptions {
  // "exact": what lies behind a sequence's end counts for nothing, so that results do not depend on the padding.
  // "reference": as the published code computes, where biases of norms leak from the padding into the last rows.
  std::string mask = "exact";
  // Whose epsilons and, with mask=reference, whose masks: "original" (each detector's own code) or "opentad".
  std::string code = "original";

  std::int64_t dims = 512;  // channels of the neck, E
  std::int64_t embed_layers = 2, embed_kernel = 3;
  std::vector<std::int64_t> stream_dims;  // channels that each input stream is projected to first; empty: none is
  std::int64_t position_rows = 0;         // of the sinusoidal position table; 0: none

  std::string neck = "attention";  // attention, sgp, dyn, dbm, causal, conv, pool
  std::int64_t stem = 2, levels = 6;
  std::int64_t heads = 4;                    // attention, causal
  std::vector<std::int64_t> windows = {19};  // attention, sgp, dyn: rows; one for all levels or one a level. attention:
                                             // <= 1: all rows
  bool relative_bias = false;                // attention
  std::int64_t feed_forward = 0;             // channels inside the perceptrons; 0: 4 E (conv: 2 E)
  double sgp_factor = 5;                     // sgp, dyn: k, how much wider the wide window is
  double sgp_init = 0;                       // sgp, dyn: deviation of the depthwise weights at the start
  std::string downsample = "max";            // sgp: max, average
  std::string fpn = "identity";              // identity, top-down
  std::string neck_norm = "layer";           // layer, group, shared, none

  std::string head = "plain";  // plain, trident, dynamic
  std::int64_t head_dims = 512, head_layers = 2, head_kernel = 3;
  std::int64_t boundary_kernel = 3, bins = 16;  // trident
  bool boundary_gradient = false;               // trident: start and end train the neck too
  double gate_tau = 1.5;                        // dynamic
  bool quality = false;                         // one more output a point: the overlap that its segment reaches
  double prior = 0.01;                          // probability of every class at the start

  double dropout = 0, droppath = 0.1, input_dropout = 0, input_noise = 0;

  std::int64_t window_of(std::int64_t level) const {
    return windows[windows.size() == 1 ? 0 : static_cast<std::size_t>(level)];
  }
  bool exact() const { return mask == "exact"; }
};
Settings settings_of(PointsOptions& options);
// Error, with the setting as field, when the options contradict each other.
void check(const PointsOptions& options);
// What published code pads a sequence of `rows` rows to, in mode mask=reference: `longest`, or beyond that the next
// multiple of what its pyramid can halve.
std::int64_t reference_rows(const PointsOptions& options, std::int64_t rows, std::int64_t longest);

// Sequences side by side: x [B, T, C], of which the first lengths[b] rows are sequence b's.
struct PointRows {
  torch::Tensor x;
  std::vector<std::int64_t> lengths;
  torch::Tensor mask;  // [B, T, 1], 1 inside; undefined when all rows are inside
  PointRows() = default;
  PointRows(torch::Tensor rows, std::vector<std::int64_t> inside);
  std::int64_t rows() const { return x.size(1); }
  // Zero behind the ends.
  torch::Tensor masked(const torch::Tensor& values) const { return mask.defined() ? values * mask : values; }
};

// What the heads say of one level. C classes, T_l rows.
struct PointLevel {
  torch::Tensor logits;        // [B, T_l, C]
  torch::Tensor offsets;       // [B, T_l, 2], or trident's bins [B, T_l, 2 (bins + 1)]; in strides of the level, >= 0
  torch::Tensor starts, ends;  // trident: [B, T_l, C]
  torch::Tensor quality;       // [B, T_l, 1] logits, or undefined
  torch::Tensor features;      // [B, T_l, E], what the heads saw
  std::vector<std::int64_t> lengths;
};

// Distances (left, right) in strides of points (b, t, class) of a level by Trident's rule (TriDet, 3.3): expectations
// over bins, each the sum of a boundary's response and the point's own offset logit. b, t, c: int64 [n] -> [n, 2].
torch::Tensor trident_distances(const PointLevel& level, const torch::Tensor& b, const torch::Tensor& t,
                                const torch::Tensor& c);
// Any head's distances of the points.
torch::Tensor point_distances(const PointLevel& level, const torch::Tensor& b, const torch::Tensor& t,
                              const torch::Tensor& c);

class PointEmbeddingImpl;
class PointBlock;
class PointHeadImpl;
class TopDownImpl;

class PointsNetImpl : public torch::nn::Module {
 public:
  // inputs: columns of each stream.
  PointsNetImpl(const std::vector<std::int64_t>& inputs, std::int64_t classes, const PointsOptions& options);
  // x [B, T, sum of inputs], zeros behind the lengths; lengths[b] >= 1.
  std::vector<PointLevel> forward(const torch::Tensor& x, const std::vector<std::int64_t>& lengths);
  std::int64_t classes() const { return classes_; }

  torch::Tensor normalizer;  // buffer []: positives of a batch, averaged over batches

 private:
  PointRows embed(const torch::Tensor& x, const std::vector<std::int64_t>& lengths);
  torch::Tensor positions(const PointRows& rows);  // [1 or B, T, E]
  std::vector<PointRows> pyramid(PointRows rows);
  torch::Tensor normalised(const PointRows& rows, std::size_t level);

  PointsOptions options_;
  std::vector<std::int64_t> inputs_;
  std::int64_t classes_;
  std::shared_ptr<PointEmbeddingImpl> embedding_;
  std::vector<std::shared_ptr<PointBlock>> blocks_;
  std::shared_ptr<TopDownImpl> top_down_;
  std::vector<torch::nn::LayerNorm> norms_;
  std::shared_ptr<PointHeadImpl> class_head_, distance_head_, start_head_, end_head_;
  std::vector<torch::Tensor> scales_;  // of the distances, one a level: []
};
TORCH_MODULE(PointsNet);

// Conv and linear weights decay, all else does not.
bool decays(const std::string& parameter);

}  // namespace tal
