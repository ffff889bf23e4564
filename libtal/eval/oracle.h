// How much of the score is lost at which step of a detector: the same predictions with one step, or one after another,
// made perfect.
#pragma once

#include <string>
#include <vector>

#include "libtal/eval/evaluate.h"

namespace tal::eval {

// Steps, in the order of the waterfall:
//   labels      a prediction takes the label of the instance that it overlaps most (tIoU 0.1 at least)
//   boundaries  it takes the segment of the instance of its label that it overlaps most (0.1 at least)
//   ranking     first one prediction an instance of its label, the pairs of largest tIoU, with score 1 + tIoU; behind
//   them all others,
//               whose score becomes their largest tIoU with an instance of their label
// Predictions of videos that are not evaluated keep everything but their score, which becomes 0 under `ranking`.
inline constexpr const char* kOracleSteps[] = {"labels", "boundaries", "ranking"};

// Applies one step to `data`, which holds the selection's data set or what earlier steps made of it.
void make_perfect(Dataset& data, const Selection& selection, const std::string& step);

struct OracleStep {
  std::string step;
  double score = 0, gain = 0;  // with this step and those before it; against the row before
};
// step: one of kOracleSteps, or "all": each in turn on top of the ones before (without labels where these do not
// matter).
std::vector<OracleStep> oracle(const Evaluated& run, const Protocol& protocol, const std::string& step, int jobs);

}  // namespace tal::eval
