// EPIC-KITCHENS-100's action detection (Damen et al., Rescaling Egocentric Vision, IJCV 2022): verbs, nouns and actions
// judged one by one, as class ANETdetection of its C2-Action-Detection.
#pragma once

#include "libtal/eval/dataset.h"
#include "libtal/eval/measure.h"

namespace tal::eval {

// A label is "VERB,NOUN", such as "0,2" or "take,plate". Each of the three tasks is mean average precision with
// ActivityNet's matching at the thresholds, over the task's classes of the ground truth; scores are the detections' own
// in all three. Error with video and field for a label without a comma.
std::unique_ptr<Measured> epic(const Selection& selection, const Filter& filter, const std::vector<double>& tiou,
                               Ties ties, int jobs);

}  // namespace tal::eval
