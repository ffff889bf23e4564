// Time segments and their overlap. One convention everywhere: [start, end) in seconds, start < end, length end - start.
#pragma once

#include <algorithm>

namespace tal {

struct Segment {
  double start = 0;  // seconds
  double end = 0;    // seconds
  double length() const { return end - start; }
  bool operator==(const Segment&) const = default;
};

// Temporal intersection over union, no +1, no epsilon; 0 when the union is 0.
inline double tiou(const Segment& a, const Segment& b) {
  const double inter = std::max(0.0, std::min(a.end, b.end) - std::max(a.start, b.start));
  const double both = a.length() + b.length() - inter;
  return both > 0 ? inter / both : 0.0;
}

// The same on inclusive frame numbers: intersection and lengths carry +1, the intersection clipped at 0.
inline double tiou_inclusive(const Segment& a, const Segment& b) {
  const double inter = std::max(0.0, std::min(a.end, b.end) - std::max(a.start, b.start) + 1);
  const double both = (a.length() + 1) + (b.length() + 1) - inter;
  return both > 0 ? inter / both : 0.0;
}

}  // namespace tal
