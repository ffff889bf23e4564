#include "libtal/eval/scale.h"

#include <algorithm>

#include "libtal/base/number.h"

namespace tal::eval {

std::size_t Scale::bucket(double value) const {
  return static_cast<std::size_t>(std::lower_bound(ends.begin(), ends.end(), value) - ends.begin());
}

std::string Scale::bucket_name(std::size_t i) const {
  const bool counts = name == "instances";
  if (i == ends.size()) return "over " + format_number(ends.back()) + unit;
  const double low = i == 0 ? (counts ? 1 : 0) : ends[i - 1] + (counts ? 1 : 0);
  return low == ends[i] ? format_number(low) : format_number(low) + "-" + format_number(ends[i]) + unit;
}

Scales detad_scales(bool thumos14) {
  if (thumos14)
    return {
        {"coverage", "", {0.02, 0.04, 0.06, 0.08}}, {"length", " s", {3, 6, 12, 18}}, {"instances", "", {1, 40, 80}}};
  return {{"coverage", "", {0.2, 0.4, 0.6, 0.8}}, {"length", " s", {30, 60, 120, 180}}, {"instances", "", {1, 4, 8}}};
}

}  // namespace tal::eval
