// One-dimensional boxes of query-based detection (SP-TAD, 3.1.3 and 3.2.1): segments as fractions of a clip, not
// clipped to [0, 1].
#pragma once

#include <cstdint>

#include "libtal/base/segment.h"

namespace tal {

struct CentreLength {
  double centre = 0, length = 0;
  Segment ends() const { return {centre - 0.5 * length, centre + 0.5 * length}; }
};

// Generalised IoU: inter / union - (hull - union) / hull, in [-1, 1]; inter / union counts as 0 where the union is 0.
double giou(const Segment& a, const Segment& b);

// Sparse R-CNN's box arithmetic in one dimension, weights 2 and 1: c' = c + l u / 2, l' = l exp(min(v, kMaxLogLength)).
inline constexpr double kMaxLogLength = 8.740336742730447;  // log(100000 / 16)
CentreLength decode(const CentreLength& segment, double u, double v);

// Level whose rows a segment is pooled from: floor(levels - 1 + log2 length) clamped to 0 .. levels - 1, 0 the finest.
std::int64_t pyramid_level(double length, std::int64_t levels);

// Weights of the matching cost and of the loss, and the focal loss's constants.
struct SetWeights {
  double classification = 2, l1 = 5, giou = 2;
  double alpha = 0.25, gamma = 2;
};

// Cost of matching a prediction with a ground truth. logit: of the ground truth's class. The class part is the focal
// loss of label 1 minus that of label 0.
double matching_cost(double logit, const Segment& prediction, const Segment& truth, const SetWeights& weights);

}  // namespace tal
