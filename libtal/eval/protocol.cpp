#include "libtal/eval/protocol.h"

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal::eval {

const std::vector<ProtocolRow>& protocols() {
  using enum ProtocolRow::Measure;
  static const std::vector<ProtocolRow> rows = {
      {"activitynet-detection",
       "ActivityNet's eval_detection.py: each detection, by falling score, takes the free instance of largest tIoU if "
       "it reaches "
       "the threshold; precision is enveloped",
       kPrecision, linspace(0.5, 0.95, 10)},
      {"activitynet-proposal",
       "ActivityNet's eval_proposal.py: average recall up to 100 proposals a video, and its area (0 to 100)", kRecall,
       linspace(0.5, 0.95, 10)},
      {"thumos14-proposal",
       "The script that papers on THUMOS14's proposals share: average recall on inclusive frames at 50 to 1000 "
       "proposals",
       kFrameRecall, linspace(0.5, 1.0, 11), Matching::kActivityNet, Ties::kReversed, true},
      {"thumos14-detection", "activitynet-detection at tIoU 0.3 to 0.7, as papers on THUMOS14 report it", kPrecision,
       linspace(0.3, 0.7, 5), Matching::kActivityNet, Ties::kReversed, true},
      {"thumos14-official",
       "THUMOS14's evaluation kit: instances in file order take the free detection of largest tIoU, strictly above the "
       "threshold; "
       "detections on Ambiguous segments are excused",
       kPrecision, linspace(0.1, 0.7, 7), Matching::kThumosOfficial, Ties::kVideo, true},
      {"custom", "activitynet-detection's matching with any thresholds, optionally --class-agnostic", kPrecision,
       linspace(0.5, 0.95, 10)},
  };
  return rows;
}

const ProtocolRow& protocol_row(const std::string& name) {
  for (const auto& row : protocols())
    if (row.name == name) return row;
  throw UsageError("unknown protocol '" + name + "'");
}

std::vector<std::string> detection_protocols() {
  std::vector<std::string> names;
  for (const auto& row : protocols())
    if (row.measure == ProtocolRow::Measure::kPrecision) names.push_back(row.name);
  return names;
}

void set_matching(Protocol& p, const EvalOptions& o) {
  const ProtocolRow& row = protocol_row(p.name);
  p.matching = row.matching;
  p.ties = o.ties == "reversed" ? Ties::kReversed
           : o.ties == "input"  ? Ties::kInput
           : o.ties == "video"  ? Ties::kVideo
                                : row.ties;
}

Protocol other_protocol(const Protocol& first, const EvalOptions& o) {
  Protocol p = first;
  p.name = o.against;
  set_matching(p, o);
  return p;
}

}  // namespace tal::eval
