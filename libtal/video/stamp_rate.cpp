#include "libtal/video/stamp_rate.h"

#include <algorithm>
#include <cmath>
#include <utility>

namespace tal {
namespace {

// The fraction with the smallest denominator in [low, high], 0 < low <= high: as far as their continued fractions are
// one.
std::pair<double, double> simplest(double low, double high) {
  const double whole = std::floor(low);
  if (whole == low || std::ceil(low) <= high) return {std::ceil(low), 1};
  const auto [below, above] = simplest(1 / (high - whole), 1 / (low - whole));
  return {whole * below + above, below};
}

}  // namespace

void StampRate::add(double time) {
  const auto steps = static_cast<double>(++count_);
  shortest_ = std::max(shortest_, (time - slack_) / steps);
  longest_ = std::min(longest_, (time + slack_) / steps);
}

bool StampRate::constant() const {
  constexpr double kCoarse = 0.25;  // of a step
  return count_ > 1 && shortest_ <= longest_ && slack_ < kCoarse * shortest_;
}

double StampRate::rate() const {
  constexpr double kNtsc = 1000.0 / 1001;
  const double low = 1 / longest_, high = 1 / shortest_;
  for (const double unit : {1.0, kNtsc})
    if (const double rate = std::round((low + high) / 2 / unit) * unit; low <= rate && rate <= high) return rate;
  const auto [above, below] = simplest(low, high);
  return above / below;
}

}  // namespace tal
