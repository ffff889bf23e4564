// Grouping proposals: Algorithm 1 of ETP (Qiu et al., ICMR 2018, 3.1), proposals from score curves without a model.
//
// The paper's loop grows every component by one frame a round; here only the rounds in which something happens are
// visited: two components whose seeds are d apart meet in round ceil(d / 2), and a component leaves in the first round
// in which it is longer than min. O(n log n) a curve. tests/unit/grouping.cpp holds the literal loop and compares.
#pragma once

#include <cstdint>
#include <limits>
#include <mutex>
#include <string>
#include <vector>

#include "libtal/base/row_range.h"
#include "libtal/base/time_rows.h"
#include "libtal/io/features.h"
#include "libtal/io/record.h"

namespace tal {

struct Extent : RowRange {
  double score = 0;  // mean of the curve inside
};

// Components with min < rows < max, sorted by first, then end. keep_growing: an emitted component stays and grows on
// (nested proposals); else it leaves. rounds, when given, gets the number of rounds of the paper's loop. A single
// component that is left after the loop and fits is emitted too (the paper's loop never looks at it).
std::vector<Extent> group_components(const std::vector<double>& curve, std::int64_t min, std::int64_t max,
                                     double threshold, bool keep_growing, std::int64_t* rounds = nullptr);

// Gaussian kernel over |k| <= ceil(3 sigma), normalised; beyond the ends the end value repeats. sigma in rows; 0:
// unchanged.
std::vector<double> smooth_curve(const std::vector<double>& curve, double sigma);

struct GroupingOptions {
  std::string stream;  // name of the feature stream; empty: the only one
  std::string curve;   // all, mean, motion, or column names; empty: motion when there is such a column, else all
  std::string threshold = "0.5";  // one or more, each value starts its own grouping
  std::int64_t min = 2;           // rows, exclusive
  std::int64_t max = 0;           // rows, exclusive; 0: no bound
  double sigma = 4;               // rows
  bool keep_growing = false;
  double merge_nms = 0.8;            // tIoU of the suppression that merges the curves' proposals; 1: none
  std::string merge_nms_by = "all";  // all: one suppression over the proposals of all curves (Algorithm 1, line 11);
                                     // label: one for each label
  std::string normalize = "auto";    // none, minmax, or auto (minmax for motion, which has no natural scale)
};
// UsageError for bounds that nothing can meet or a bad list. mark: what stands before the names, "--" or "setting ".
void check_options(const GroupingOptions& options, const std::string& mark = "--");

// One curve and the label that its proposals carry ("" for the mean and for motion).
struct Curve {
  std::string label;
  std::vector<double> values;
};
// The curves that the options name; Error (field features...) when a column is missing.
std::vector<Curve> select_curves(const FeatureStream& stream, const FeatureMatrix& matrix,
                                 const GroupingOptions& options);
// Raw, then smoothed, curve after curve; nothing merged. Rows.
struct GroupedExtent {
  Extent extent;
  std::size_t curve;
};
std::vector<GroupedExtent> group_curves(const std::vector<Curve>& curves, const GroupingOptions& options);

// All curves' groups as proposals (seconds, clipped to the video when the record's duration is known), merged by
// suppression.
std::vector<Proposal> propose_from_curves(Record& record, const std::vector<Curve>& curves, const RowTime& time,
                                          const GroupingOptions& options);

// What the groupings of a whole run came to: one video without a proposal is normal, a run without any is a fault.
// Thread safe.
class GroupingTally {
 public:
  void add(const std::vector<Curve>& curves, std::size_t proposals);
  // Error when there were records and none got a proposal; says how high the curves are.
  void require_proposals(const GroupingOptions& options) const;

 private:
  mutable std::mutex mutex_;
  std::uint64_t records_ = 0, proposals_ = 0;
  double highest_ = -std::numeric_limits<double>::infinity();  // of all curves' values
};

// Reads the record's features and sets its proposals (seconds, clipped to the video when its duration is known),
// counted in `tally`. A window of a live video is grouped by itself; its rows' offset makes the times those of the
// video.
void propose_by_grouping(Record& record, const GroupingOptions& options, GroupingTally& tally);

}  // namespace tal
