// What tal-eval can be asked for, and a protocol with all its settings resolved.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libtal/eval/detection.h"
#include "libtal/eval/proposal.h"
#include "libtal/eval/scale.h"

namespace tal::eval {

struct EvalOptions {
  std::string protocol = "activitynet-detection";
  std::string gt, subset, tiou, exclude, compare, curves, diagnose_file, oracle, against;
  std::string excluded = "drop", ties = "protocol", recall_at, format = "text";
  std::string length_bins, coverage_bins, instance_bins;
  std::string sample_overlap = "highest", sample_undefined = "0", sample_classes;
  std::optional<double> score_above, sample_rate;
  double sample_score = 0.3;
  double max_avg_proposals = 100, fail_under = 0;
  int bootstrap = 0;
  bool live = false;  // records may be windows of a video
  bool exclude_known_bad = false, class_agnostic = false, ties_range = false, per_class = false,
       require_complete = false;
  bool diagnose = false, explain = false, videos_from_ground_truth = false, ambiguous_removed = false;
};

// A protocol as its code or paper has it: one row of protocols().
struct ProtocolRow {
  enum class Measure {
    kPrecision,    // of labelled detections: mean average precision
    kRecall,       // of proposals: average recall against their average number
    kFrameRecall,  // the same of segments in inclusive frames
  };
  std::string name, help;  // one line: whose code, and its rules
  Measure measure = Measure::kPrecision;
  std::vector<double> tiou;
  Matching matching = Matching::kActivityNet;
  Ties ties = Ties::kReversed;
  bool thumos14 = false;  // its videos' lengths are what --diagnose's buckets go by
};
const std::vector<ProtocolRow>& protocols();
const ProtocolRow& protocol_row(const std::string& name);  // UsageError for a name that is none of them
// The names of those that measure average precision.
std::vector<std::string> detection_protocols();

// One protocol with all its settings resolved.
struct Protocol {
  std::string name;
  bool proposals = false, thumos_frames = false;  // average recall; in inclusive frames
  Matching matching = Matching::kActivityNet;
  Ties ties = Ties::kReversed;
  std::vector<double> tiou;
  Filter filter;
  bool videos_from_proposals = false;
  double max_avg = 100;
  std::vector<int> recall_at;
  Scales scales;  // of --diagnose and of recall by length
};
// Matching and order of ties of the row with the protocol's name, unless the options say another order.
void set_matching(Protocol& protocol, const EvalOptions& options);
// --against: the other protocol's matching and order of ties, everything else as in `first`.
Protocol other_protocol(const Protocol& first, const EvalOptions& options);

}  // namespace tal::eval
