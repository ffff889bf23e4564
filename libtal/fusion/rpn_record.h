// The RPN's unit-level clues in the pipe: what tal-propose leaves in a record, and what tal-refine and tal-score make
// of it without the model.
//
// maps.rpn:  {"shape":[N,3,L^],"dtype":"float32","data":..., "anchors":[[s,e],...]}  unit scores (start, end,
// actionness) of N anchors,
//            whose segments are given in seconds, unclipped
// proposals: "scores":{"segment":p,"ds":..,"de":..[,"alpha_s":..,"alpha_e":..],"anchor":n}  n: index into maps.rpn
#pragma once

#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "libtal/fusion/rpn_scoring.h"
#include "libtal/io/record.h"

namespace tal {

// Unit scores of the anchors of one record.
struct RpnMaps {
  std::int64_t rows = 0;         // L^
  std::vector<Segment> anchors;  // seconds
  std::vector<double> scores;    // [N, 3, L^]
  UnitScores of(std::size_t anchor) const;
};
void set_rpn_maps(Record& record, const std::vector<Segment>& anchors, std::int64_t rows,
                  const std::vector<float>& scores);
// Error with the field; it says so when the proposals are of an RPN that has no unit scores.
RpnMaps read_rpn_maps(const Record& record);

// A proposal's scores that tal-propose writes.
struct RpnScores {
  double segment = 0;  // p
  std::size_t anchor = 0;
  SegmentEstimate estimate;
};
std::vector<NamedScore> named_scores(const RpnScores& scores);  // for Proposal::scores

struct RpnFusionOptions {
  std::string fusion = "average";  // Eq. (9); or "product": p p'
  double beta = 0.8;               // Eq. (9): weight of the segment score
  bool kl_ev = false;              // Eq. (8) with the KL factor
  bool keep_maps = false;          // scoring leaves maps.rpn in the record, for another scoring
  bool sweep = false;              // a table over beta instead of records
  std::string preset = "rpn";      // sweep: of tal-nms
  std::optional<double> low;       // sweep: lower threshold of soft-NMS in the place of the preset's
  std::string tiou = "0.5:0.05:0.95";
  double most = 100;            // sweep: proposals a video on average
  std::string format = "text";  // of the table; or json
};
// p and p' (0: no unit candidate) of every proposal.
std::vector<std::pair<double, double>> segment_and_unit_scores(const Record& record, bool kl_ev);
// 3.7.2: segments become the fused locations, clipped to the video; one that nothing is left of keeps its old segment.
void refine_by_units(Record& record, const RpnFusionOptions& options);
// Eq. (8), (9) or p p': scores become P; "scores" gains "unit": p'. maps.rpn leaves the record unless
// options.keep_maps.
void score_by_units(Record& record, const RpnFusionOptions& options);

}  // namespace tal
