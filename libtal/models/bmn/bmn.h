// BMN: boundary-matching network (Lin et al., ICCV 2019), for ensembles with BSN++ and as a baseline.
//
// The published network: two base convolutions (256, 128), a temporal branch (start, end) and a proposal branch behind
// the boundary-matching layer (512, then 128). form "public" is the network of the public PyTorch checkpoints under
// their own parameter names: grouped 1-D convolutions, separate start and end stacks, one more convolution before the
// layer and one more 3x3, sampling points truncated. With layout "start-end" its 2-D convolutions see maps of start row
// x end row, and the proposal of rows s .. e samples as that of rows s .. e + 1 does elsewhere; what comes out is by
// duration and start again. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "libtal/base/settings.h"
#include "libtal/models/maps/proposal_maps.h"
#include "libtal/nn/boundary_matching.h"

namespace tal {

struct BmnOptions {
  std::string form = "paper";                // "public": names, groups and truncation of the public checkpoints
  std::string layout = "start-duration";     // public only; "start-end": the 2020 version of JJBOY's port
  std::int64_t rows = 100, durations = 100;  // T, D
  std::int64_t samples = 32, per_bin = 3;
  double widen = 0.5;
  std::int64_t base_filters = 256, groups = 4;  // groups: public only
  std::int64_t reduced_filters = 128;           // channels that enter the layer
  std::int64_t boundary_filters = 256;          // temporal branch of the paper's form
  std::int64_t proposal_filters = 512, head_filters = 128;
  double positive = 0.7, negative = 0.3;  // tIoU: high above, low below, the rest medium; as many of each in the
                                          // regression loss
  double class_threshold = 0.9;           // tIoU above which a proposal is positive in the classification loss
  double regression_weight = 10;
  std::string boundary_labels = "nearest";  // as BSN++
};
Settings settings_of(BmnOptions& options);
void check(const BmnOptions& options);

struct BmnOutput {
  torch::Tensor boundary;  // logits [B, 2, T]: start, end
  torch::Tensor maps;      // logits [B, 2, D, T]: regression, classification; 0 at invalid entries
};

class BmnImpl : public torch::nn::Module {
 public:
  BmnImpl(std::int64_t dim, const BmnOptions& options);
  BmnOutput forward(const torch::Tensor& x);                // [B, C, T]
  std::vector<ProposalMaps> infer(const torch::Tensor& x);  // probabilities, without gradients

 private:
  BmnOutput paper(const torch::Tensor& x, const BoundaryMatchingTable& table);
  BmnOutput checkpoint(const torch::Tensor& x, const BoundaryMatchingTable& table);
  torch::Tensor sampled(const torch::Tensor& reduced, const BoundaryMatchingTable& table);  // [B, F, T] -> [B, L, F3]
  torch::Tensor dense_by_duration(const torch::Tensor& reduced, const BoundaryMatchingTable& table,
                                  const torch::Tensor& outside);                           // [B, H, D, T]
  torch::Tensor dense_by_end(const torch::Tensor& reduced, const torch::Tensor& outside);  // [B, H, T, T]
  std::shared_ptr<const BoundaryMatchingTable> table(std::int64_t rows) const;

  std::int64_t dim_;  // C
  BmnOptions options_;
  torch::nn::Conv1d conv1d1_{nullptr}, conv1d2_{nullptr}, conv1d3_{nullptr}, conv1d4_{nullptr};
  torch::nn::Conv3d conv3d1_{nullptr};
  torch::nn::Conv2d conv2d1_{nullptr}, conv2d2_{nullptr}, conv2d3_{nullptr};
  torch::nn::Sequential base_{nullptr}, start_{nullptr}, end_{nullptr}, proposal1d_{nullptr}, proposal3d_{nullptr},
      proposal2d_{nullptr};
};
TORCH_MODULE(Bmn);

struct BmnLoss {
  torch::Tensor boundary, regression, classification, total;
};
// boundary [B, 2, T]: covered shares, positive above `boundary_threshold`; iou [B, D, T]; sampled [B, D, T] 0/1; valid
// [D, T].
BmnLoss bmn_loss(const BmnOutput& out, const torch::Tensor& boundary, const torch::Tensor& iou,
                 const torch::Tensor& sampled, const torch::Tensor& valid, double boundary_threshold,
                 const BmnOptions& options);

}  // namespace tal
