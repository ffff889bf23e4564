// Scores of classes at points in time, as Charades' localization is judged (Sigurdsson et al., Hollywood in Homes, ECCV
// 2016): Charades_v1_localize.m of the release.
#pragma once

#include <string>
#include <vector>

#include "libtal/eval/dataset.h"
#include "libtal/eval/measure.h"

namespace tal::eval {

const std::vector<std::string>& charades_classes();  // c000 to c156

struct FrameScoreRules {
  std::vector<std::string> classes;  // each has an AP; one without ground truth has none
  int points = 25;                   // in a video
};

// The points are at j / points * duration, j from 0. A class is on from the start of its annotations to their end, both
// included. It has there the score of the prediction at this time, or of the best segment that covers it; points
// without any rank behind all others. AP is the sum of the precisions at positives / positives, equal scores in the
// order of the ground truth. Error with video and field for a video without a duration, for a prediction at a time
// that is none of the points, and for a label of the ground truth that is none of the classes.
std::unique_ptr<Measured> frame_scores(const Selection& selection, const FrameScoreRules& rules);

}  // namespace tal::eval
