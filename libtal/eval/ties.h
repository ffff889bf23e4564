// How far the order of equal scores can move the result.
#pragma once

#include "libtal/eval/evaluate.h"

namespace tal::eval {

// Lowest and highest score that the order of equal scores allows.
//
// Detections, each threshold by itself. Matching by rank: AP only grows when true positives come earlier, so the
// highest has the true positives of a tied group first. The lowest has first what no order makes a true positive, then
// the detections that compete for the same instances, most duplicates first: each instance's first detection is a true
// positive before its duplicates are false ones. Which order among competitors of several instances gives most (fewest)
// true positives is found by trying all orders of up to 6; `exact` is false where more compete, or where their order
// also decides what later detections find. Matching by ground truth does not look at the rank, so the true positives go
// first or last. `lowest` and `highest` are means of the thresholds' own extremes.
//
// Proposals: every instance and threshold takes its own best or worst order, which bounds all orders (`exact` only
// without ties).
struct TieRange {
  double lowest = 0, highest = 0;
  std::vector<double> map_lowest, map_highest;  // [threshold]; detection protocols
  bool exact = true;                            // each threshold's extremes are attained
};
TieRange tie_range(const Evaluated& run, const Protocol& protocol, int jobs);

}  // namespace tal::eval
