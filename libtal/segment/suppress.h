// Suppression of overlapping proposals: greedy, Gaussian, linear, BSN's and RPN's rules, and voting.
//
// Segments are bucketed by start, so that one meets only those that can overlap it enough. One engine serves the soft
// rules; the highest remaining score comes from block maxima. Results equal the plain double loop bit for bit
// (tests/unit/suppress_reference.h): each score is decayed by the same factors in the same order. Cost: greedy O(n + n
// k'), soft O(picked (n' + sqrt(n))), n', k' = segments, kept segments, starting within about one maximal length.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libtal/io/record.h"

namespace tal {

struct SuppressOptions {
  std::string method = "greedy";
  std::string preset;       // a paper's constants; flags win
  double threshold = 0.36;  // tIoU: greedy keeps <= threshold (ETP 0.36), linear decays >= threshold (default 0.5)
  bool inclusive = false;   // greedy keeps < threshold
  double sigma = 0.5;       // gaussian: score *= exp(-tIoU^2 / sigma)
  double alpha = 0.75, low = 0.65, high = 0.9;  // bsn, rpn: tIoU > low + (high - low) w decays by exp(-tIoU^2 / alpha)
  std::optional<double> voting;                 // tIoU from which a segment votes on a kept one; none: no voting
  std::string voting_weight = "score-iou";      // or score
  std::string ties = "input";                   // or reversed: which of several equal scores comes first
  long long pre_top_k = 0;                      // of each group, 0: all
  long long top_k = 0;                          // of the record, 0: all
  double min_score = 0;                         // final scores below are dropped (gaussian 0.001)
  bool drop_negative = false;                   // min_score was asked for: negative scores below it are no fault
  double min_duration = 0;                      // seconds
  bool class_agnostic = false;                  // one group for all labels
  long long stop = 0;                           // kept of each group (bsn, rpn: 100), 0: all
  bool clip = false;                            // results are cut to the video, [0, duration]; what is outside goes
};

// The defaults of a method for options that stand at their initial values; for use without a command line.
SuppressOptions defaults_of(const std::string& method);
// The rule and constants of a paper or code base.
struct SuppressionPreset {
  std::string name, help;  // one line: whose, on which data set, what differs from the rule's defaults
  SuppressOptions rule;
};
const std::vector<SuppressionPreset>& suppression_presets();
SuppressOptions preset_of(const std::string& preset);  // UsageError for a name that is none of them

// duration: seconds, needed by bsn, rpn and clip only (> 0 there; Error otherwise). Output by falling final score.
// Greedy takes any scores. The soft rules and voting take scores from 0 on: negative ones are an Error with their
// field, but with drop_negative those below min_score are dropped and do not vote.
std::vector<Proposal> suppress(const std::vector<Proposal>& proposals, double duration, const SuppressOptions& options);

}  // namespace tal
