// What tal-eval can be asked for, and a protocol with all its settings resolved.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libtal/eval/detection.h"
#include "libtal/eval/frame_scores.h"
#include "libtal/eval/measure.h"
#include "libtal/eval/proposal.h"
#include "libtal/eval/samples.h"
#include "libtal/eval/scale.h"
#include "libtal/eval/segmentation.h"
#include "libtal/eval/sound_events.h"
#include "libtal/eval/spotting.h"

namespace tal::eval {

struct EvalOptions {
  std::vector<std::string> protocols = {"activitynet-detection"};
  std::vector<std::string> compare, operating_points;
  std::string gt, subset, tiou, exclude, curves, diagnose_file, oracle, against, html;
  std::string excluded = "drop", ties = "protocol", recall_at, recall_tiou, format = "text";
  std::string length_bins, coverage_bins, instance_bins;
  std::string sample_overlap = "highest", sample_undefined = "0", sample_classes;
  std::string classes, background = "background", psds, score_thresholds, psds_version = "0.3.0";
  std::optional<double> score_above, sample_rate, rate;
  double sample_score = 0.3;
  double collar = 0.2, offset_share = 0.2, segment_length = 1;
  double max_avg_proposals = 100, fail_under = 0;
  int bootstrap = 0;
  bool live = false;  // records may be windows of a video
  bool exclude_known_bad = false, class_agnostic = false, ties_range = false, per_class = false,
       require_complete = false;
  bool diagnose = false, explain = false, videos_from_ground_truth = false, ambiguous_removed = false;
  bool count_background = false, onset_only = false;
};

struct Protocol;
// Of a protocol with numbers of its own.
using MakeMeasured = std::unique_ptr<Measured> (*)(const Selection& selection, const Protocol& protocol, int jobs);

// A protocol as its code or paper has it: one row of protocols().
struct ProtocolRow {
  enum class Measure {
    kPrecision,    // of labelled detections: mean average precision
    kRecall,       // of proposals: average recall against their average number
    kFrameRecall,  // the same of segments in inclusive frames
    kOwn,          // what `make` makes
  };
  std::string name, source, help;  // whose code or paper; one line: its rules
  Measure measure = Measure::kPrecision;
  std::vector<double> tiou;
  Matching matching = Matching::kActivityNet;
  Ties ties = Ties::kReversed;
  bool thumos14 = false;  // its videos' lengths are what --diagnose's buckets go by
  Reads reads = {};
  // Beside average precision: Recall@kx of these k at these thresholds (none: those of tiou).
  std::vector<int> recall_at = {};
  std::vector<double> recall_tiou = {};
  RecallRules recall_rules = {};
  double same_within = -1;  // Filter::same_within
  MakeMeasured make = nullptr;
};
const std::vector<ProtocolRow>& protocols();
const ProtocolRow& protocol_row(const std::string& name);  // UsageError for a name that is none of them
// The names of those that measure average precision, and of all that measure something.
std::vector<std::string> detection_protocols();
std::vector<std::string> protocols_that(ProtocolRow::Measure measure);

// One protocol with all its settings resolved.
struct Protocol {
  std::string name, source;
  bool proposals = false, thumos_frames = false;  // average recall; in inclusive frames
  Matching matching = Matching::kActivityNet;
  Ties ties = Ties::kReversed;
  std::vector<double> tiou;
  Filter filter;
  bool videos_from_proposals = false;
  double max_avg = 100;
  std::vector<int> recall_at;
  std::vector<double> recall_tiou;  // none: those of tiou
  RecallRules recall_rules;
  Scales scales;  // of --diagnose and of recall by length
  Reads reads;
  // Numbers of its own, and the rules of those that have some.
  MakeMeasured make = nullptr;
  SegmentationRules segmentation;
  SampleRules samples;
  SpottingRules spotting;
  SoundRules sound;
  FrameScoreRules frame_scores;

  bool detections() const { return !proposals && !make; }  // average precision
};
// Matching and order of ties of the row with the protocol's name, unless the options say another order.
void set_matching(Protocol& protocol, const EvalOptions& options);
// --against: the other protocol's matching and order of ties, everything else as in `first`.
Protocol other_protocol(const Protocol& first, const EvalOptions& options);

}  // namespace tal::eval
