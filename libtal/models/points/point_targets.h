// What the points of a pyramid shall say of the segments of a sequence, and the losses that teach them. ActionFormer
// (arXiv 2202.07925), 3.3 and 3.4; what other detectors of the family do differently is an option.
//
// Grid units: row g of the sequence is at g, without half a cell; segments are in grid units too.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "libtal/base/segment.h"
#include "libtal/models/points/points.h"

namespace tal {

struct PointLossOptions {
  std::string ranges = "adjacent";  // lengths that a level is for: adjacent (0-4, 4-8, 8-16 ...) or overlapping (0-4,
                                    // 2-8, 4-16 ...)
  bool center_sampling = true;
  double center_radius = 1.5;  // strides of the level
  bool all_labels = false;     // every segment that passes sets its class, not only those as short as the shortest
  std::string distance_target = "shortest";  // or cheapest: TemporalMaxer's
  std::string distance_of = "point";         // or class: a point of several classes counts once for each
  std::string distance_loss = "diou";  // or giou: 1 - IoU, as hull and union of two segments around a point are one
  double smoothing = 0;                // of labels
  double loss_weight = 1;              // of the distance loss; negative: as heavy as the class loss
  double quality_power = 0.2;          // trident: q, the class loss of positives is weighed by overlap^q
  double quality_weight = 1;           // quality
  double normalizer = 100;             // positives of a batch, before the first one
};
Settings settings_of(PointLossOptions& options);

struct GridSegment {
  Segment segment;  // grid units
  std::int64_t label = 0;
};
// A point: place, range of the longer distance that it is for (both ends included), stride of its level.
struct GridPoint {
  double at = 0, low = 0, high = 0, stride = 1;
};
// Of levels with so many rows each, level by level.
std::vector<GridPoint> grid_points(std::span<const std::int64_t> rows, const std::string& ranges);

struct PointTargets {
  torch::Tensor classes;    // [P, C], 0 or 1
  torch::Tensor distances;  // [P, 2], strides of the level; 0 where no class is set
  std::int64_t positives = 0;
};
// The segment of a point is the shortest of those that hold it - with center sampling, near their middle - and whose
// longer distance is in its range.
PointTargets assign_points(std::span<const GridPoint> points, std::span<const GridSegment> segments,
                           std::int64_t classes, const PointLossOptions& options);

// Centre-aligned offsets (left, right) >= 0, [n, 2] -> [n]. Overlap of the two segments around one point.
torch::Tensor offsets_iou(const torch::Tensor& a, const torch::Tensor& b);
// 1 - IoU + (distance of the middles / length of both together)^2 (Zheng et al., arXiv 1911.08287).
torch::Tensor offsets_diou_loss(const torch::Tensor& a, const torch::Tensor& b);

struct PointLosses {
  torch::Tensor loss, classes, distances, quality;  // scalars; quality undefined without that output
};
// levels: what the network says; targets [B, P, C] and [B, P, 2] of all levels' rows; segments of each sequence (for
// distance_target=cheapest). normalizer: what the sums are divided by.
PointLosses point_losses(const std::vector<PointLevel>& levels, const torch::Tensor& classes,
                         const torch::Tensor& distances, const std::vector<std::vector<GridSegment>>& segments,
                         double normalizer, const PointLossOptions& options);

}  // namespace tal
