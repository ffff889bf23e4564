#include "libtal/segment/boxes.h"

#include <algorithm>
#include <cmath>

namespace tal {
namespace {

double log_sigmoid(double x) { return std::min(x, 0.0) - std::log1p(std::exp(-std::abs(x))); }

}  // namespace

double giou(const Segment& a, const Segment& b) {
  const double inter = std::max(0.0, std::min(a.end, b.end) - std::max(a.start, b.start));
  const double both = a.length() + b.length() - inter;
  const double hull = std::max(a.end, b.end) - std::min(a.start, b.start);
  const double overlap = both > 0 ? inter / both : 0.0;
  return hull > 0 ? overlap - (hull - both) / hull : overlap;
}

CentreLength decode(const CentreLength& segment, double u, double v) {
  return {segment.centre + 0.5 * segment.length * u, segment.length * std::exp(std::min(v, kMaxLogLength))};
}

std::int64_t pyramid_level(double length, std::int64_t levels) {
  if (!(length > 0)) return 0;
  int exponent;
  std::frexp(length, &exponent);  // length = m 2^exponent, m in [1/2, 1): floor(log2) without rounding
  return std::clamp<std::int64_t>(levels - 2 + exponent, 0, levels - 1);
}

double matching_cost(double logit, const Segment& prediction, const Segment& truth, const SetWeights& w) {
  const double log_p = log_sigmoid(logit), log_not = log_sigmoid(-logit);
  const double positive = -w.alpha * std::exp(w.gamma * log_not) * log_p;
  const double negative = -(1 - w.alpha) * std::exp(w.gamma * log_p) * log_not;
  const double distance = std::abs(prediction.start - truth.start) + std::abs(prediction.end - truth.end);
  return w.classification * (positive - negative) + w.l1 * distance + w.giou * (1 - giou(prediction, truth));
}

}  // namespace tal
