// Two detection protocols on the same videos, classes and thresholds: in which rules they differ, what each rule moves,
// and the instances that one finds and the other does not.
#pragma once

#include <string>
#include <vector>

#include "libtal/eval/evaluate.h"

namespace tal::eval {

// One rule that differs. Rules are changed one after another, in this order, from the first protocol to the second.
struct RuleChange {
  std::string rule;           // "threshold", "matching", "order of ties", "Ambiguous", "average precision"
  std::string first, second;  // what each protocol says
  std::vector<double> map;    // [threshold] with this rule and those before it changed
  double score = 0, change = 0;
  std::uint64_t instances = 0;  // instances x thresholds whose being found changes with it
};

// An instance that one protocol finds at a threshold and the other does not.
struct Disagreement {
  std::uint32_t video = 0, truth = 0;  // truth: index in Dataset::truths
  std::size_t threshold = 0;
  bool first_finds = false;
  std::string rule, why;  // the last rule whose change made the difference, and the detections concerned
};

struct Explanation {
  Evaluated other;  // under the second protocol
  std::vector<RuleChange> rules;
  std::vector<Disagreement> disagreements;
};
// `second` must differ from `first` in matching and ties only.
Explanation explain(const Evaluated& run, const Protocol& first, const Protocol& second, int jobs);

const char* name_of(Ties ties);  // "reversed", "input", "video"

}  // namespace tal::eval
