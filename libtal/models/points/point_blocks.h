// The blocks of the points detectors' pyramid.
#pragma once

#include <cstdint>
#include <memory>

#include "libtal/models/points/points.h"

namespace tal {

class PointBlock {
 public:
  virtual ~PointBlock() = default;
  // [B, T, E] -> [B, T, E] in the stem, [B, ceil(T / 2), E] beyond.
  virtual PointRows forward(const PointRows& rows) = 0;
};

// The block that makes `level`, or one of the stem. It is a torch::nn::Module too.
std::shared_ptr<PointBlock> make_point_block(const PointsOptions& options, std::int64_t level, bool stem);

}  // namespace tal
