// The formulas of the suppression rules, which a whole record (suppress.cpp) and a stream of windows
// (live_suppress.cpp) share. For these two alone.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>

#include "libtal/base/segment.h"
#include "libtal/io/record.h"
#include "libtal/segment/suppress.h"

namespace tal {

// What a score is multiplied by when a segment with this tIoU is taken before it.
inline double gaussian_factor(double tiou, double sigma) { return std::exp(-(tiou * tiou) / sigma); }
inline double linear_factor(double tiou) { return 1 - tiou; }  // from the threshold on
// bsn, rpn: the tIoU above which one taken of `length` decays, by gaussian_factor(tiou, alpha).
inline double decay_bound(double length, double duration, const SuppressOptions& o) {
  return o.low + (o.high - o.low) * (length / duration);
}

// Who needs scores from 0 on: factors would raise negative ones, and as weights they move a segment away from those
// that vote. "" when any score will do.
std::string needs_factors(const SuppressOptions& options);
// Whether proposals[index] is one that the rule looks at. factors: of needs_factors(). Error for a negative score where
// it needs another.
bool takes_part(const Proposal& proposal, std::size_t index, const std::string& factors,
                const SuppressOptions& options);

// The mean of the segments that vote on one, each with its weight.
class VotedSegment {
 public:
  void add(const Segment& segment, double weight) {
    if (!(weight > 0)) return;
    if (weight > kLarge && scale_ == 1) {  // a power of two changes no digit, and keeps the sums finite
      scale_ = 1 / kLarge;
      weight_ *= scale_, start_ *= scale_, end_ *= scale_;
    }
    weight *= scale_;
    weight_ += weight, start_ += weight * segment.start, end_ += weight * segment.end;
    first_ = {std::min(first_.start, segment.start), std::min(first_.end, segment.end)};
    last_ = {std::max(last_.start, segment.start), std::max(last_.end, segment.end)};
  }
  // Rounding must not carry a mean past what it is of: a segment that is alone stays, none leaves its video.
  Segment mean(const Segment& own) const {
    return weight_ > 0 ? Segment{std::clamp(start_ / weight_, first_.start, last_.start),
                                 std::clamp(end_ / weight_, first_.end, last_.end)}
                       : own;
  }

 private:
  static constexpr double kMost = std::numeric_limits<double>::max();
  static constexpr double kLarge = 0x1p600;
  double scale_ = 1, weight_ = 0, start_ = 0, end_ = 0;
  Segment first_{kMost, kMost}, last_{-kMost, -kMost};
};
inline double vote_weight(double score, double tiou, const SuppressOptions& o) {
  return score * (o.voting_weight == "score" ? 1.0 : tiou);
}

}  // namespace tal
