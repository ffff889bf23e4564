// ETP's Refinement Network (3.2): a proposal is a sequence of video units; a BiGRU over their features moves its
// boundaries.
//
// Departures: the GRU is LibTorch's, r (U h) where Eq. (3) prints U (r h); Eq. (4) is relative to the proposal fitted
// to the unit grid. The features come from files and are not trained with the network, so that their scale has to be
// settled here (`norm`). Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <string>

#include "libtal/base/settings.h"
#include "libtal/base/time_rows.h"
#include "libtal/nn/non_local.h"
#include "libtal/nn/pyramid.h"
#include "libtal/nn/range_gru.h"

namespace tal {

struct EtpRnOptions {
  std::string norm = "batch";  // of the units' pooled features: batch, or none (the paper's features are trained with
                               // the network)
  double unit_length = 64;     // d, frames
  std::int64_t hidden = 512;   // of each direction
  bool non_local = true;       // unit features: non-local pyramid, or plain pyramid pooling
  std::int64_t non_local_dim = 0;  // C'; 0: C / 2
  bool snap_target = true;         // the ground truth is fitted to the unit grid as well (3.2); false: as annotated
};
Settings settings_of(EtpRnOptions& options);

// Units of a video: unit k is [k d/2, k d/2 + d] frames from its start. A proposal fitted to the grid holds the units
// [first, end).
class UnitGrid {
 public:
  UnitGrid(double unit_length, const RowTime& time) : step_(unit_length / 2 / time.fps), time_(time) {}
  // Start down, end up, at least one unit.
  RowRange fit(const Segment& seconds) const;
  Segment seconds(const RowRange& units) const;  // of the fitted proposal
  Segment rows(std::int64_t unit) const;         // of one unit, row coordinates

 private:
  double step_;  // seconds
  RowTime time_;
};

// Unit features: [U, 5, C] pooled parts of units (each with its context, pyramid_pool) -> norm, non-local block -> [U,
// 5 C]. forward: sequences of unit features, padded -> (c, s).
struct EtpRnImpl : torch::nn::Module {
  EtpRnImpl(std::int64_t channels, const EtpRnOptions& options);
  torch::Tensor unit_features(const torch::Tensor& pooled);
  torch::Tensor encode(const torch::Tensor& units, const torch::Tensor& lengths);  // [B, U, 5C], [B] (CPU) -> state [B,
                                                                                   // 2H]
  torch::Tensor forward(const torch::Tensor& units, const torch::Tensor& lengths);  // -> (c, s) [B, 2]
  // All proposals of a video: features [U, 5C] of its units, proposals as unit ranges -> (c, s) [M, 2]. Equal to
  // forward() on each proposal's own sequence; units, their projections and runs of the first layer that proposals
  // share are computed once.
  torch::Tensor refine(const torch::Tensor& features, std::span<const RowRange> proposals);

  torch::nn::BatchNorm1d norm{nullptr};
  NonLocal non_local{nullptr};
  torch::nn::GRU gru{nullptr};
  torch::nn::Linear fc{nullptr};
};
TORCH_MODULE(EtpRn);

}  // namespace tal
