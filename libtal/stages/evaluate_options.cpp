#include "libtal/stages/evaluate_options.h"

#include <algorithm>

#include "libtal/base/number.h"
#include "libtal/cli/tool.h"
#include "libtal/data/tables.h"

namespace tal::eval {
namespace {

void register_sample_options(const Options& detections, EvalOptions& o) {
  detections
      .add("--sample-wise", o.sample_rate,
           "Also precision, recall and F1 of samples, RATE a second, each with one class or null")
      .type_name("RATE")
      .positive();
  const Options samples = detections.with("--sample-wise");
  samples.add("--sample-score", o.sample_score, "Detections that give samples a class have a score above X")
      .type_name("X")
      .number();
  samples.add("--sample-overlap", o.sample_overlap, "Which of several detections gives a sample its class: by score")
      .one_of({{"highest", "the best one; equal scores: the later one of the stream"},
               {"lowest", "the last one, where a list sorted by falling score overwrites what stood before"}});
  samples
      .add("--sample-undefined", o.sample_undefined,
           "Precision, recall and F1 of a class where they are 0/0 (scikit-learn's zero_division)")
      .one_of({"0", "1"});
  samples
      .add("--sample-classes", o.sample_classes,
           "Classes that count in the means wherever they occur or not: a list of names (default: those of the ground "
           "truth and of the samples)")
      .type_name("FILE")
      .reads();
}

}  // namespace

void register_options(const Options& table, EvalOptions& o) {
  std::vector<Choice> names, comparable;  // for --against: custom has no rules of its own
  for (const auto& row : protocols()) names.push_back({row.name, row.help});
  for (const auto& name : detection_protocols())
    if (name != "custom") comparable.push_back(name.c_str());
  const Options detections = table.with("--protocol", detection_protocols()),
                frames = table.with("--protocol", {"thumos14-proposal"});
  table.add("--protocol", o.protocol, "Whose numbers: the rules of matching, averaging and counting").one_of(names);
  table.add("--gt", o.gt, "Records with annotations (default: the annotations of the stream itself)").type_name("FILE");
  table.add("--subset", o.subset, "Only ground truth of this subset (default: all of it)").type_name("NAME");
  table.add("--tiou", o.tiou, "Thresholds: list or range, e.g. 0.5:0.05:0.95 (default: the protocol's)")
      .type_name("LIST")
      .number_list();
  table.add("--exclude", o.exclude, "Leave out the videos that FILE names, one a line or in a column video")
      .type_name("FILE");
  table.flag(
      "--exclude-known-bad", o.exclude_known_bad,
      "Leave out video_test_0000270, _0001292 and _0001496 of THUMOS14, whose annotations are wrong or only Ambiguous");
  table.add("--excluded", o.excluded, "Predictions of excluded videos: drop them, or count them as false positives")
      .one_of({"drop", "count"})
      .with_any({{"--exclude"}, {"--exclude-known-bad"}});
  table.flag("--class-agnostic", o.class_agnostic, "custom: one class, labels ignored").with("--protocol", {"custom"});
  table.add("--ties", o.ties, "Order of equal scores: protocol, reversed or input order, or by video name")
      .one_of({"protocol", "reversed", "input", "video"});
  table.flag("--ties-range", o.ties_range, "Also the lowest and highest mean that the order of equal scores allows");
  table.add("--max-avg-proposals", o.max_avg_proposals, "activitynet-proposal: proposals a video on average")
      .type_name("N")
      .positive()
      .with("--protocol", {"activitynet-proposal"});
  frames.flag("--videos-from-gt", o.videos_from_ground_truth,
              "thumos14-proposal: videos without a proposal stay in the denominator (the script in use drops them)");
  frames.flag("--no-ambiguous", o.ambiguous_removed,
              "thumos14-proposal: Ambiguous rows are no ground truths (the script in use counts them)");
  table.flag("--live", o.live,
             "Records may be windows of a video (tal-nms --live): the proposals of all its windows count together");
  table.add("--score-above", o.score_above, "Leave out predictions whose score is not above X, from every number")
      .type_name("X")
      .number();
  detections
      .add("--recall-at", o.recall_at,
           "Also Recall@kx: the first k times n predictions of a video and class with n instances")
      .type_name("LIST")
      .number_list();
  detections.flag("--per-class", o.per_class, "Also the table of classes");
  table.add("--bootstrap", o.bootstrap, "Intervals of 95 % from N samples of the videos (--seed)")
      .type_name("N")
      .between(2, 1000000);
  table
      .add("--compare", o.compare,
           "Records with other predictions for the same videos: difference, interval and p-value")
      .type_name("FILE");
  detections.flag(
      "--diagnose", o.diagnose,
      "Kinds of false positives and their cost, and the score by coverage, length and number of instances (DETAD)");
  detections
      .add("--diagnose-file", o.diagnose_file,
           "Write every prediction's kind at the first threshold to FILE (implies --diagnose)")
      .type_name("FILE");
  const std::vector<Condition> diagnosed = {{"--diagnose"}, {"--diagnose-file"}};
  std::vector<Condition> by_length = diagnosed;
  std::vector<std::string> recalls;
  for (const auto& row : protocols())
    if (row.measure != ProtocolRow::Measure::kPrecision) recalls.push_back(row.name);
  by_length.push_back({"--protocol", recalls});
  table
      .add("--length-bins", o.length_bins,
           "Where the ranges of length end, in seconds, e.g. 3,6,12,18 (default: DETAD's for the protocol's data)")
      .type_name("LIST")
      .number_list()
      .with_any(by_length);
  table
      .add("--coverage-bins", o.coverage_bins,
           "The same of coverage, the share of the video that an instance fills (0 to 1)")
      .type_name("LIST")
      .number_list()
      .with_any(diagnosed);
  table.add("--instance-bins", o.instance_bins, "The same of the number of instances of a video")
      .type_name("LIST")
      .number_list()
      .with_any(diagnosed);
  register_sample_options(detections, o);
  table.add("--oracle", o.oracle, "What the mean gains if this step were perfect; all: one after another")
      .one_of({"boundaries", "labels", "ranking", "all"});
  detections
      .add("--against", o.against,
           "A second detection protocol on the same data and thresholds: its score, and what each differing rule moves")
      .one_of(comparable);
  detections.flag("--explain", o.explain, "With --against: every instance on which the two disagree, and why")
      .with("--against");
  table.add("--curves", o.curves, "Write precision/recall or recall curves to FILE as CSV").type_name("FILE");
  table.flag("--require-complete", o.require_complete, "Fail when a ground-truth video has no record in the stream");
  table
      .add("--fail-under", o.fail_under,
           "Status 1 when average_map (0..1) or auc (0..100; thumos14-proposal: AR@50) is lower")
      .type_name("X");
  table.add("--format", o.format, "text, json (one object), csv or markdown")
      .one_of({"text", "json", "csv", "markdown"});
}

namespace {

// Values, not options, that have no effect.
void refuse_useless(const EvalOptions& o, const Protocol& p) {
  const std::string why = "--protocol " + o.protocol;
  if (p.proposals && o.ties == "video")
    throw UsageError("--ties video has no effect with " + why + ": proposals are ranked inside their video");
  if ((p.proposals || o.class_agnostic) && o.oracle == "labels")
    throw UsageError("--oracle labels has no effect with " + why + ": labels are ignored");
}

std::vector<double> thresholds_of(const EvalOptions& o, const ProtocolRow& row) {
  if (!o.tiou.empty()) {
    auto given = parse_number_list(o.tiou);
    for (const double t : given)
      if (!(t >= 0 && t <= 1)) throw UsageError("--tiou: " + format_number(t) + " is not between 0 and 1");
    return given;
  }
  return row.tiou;
}

void read_exclusions(const std::string& path, Filter& filter) {
  const auto listed = parse_video_list(load_sources({path}, "").at(0));
  if (listed.empty()) throw Error("names no video").at_line(path, 0);
  for (const auto& video : listed) filter.exclude.insert(video.name);
}

std::vector<int> whole_numbers(const std::string& option, const std::string& list) {
  std::vector<int> out;
  for (const double k : parse_number_list(list)) {
    if (!(k >= 1 && k <= 1e6) || k != static_cast<int>(k))
      throw UsageError(option + ": " + format_number(k) + " is not a whole number of 1 or more");
    out.push_back(static_cast<int>(k));
  }
  return out;
}

void set_ends(Scale& scale, const std::string& option, const std::string& list) {
  if (list.empty()) return;
  scale.ends = parse_number_list(list);
  for (std::size_t i = 0; i < scale.ends.size(); ++i)
    if (!(scale.ends[i] > (i == 0 ? 0 : scale.ends[i - 1])))
      throw UsageError(option + ": the ends must be positive and rise: " + list);
  if (scale.name == "coverage" && scale.ends.back() > 1)
    throw UsageError(option + ": " + format_number(scale.ends.back()) + " is more than the whole video, 1");
}

}  // namespace

const std::vector<std::string>& known_bad_videos() {
  static const std::vector<std::string> videos = {"video_test_0000270", "video_test_0001292", "video_test_0001496"};
  return videos;
}

SampleRules sample_rules(Tool& tool, const EvalOptions& o) {
  SampleRules rules;
  rules.rate = o.sample_rate.value_or(rules.rate), rules.score_above = o.sample_score;
  rules.highest_wins = o.sample_overlap == "highest";
  rules.undefined = o.sample_undefined == "1" ? 1 : 0;
  if (!o.sample_classes.empty())
    rules.classes = read_class_names(o.sample_classes, [&](const std::string& text) { tool.note(text); });
  return rules;
}

Protocol make_protocol(const Tool& tool, const EvalOptions& o) {
  using enum ProtocolRow::Measure;
  const ProtocolRow& row = protocol_row(o.protocol);
  Protocol p;
  p.name = row.name;
  p.proposals = row.measure != kPrecision;
  p.thumos_frames = row.measure == kFrameRecall;
  refuse_useless(o, p);
  p.tiou = thresholds_of(o, row);
  set_matching(p, o);
  p.filter.all_subsets = !tool.given("--subset");
  p.filter.subset = o.subset;
  p.filter.class_agnostic = p.proposals || o.class_agnostic;
  p.filter.count_excluded = o.excluded == "count";
  if (o.exclude_known_bad) p.filter.exclude.insert(known_bad_videos().begin(), known_bad_videos().end());
  if (!o.exclude.empty()) read_exclusions(o.exclude, p.filter);
  p.max_avg = o.max_avg_proposals;
  p.videos_from_proposals = p.thumos_frames && !o.videos_from_ground_truth;
  p.filter.ambiguous_is_positive = p.thumos_frames && !o.ambiguous_removed;
  if (!o.recall_at.empty()) p.recall_at = whole_numbers("--recall-at", o.recall_at);
  p.scales = detad_scales(row.thumos14);
  set_ends(p.scales.length, "--length-bins", o.length_bins);
  set_ends(p.scales.coverage, "--coverage-bins", o.coverage_bins);
  if (!o.instance_bins.empty()) whole_numbers("--instance-bins", o.instance_bins);
  set_ends(p.scales.instances, "--instance-bins", o.instance_bins);
  return p;
}

}  // namespace tal::eval
