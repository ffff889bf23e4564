// The blocks of the points detectors' pyramid.
#pragma once

#include <cstdint>
#include <memory>

#include "libtal/models/points/point_heads.h"
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

// A feature pyramid network's way down (Lin et al., arXiv 1612.03144), as ActionFormer's `fpn` has it: linear layers,
// each level plus the coarser one's rows twice, a convolution of 3 rows of each channel by itself.
class TopDownImpl : public torch::nn::Module {
 public:
  explicit TopDownImpl(const PointsOptions& options);
  std::vector<PointRows> forward(const std::vector<PointRows>& levels);

 private:
  bool exact_;
  std::vector<RowConv> laterals_;
  std::vector<DepthwiseConv> convolutions_;
};

}  // namespace tal
