// Intervals and p-values from samples of the videos.
#pragma once

#include <cstdint>
#include <vector>

#include "libtal/eval/evaluate.h"

namespace tal::eval {

// `samples` draws with replacement of the evaluated videos; the same seed draws the same videos, whatever `jobs`.
std::vector<Resampled> bootstrap(const Evaluated& run, const Protocol& protocol, int samples, std::uint64_t seed,
                                 int jobs);

struct Interval {
  double low = 0, high = 0;  // 2.5 and 97.5 percent, linear between order statistics
};
// Of the values that are numbers; {NaN, NaN} without any.
Interval interval(std::vector<double> values);

// Two results on the same draws, two-sided: twice the smaller share of differences on either side of zero, (k + 1) / (n
// + 1), at most 1.
double bootstrap_p_value(const std::vector<double>& a, const std::vector<double>& b);

}  // namespace tal::eval
