// Action segmentation: every frame has one label. Frame accuracy, edit score and F1@k as eval.py of MS-TCN (Abu Farha
// and Gall, CVPR 2019) has them, after Lea et al. (TCN, CVPR 2017).
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libtal/eval/dataset.h"
#include "libtal/eval/measure.h"

namespace tal::eval {

struct SegmentationRules {
  std::optional<double> rate;                            // frames per second; none: that of each video
  std::vector<std::string> background = {"background"};  // labels that edit and F1 leave out; frames without any
                                                         // label have the first
  bool count_background = false;                         // they do not leave them out
};

// Frames of the evaluated videos: one has the label of the segment in which its middle lies; of several detections
// there, of the best score (of equals the later one of the stream), of several annotations the later one. Detections
// behind the last frame make the prediction longer, as a longer file does in the source.
//
// Accuracy pools the frames of all videos, background too. Edit is the mean over videos of 1 - Levenshtein distance /
// larger number of segments; a video of which neither side has one counts as 1 (the source has 0/0 there). F1 pools
// counts: a predicted segment, in order of time, is a true positive if the segment of its label with the largest IoU
// (of equals the first) reaches the threshold and no other has it. overlaps: thresholds above 0. Error with video and
// field for a video without duration or rate, or of more than 2^31 frames.
std::unique_ptr<Measured> segmentation(const Selection& selection, const std::vector<double>& overlaps,
                                       const SegmentationRules& rules);

}  // namespace tal::eval
