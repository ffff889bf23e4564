// Shots of a video: what lies between its cuts, from a curve of cut probabilities over time (TransNet V2 and others).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/base/row_range.h"
#include "libtal/io/record.h"

namespace tal {

struct Shot : RowRange {
  double score = 1;  // the lower probability of its two cuts; the video's own ends have 1
};

// Rows above the threshold are transitions. A shot ends with the first row of one, which still shows it, and the next
// begins behind its last; rows of a transition in between are in no shot. Where all rows are above, all are one shot.
// These are the scenes of TransNet V2's predictions_to_scenes, whose ends are inclusive.
std::vector<Shot> shots_between(const std::vector<double>& cuts, double threshold);

struct ShotOptions {
  std::string stream;      // name of the feature stream; empty: the only one
  std::string column;      // of the cut probabilities; empty: "cut", or the only one
  double threshold = 0.5;  // above it a row is one of a transition
};
// Reads the record's features and sets its proposals: its shots, in seconds, clipped to the video when its duration is
// known. Error where the column is missing.
void propose_shots(Record& record, const ShotOptions& options);

}  // namespace tal
