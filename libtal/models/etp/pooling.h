// What the models with pyramid features share: pooled training rows, segments moved by (c, s).
#pragma once

#include <torch/torch.h>

#include <optional>
#include <span>

#include "libtal/models/core/model.h"
#include "libtal/nn/pyramid.h"

namespace tal {

// pyramid_pool of a training video's segments (row coordinates) that reads only the rows they need. [M, 5, C].
torch::Tensor pool_training_rows(const TrainingSet& set, std::size_t video, std::span<const Segment> segments);

// (c, s) of Eq. (4), relative to `from`: centre + c l, l exp(s); within [0, duration] (0: unknown). None when nothing
// is left of it there.
std::optional<Segment> moved_segment(const Segment& from, double c, double s, double duration);

}  // namespace tal
