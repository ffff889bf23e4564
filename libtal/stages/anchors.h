// tal-anchors: anchors of RPN's kind as proposals in seconds, their labels, and the recall they could reach at best.
//
// A window is `length` rows. stride 0: one window is the whole video, whose duration is divided into `length` rows
// (RPN 4.2, ActivityNet); with a feature stream of fewer rows the rows keep their time and the rest is padding. stride
// > 0: windows every `stride` rows (THUMOS14), whose rows need a time: from the feature stream, or `row_seconds`.
// Overlapping windows share anchors, which are written once; rows of padding behind the video's end belong to the
// window like all others.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/io/record.h"
#include "libtal/segment/anchors.h"

namespace tal {
struct AnchorOptions {
  std::string preset = "rpn-activitynet";  // or rpn-thumos14, custom
  std::int64_t length = 0;                 // T, rows of a window
  std::string scales;                      // anchor lengths as parts of T
  std::int64_t stride = 0;                 // rows between windows; 0: one window, the whole video
  std::string stream;       // feature stream whose rows are meant; empty: the duration, or (stride > 0) the only stream
  std::string row_seconds;  // seconds of a row, may be a fraction; empty: from the stream or the duration
  bool clip = false;        // to [0, duration]; what lies outside is left out
  bool vicinity = false;    // add each anchor's vicinity, seconds
  bool label = false;       // add best tIoU, its ground truth and the role
  double positive = 0.7;    // see AnchorRule
  std::string negative = "0.1,0.3";
  std::string score = "one";    // or tiou, with label
  bool ceiling = false;         // a report instead of records
  std::string tiou, an;         // of the report; by preset
  std::string format = "text";  // or json
};
ToolInfo anchors_info();  // of tal-anchors
void register_options(const Options& table,
                      AnchorOptions& options);  // presets take effect where an option was not given

// The options with their texts read.
struct AnchorPlan {
  AnchorOptions options;
  std::vector<double> scales, tiou;
  double row_seconds = 0;  // 0: not given
  std::vector<std::uint32_t> an;
  AnchorRule rule;
};
// UsageError for what makes no sense.
AnchorPlan plan_anchors(const AnchorOptions& options);

// All anchors of a video in seconds, row by row, scales in the given order. Errors: duration or features missing.
std::vector<Segment> anchors_in_seconds(const Record& record, const AnchorPlan& plan);
// Ground truth of a record: positions in `annotations` of what is not Ambiguous (THUMOS14's rows of no class), and
// their segments.
struct AnchorTruth {
  std::vector<std::int32_t> index;
  std::vector<Segment> segments;
  std::uint64_t ambiguous = 0;
};
AnchorTruth anchor_truth(const Record& record);

// Replaces the record's proposals by its anchors.
void set_anchors(Record& record, const AnchorPlan& plan);

struct CeilingReport {
  CeilingCounts counts;
  std::uint64_t ambiguous = 0;
};
// Adds one record.
void add_ceiling(CeilingReport& report, const Record& record, const AnchorPlan& plan);
void add_ceiling(CeilingReport& report, const CeilingReport& other);
// One JSON object or a table, ending in '\n'. Error when there is no ground truth.
std::string render_ceiling(const CeilingReport& report, const AnchorPlan& plan);

// The whole tool: records in; records, or with ceiling one report, out.
void run_anchors(Tool& tool, const AnchorOptions& options);

}  // namespace tal
