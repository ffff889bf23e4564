// Action spotting: points in time, judged as the SoccerNet package does (Giancola et al., SoccerNet, CVPRW 2018;
// Deliège et al., SoccerNet-v2, CVPRW 2021): evaluate() of SoccerNet.Evaluation.ActionSpotting, version 2.
#pragma once

#include <string>
#include <vector>

#include "libtal/eval/dataset.h"
#include "libtal/eval/measure.h"

namespace tal::eval {

const std::vector<std::string>& soccernet_classes();  // the 17 of SoccerNet-v2

struct SpottingRules {
  std::vector<std::string> classes;  // all count in the means, with ground truth or not (0 then)
  // loose and tight means of the actions that are not shown are multiplied by it: SoccerNet-v2 has 13 such classes.
  double unshown_factor = 17.0 / 13;
};

// A video is a half of a game. Times become frames of half a second by truncation, those behind 120 minutes the last
// one; of several events of a class in a frame the last one counts. At a tolerance of d seconds each ground truth, in
// order of time, takes the free prediction of best score (of equals the first in time) in the window of d seconds
// around it. Precision and recall at 200 thresholds from 0 to 1, AP by 11 points of recall. Loose is the mean of
// tolerances from 5 to 60 s by the trapezoid rule, tight that of 1 to 5 s, atN that of N s.
// Visible and unshown: predictions count for the kind of the ground truth of their class that is nearest in time;
// where the video has none of the class, for the unshown. Predictions below 0 do not count.
// Error with video and field for a label of the ground truth that is none of the classes.
std::unique_ptr<Measured> spotting(const Selection& selection, const SpottingRules& rules);

}  // namespace tal::eval
