#include "libtal/models/etp/pooling.h"

#include <algorithm>
#include <cmath>

namespace tal {

torch::Tensor pool_training_rows(const TrainingSet& set, std::size_t video, std::span<const Segment> segments) {
  auto ranges = pyramid_ranges(segments, set.video(video).rows);
  std::int64_t first = set.video(video).rows, last = 0;
  for (const auto& range : ranges)
    if (range.count() > 0) first = std::min(first, range.first), last = std::max(last, range.end);
  if (last <= first) first = 0, last = 1;  // nothing inside: one row that no range takes
  for (auto& range : ranges)
    if (range.count() > 0) range.first -= first, range.end -= first;
  const auto pooled = PrefixSums(set.rows(video, first, last - first)).means(ranges);
  return pooled.view({static_cast<std::int64_t>(segments.size()), kPyramidParts, pooled.size(1)});
}

std::optional<Segment> moved_segment(const Segment& from, double c, double s, double duration) {
  const double centre = (from.start + from.end) / 2 + c * from.length(), half = from.length() * std::exp(s) / 2;
  Segment moved{std::max(0.0, centre - half), centre + half};
  if (duration > 0) moved.end = std::min(moved.end, duration);
  if (!std::isfinite(moved.start) || !std::isfinite(moved.end) || !(moved.end > moved.start)) return std::nullopt;
  return moved;
}

}  // namespace tal
