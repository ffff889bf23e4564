#include "libtal/eval/protocol.h"

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/eval/epic.h"

namespace tal::eval {
namespace {

std::vector<ProtocolRow> make_protocols() {
  using enum ProtocolRow::Measure;
  std::vector<ProtocolRow> rows;
  const auto add = [&](const char* name, const char* source, const char* help, ProtocolRow::Measure measure,
                       std::vector<double> tiou) -> ProtocolRow& {
    rows.push_back({name, source, help, measure, std::move(tiou)});
    return rows.back();
  };
  const auto own = [&](const char* name, const char* source, const char* help, std::vector<double> tiou, Reads reads,
                       MakeMeasured make) {
    ProtocolRow& row = add(name, source, help, kOwn, std::move(tiou));
    row.reads = reads, row.make = make;
  };
  using enum Reads::Times;
  add("activitynet-detection", "ActivityNet's eval_detection.py",
      "ActivityNet's eval_detection.py: each detection, by falling score, takes the free instance of largest tIoU if "
      "it reaches the threshold; precision is enveloped",
      kPrecision, linspace(0.5, 0.95, 10));
  add("activitynet-proposal", "ActivityNet's eval_proposal.py",
      "ActivityNet's eval_proposal.py: average recall up to 100 proposals a video, and its area (0 to 100)", kRecall,
      linspace(0.5, 0.95, 10));
  add("thumos14-proposal", "the script that papers on THUMOS14's proposals share",
      "The script that papers on THUMOS14's proposals share: average recall on inclusive frames at 50 to 1000 "
      "proposals",
      kFrameRecall, linspace(0.5, 1.0, 11))
      .thumos14 = true;
  add("thumos14-detection", "ActivityNet's eval_detection.py",
      "activitynet-detection at tIoU 0.3 to 0.7, as papers on THUMOS14 report it", kPrecision, linspace(0.3, 0.7, 5))
      .thumos14 = true;
  {
    ProtocolRow& row = add("thumos14-official", "THUMOS14's evaluation kit",
                           "THUMOS14's evaluation kit: instances in file order take the free detection of largest "
                           "tIoU, strictly above the threshold; detections on Ambiguous segments are excused",
                           kPrecision, linspace(0.1, 0.7, 7));
    row.matching = Matching::kThumosOfficial, row.ties = Ties::kVideo, row.thumos14 = true;
  }
  add("activitynet-detad", "DETAD (Alwassel et al., ECCV 2018)",
      "DETAD: activitynet-detection with normalised precision, as if each class had the mean number of instances: "
      "average mAP_N",
      kPrecision, linspace(0.5, 0.95, 10))
      .matching.normalised = true;
  {
    ProtocolRow& row =
        add("thumos14-detad", "DETAD (Alwassel et al., ECCV 2018)",
            "The same at tIoU 0.5 and with the ranges of --diagnose that DETAD has for THUMOS14", kPrecision, {0.5});
    row.matching.normalised = true, row.thumos14 = true;
  }
  {
    ProtocolRow& row = add("multithumos", "OpenTAD's mAP.py",
                           "OpenTAD's mAP at tIoU 0.1 to 0.9 for MultiTHUMOS: instances listed twice (to 1 ms) and "
                           "those of no length are taken out first; also Recall@1x and @5x",
                           kPrecision, linspace(0.1, 0.9, 9));
    row.recall_at = {1, 5}, row.same_within = 1e-3, row.thumos14 = true;
  }
  {
    ProtocolRow& row =
        add("ego4d-mq", "EGO4D/episodic-memory MQ: eval_detection.py, get_retrieval_performance.py",
            "Ego4D's moment queries: mAP at tIoU 0.1 to 0.5, and Recall@1x to @5x at 0.3, 0.5 and 0.7 of "
            "detections in the order of the file, strictly above the threshold",
            kPrecision, linspace(0.1, 0.5, 5));
    row.recall_at = {1, 2, 3, 4, 5}, row.recall_tiou = {0.3, 0.5, 0.7}, row.recall_rules = {true, true};
  }
  own("epic", "epic-kitchens/C2-Action-Detection",
      "EPIC-KITCHENS-100's action detection: mAP of verbs, of nouns and of actions at tIoU 0.1 to 0.5; labels are "
      "\"VERB,NOUN\"",
      linspace(0.1, 0.5, 5), {},
      [](const Selection& s, const Protocol& p, int jobs) { return epic(s, p.filter, p.tiou, p.ties, jobs); });
  own("segmentation", "eval.py of yabufarha/ms-tcn",
      "MS-TCN's eval.py for action segmentation: accuracy of frames, edit score, F1@10, 25 and 50 (0 to 100); scores "
      "are "
      "not needed",
      {0.1, 0.25, 0.5}, {kSegments, false},
      [](const Selection& s, const Protocol& p, int) { return segmentation(s, p.tiou, p.segmentation); });
  own("samples", "scikit-learn's metrics of labels",
      "Precision, recall and F1 of samples, each with one class or null, as activities from sensors are judged; scores "
      "are "
      "not needed",
      {}, {kSegments, false},
      [](const Selection& s, const Protocol& p, int) { return samples_protocol(s, p.samples); });
  own("soccernet", "SoccerNet 0.2.0: Evaluation.ActionSpotting",
      "SoccerNet's action spotting: mAP of points in time, loose (5 to 60 s), tight (1 to 5 s), and at 1 to 5 s, "
      "visible "
      "and unshown; a half of a game is a video",
      {}, {kPoints, true}, [](const Selection& s, const Protocol& p, int) { return spotting(s, p.spotting); });
  own("sound-events", "sed_eval 0.2.1 and psds_eval 0.3.0",
      "DCASE's sound events: F1 by collars and by segments of a second, and PSDS; scores are not needed", {},
      {kSegments, false},
      [](const Selection& s, const Protocol& p, int jobs) { return sound_events(s, p.sound, jobs); });
  own("charades", "Charades_v1_localize.m",
      "Charades' localization: mAP of class scores at 25 points of each video, from points in time or segments", {},
      {kEither, true}, [](const Selection& s, const Protocol& p, int) { return frame_scores(s, p.frame_scores); });
  add("custom", "ActivityNet's eval_detection.py",
      "activitynet-detection's matching with any thresholds, optionally --class-agnostic", kPrecision,
      linspace(0.5, 0.95, 10));
  return rows;
}

}  // namespace

const std::vector<ProtocolRow>& protocols() {
  static const std::vector<ProtocolRow> rows = make_protocols();
  return rows;
}

const ProtocolRow& protocol_row(const std::string& name) {
  for (const auto& row : protocols())
    if (row.name == name) return row;
  throw UsageError("unknown protocol '" + name + "'");
}

std::vector<std::string> protocols_that(ProtocolRow::Measure measure) {
  std::vector<std::string> names;
  for (const auto& row : protocols())
    if (row.measure == measure) names.push_back(row.name);
  return names;
}

std::vector<std::string> detection_protocols() { return protocols_that(ProtocolRow::Measure::kPrecision); }

void set_matching(Protocol& p, const EvalOptions& o) {
  const ProtocolRow& row = protocol_row(p.name);
  p.source = row.source;
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
