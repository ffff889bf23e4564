// The weight of the segment score against the unit score (Eq. 9), tried on records with ground truth: average recall
// for each beta.
#pragma once

#include <string>
#include <vector>

#include "libtal/eval/proposal.h"
#include "libtal/fusion/rpn_record.h"

namespace tal {

// What a sweep over beta needs of one record.
struct SweepVideo {
  std::string video;
  double duration = 0;
  std::vector<Segment> truths, segments;
  std::vector<double> segment_scores, unit_scores;
};

// Error (field annotations) without ground truth.
SweepVideo sweep_video(const Record& record, const RpnFusionOptions& options);

// ActivityNet's curve of the proposals scored with this beta and suppressed as the options say.
eval::ProposalResult average_recall(const std::vector<SweepVideo>& videos, double beta, const RpnFusionOptions& options,
                                    int jobs);

}  // namespace tal
