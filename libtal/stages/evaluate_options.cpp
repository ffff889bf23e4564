#include "libtal/stages/evaluate_options.h"

#include <algorithm>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/cli/tool.h"
#include "libtal/data/tables.h"

namespace tal::eval {
namespace {

using Measure = ProtocolRow::Measure;

std::vector<std::string> operator+(std::vector<std::string> a, const std::vector<std::string>& b) {
  a.insert(a.end(), b.begin(), b.end());
  return a;
}

// Protocols of segments and tIoU: not those with numbers of their own.
std::vector<std::string> segment_protocols() {
  return detection_protocols() + protocols_that(Measure::kRecall) + protocols_that(Measure::kFrameRecall);
}

void register_sample_options(const Options& table, const Options& detections, EvalOptions& o) {
  detections
      .add("--sample-wise", o.sample_rate,
           "Also precision, recall and F1 of samples, RATE a second, each with one class or null")
      .type_name("RATE")
      .positive();
  const Options samples = table.with_any({{"--sample-wise"}, {"--protocol", {"samples"}}});
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

// Of protocols with numbers of their own.
void register_own_options(const Options& table, EvalOptions& o) {
  table.add("--rate", o.rate, "segmentation, samples: frames or samples a second (default: the video's fps)")
      .type_name("RATE")
      .positive()
      .with("--protocol", {"segmentation", "samples"});
  const Options segmentation = table.with("--protocol", {"segmentation"});
  segmentation
      .add("--background", o.background,
           "segmentation: labels that edit and F1 leave out; frames without a label have the first")
      .type_name("NAMES");
  segmentation.flag("--count-background", o.count_background, "segmentation: edit and F1 do not leave it out");
  table
      .add("--classes", o.classes,
           "soccernet, charades: the classes, all of which count in the means: a list of names (default: the 17 of "
           "SoccerNet-v2, the 157 of Charades)")
      .type_name("FILE")
      .reads()
      .with("--protocol", {"soccernet", "charades"});
  const Options sound = table.with("--protocol", {"sound-events"});
  sound.add("--collar", o.collar, "sound-events: how far off an onset or offset may be, seconds")
      .type_name("SECONDS")
      .positive();
  sound
      .add("--offset-share", o.offset_share,
           "sound-events: an offset may be off by so much of the event's length, if that is more")
      .type_name("X")
      .between(0.0, 1.0)
      .without("--onset-only");
  sound.flag("--onset-only", o.onset_only, "sound-events: offsets do not matter");
  sound.add("--segment-length", o.segment_length, "sound-events: of the segments of time, seconds")
      .type_name("SECONDS")
      .positive();
  sound
      .add("--psds", o.psds,
           "sound-events: one score with these DTC, GTC, CTTC, alpha_CT, alpha_ST and largest rate an hour, e.g. "
           "0.5,0.5,0.3,0,0,100 (default: DCASE's two scenarios)")
      .type_name("LIST")
      .number_list();
  sound
      .add("--psds-version", o.psds_version,
           "sound-events: PSDS as this version of psds_eval has it; they differ where alpha_CT is above 0")
      .one_of({{"0.3.0", "a class's cross triggers are divided by the number of all classes"},
               {"0.5.3",
                "by that of the others, as in the paper; segments that only touch do not meet, events of no length do "
                "not count"}});
  sound
      .add(
          "--operating-point", o.operating_points,
          "sound-events: records with the detections of another threshold, for PSDS; repeatable. The stream is one too")
      .type_name("FILE")
      .repeatable()
      .reads();
  sound
      .add("--score-thresholds", o.score_thresholds,
           "sound-events: the operating points of PSDS are the detections with a score above each (default: 50 from "
           "0.01 "
           "to 0.99)")
      .type_name("LIST")
      .number_list()
      .without("--operating-point");
}

}  // namespace

void register_options(const Options& table, EvalOptions& o) {
  std::vector<Choice> names, comparable;  // for --against: custom has no rules of its own
  for (const auto& row : protocols()) names.push_back({row.name, row.help});
  for (const auto& name : detection_protocols())
    if (name != "custom") comparable.push_back(name.c_str());
  const Options detections = table.with("--protocol", detection_protocols()),
                segments = table.with("--protocol", segment_protocols()),
                frames = table.with("--protocol", {"thumos14-proposal"});
  table
      .add("--protocol", o.protocols,
           "Whose numbers: the rules of matching, averaging and counting; several with commas between give one table")
      .type_name("NAME,...")
      .comma_separated()
      .shown_default("activitynet-detection")
      .one_of(names);
  table.add("--gt", o.gt, "Records with annotations (default: the annotations of the stream itself)")
      .type_name("FILE")
      .reads();
  table.add("--subset", o.subset, "Only ground truth of this subset (default: all of it)").type_name("NAME");
  table.add("--tiou", o.tiou, "Thresholds: list or range, e.g. 0.5:0.05:0.95 (default: the protocol's)")
      .type_name("LIST")
      .number_list()
      .with("--protocol", segment_protocols() + std::vector<std::string>{"segmentation", "epic"});
  table.add("--exclude", o.exclude, "Leave out the videos that FILE names, one a line or in a column video")
      .type_name("FILE")
      .reads();
  table.flag(
      "--exclude-known-bad", o.exclude_known_bad,
      "Leave out video_test_0000270, _0001292 and _0001496 of THUMOS14, whose annotations are wrong or only Ambiguous");
  table.add("--excluded", o.excluded, "Predictions of excluded videos: drop them, or count them as false positives")
      .one_of({"drop", "count"})
      .with_any({{"--exclude"}, {"--exclude-known-bad"}});
  table.flag("--class-agnostic", o.class_agnostic, "custom: one class, labels ignored").with("--protocol", {"custom"});
  table.add("--ties", o.ties, "Order of equal scores: protocol, reversed or input order, or by video name")
      .one_of({"protocol", "reversed", "input", "video"})
      .with("--protocol", segment_protocols() + std::vector<std::string>{"epic"});
  segments.flag("--ties-range", o.ties_range, "Also the lowest and highest mean that the order of equal scores allows");
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
           "Also Recall@kx: the first k times n predictions of a video and class with n instances (default: ego4d-mq's "
           "and multithumos' own)")
      .type_name("LIST")
      .number_list();
  std::vector<std::string> with_recall;
  for (const auto& row : protocols())
    if (!row.recall_at.empty()) with_recall.push_back(row.name);
  detections.add("--recall-tiou", o.recall_tiou, "Thresholds of Recall@kx (default: the protocol's, or --tiou)")
      .type_name("LIST")
      .number_list()
      .with_any({{"--recall-at"}, {"--protocol", with_recall}});
  table.flag("--per-class", o.per_class, "Also the table of classes")
      .with("--protocol", detection_protocols() + protocols_that(Measure::kOwn));
  table.add("--bootstrap", o.bootstrap, "Intervals of 95 % from N samples of the videos (--seed)")
      .type_name("N")
      .between(2, 1000000);
  table
      .add("--compare", o.compare,
           "Records with other predictions for the same videos: differences, of all, by threshold and by class, with "
           "intervals and p-value; repeatable")
      .type_name("FILE")
      .reads()
      .repeatable();
  detections.flag(
      "--diagnose", o.diagnose,
      "Kinds of false positives and their cost, and the score by coverage, length and number of instances (DETAD)");
  detections
      .add("--diagnose-file", o.diagnose_file,
           "Write every prediction's kind at the first threshold to FILE (implies --diagnose)")
      .type_name("FILE")
      .writes();
  const std::vector<Condition> diagnosed = {{"--diagnose"}, {"--diagnose-file"}, {"--html"}};
  std::vector<Condition> by_length = diagnosed;
  by_length.push_back({"--protocol", protocols_that(Measure::kRecall) + protocols_that(Measure::kFrameRecall)});
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
  register_sample_options(table, detections, o);
  register_own_options(table, o);
  segments.add("--oracle", o.oracle, "What the mean gains if this step were perfect; all: one after another")
      .one_of({"boundaries", "labels", "ranking", "all"});
  detections
      .add("--against", o.against,
           "A second detection protocol on the same data and thresholds: its score, and what each differing rule moves")
      .one_of(comparable);
  detections.flag("--explain", o.explain, "With --against: every instance on which the two disagree, and why")
      .with("--against");
  segments.add("--curves", o.curves, "Write precision/recall or recall curves to FILE as CSV")
      .type_name("FILE")
      .writes();
  table.flag("--require-complete", o.require_complete, "Fail when a ground-truth video has no record in the stream");
  table.add("--fail-under", o.fail_under, "Status 1 when the protocol's score, the second line of the report, is lower")
      .type_name("X");
  table
      .add("--html", o.html,
           "Also one page to look at: curves and classes with intervals (--bootstrap, default 200 samples), coverage, "
           "of "
           "detections DETAD's diagnosis and the range of ties")
      .type_name("FILE")
      .writes();
  table.add("--format", o.format, "text, json (one object), csv or tsv (one rectangle), or markdown")
      .one_of({"text", "json", "csv", "tsv", "markdown"});
}

namespace {

void refuse_twice(const std::string& option, const std::vector<std::string>& names) {
  for (auto name = names.begin(); name != names.end(); ++name)
    if (std::find(names.begin(), name, *name) != name) throw UsageError(option + " names " + *name + " twice");
}

bool of_proposals(const ProtocolRow& row) {
  return row.measure == Measure::kRecall || row.measure == Measure::kFrameRecall;
}

// Values, not options, that have no effect: the option, its value, and why.
struct Useless {
  std::string EvalOptions::*option;
  std::string text, why;
};
std::vector<Useless> useless_values(const EvalOptions& o, const ProtocolRow& row) {
  std::vector<Useless> out;
  if (of_proposals(row) && o.ties == "video")
    out.push_back({&EvalOptions::ties, "--ties video", "proposals are ranked inside their video"});
  if ((of_proposals(row) || o.class_agnostic) && o.oracle == "labels")
    out.push_back({&EvalOptions::oracle, "--oracle labels", "labels are ignored"});
  return out;
}

// What each protocol takes of the options; a value that none of them has a use for is refused.
std::vector<EvalOptions> options_by_protocol(Tool& tool, EvalOptions& o) {
  const EvalOptions all = o, unset;
  std::vector<EvalOptions> out;
  std::vector<Useless> useless;
  for (const auto& name : all.protocols) {
    o.protocols = {name};
    tool.unset_useless();
    out.push_back(std::exchange(o, all));
    for (const auto& value : useless_values(out.back(), protocol_row(name))) {
      out.back().*value.option = unset.*value.option;
      useless.push_back({value.option, value.text + " has no effect with --protocol " + name, value.why});
    }
  }
  for (const auto& value : useless)
    if (std::none_of(out.begin(), out.end(), [&](const auto& own) { return own.*value.option == all.*value.option; }))
      throw UsageError(value.text + ": " + value.why);
  return out;
}

// Nearer to each other, they have one name in the report.
constexpr double kSameNumber = 1e-7;

// The numbers of a list; each once, because each names a column or a row, and one that stands twice would count twice
// in means.
std::vector<double> numbers_once(const std::string& option, const std::string& list) {
  auto out = parse_number_list(list), sorted = out;
  std::sort(sorted.begin(), sorted.end());
  const auto same =
      std::adjacent_find(sorted.begin(), sorted.end(), [](double a, double b) { return b - a < kSameNumber; });
  if (same != sorted.end()) throw UsageError(option + ": " + format_number(*same) + " stands twice in " + list);
  return out;
}

std::vector<double> thresholds_of(const EvalOptions& o, const ProtocolRow& row) {
  if (!o.tiou.empty()) {
    auto given = numbers_once("--tiou", o.tiou);
    for (const double t : given)
      if (!(t >= 0 && t <= 1)) throw UsageError("--tiou: " + format_number(t) + " is not between 0 and 1");
    if (row.name == "segmentation" && std::count(given.begin(), given.end(), 0) > 0)
      throw UsageError("--tiou: with --protocol segmentation the thresholds are above 0");
    return row.measure == Measure::kOwn && row.tiou.empty() ? row.tiou : given;
  }
  return row.tiou;
}

std::vector<std::string> comma_list(const std::string& text) {
  std::vector<std::string> out;
  for (std::size_t begin = 0; begin <= text.size();) {
    const auto end = std::min(text.find(',', begin), text.size());
    if (end > begin) out.push_back(text.substr(begin, end - begin));
    begin = end + 1;
  }
  return out;
}

std::vector<PsdsSetting> psds_settings(const std::string& text) {
  if (text.empty()) return dcase_scenarios();
  const auto v = parse_number_list(text);
  if (v.size() != 6)
    throw UsageError("--psds takes six numbers (DTC, GTC, CTTC, alpha_CT, alpha_ST, largest rate), not " +
                     std::to_string(v.size()));
  for (std::size_t i = 0; i < 4; ++i)
    if (!(v[i] >= 0 && v[i] <= 1)) throw UsageError("--psds: " + format_number(v[i]) + " is not between 0 and 1");
  if (!(v[4] >= 0)) throw UsageError("--psds: alpha_ST must not be negative");
  if (!(v[5] > 0)) throw UsageError("--psds: the largest rate must be positive");
  return {{"psds", v[0], v[1], v[2], v[3], v[4], v[5]}};
}

std::vector<std::string> class_list(Tool& tool, const std::string& path, const std::vector<std::string>& standard) {
  if (path.empty()) return standard;
  return read_class_names(path, [&](const std::string& text) { tool.note(text); });
}

// The rules of the protocol with numbers of its own.
void set_own_rules(Tool& tool, const EvalOptions& o, Protocol& p) {
  p.segmentation.rate = o.rate, p.segmentation.count_background = o.count_background;
  p.segmentation.background = comma_list(o.background);
  if (p.segmentation.background.empty()) throw UsageError("--background names no label");
  if (p.name == "samples") p.samples = sample_rules(tool, o), p.samples.rate = o.rate;
  if (p.name == "soccernet") {
    p.spotting.classes = class_list(tool, o.classes, soccernet_classes());
    if (!o.classes.empty()) p.spotting.unshown_factor = 1;
  }
  if (p.name == "charades") p.frame_scores.classes = class_list(tool, o.classes, charades_classes());
  p.sound.collars = {o.collar, o.offset_share, o.onset_only, o.segment_length};
  p.sound.psds = psds_settings(o.psds);
  if (o.psds_version == "0.5.3") p.sound.psds_version = PsdsVersion::k053;
  if (p.name == "sound-events" && o.psds_version == "0.5.3") p.source = "sed_eval 0.2.1 and psds_eval 0.5.3";
  p.sound.thresholds = o.score_thresholds.empty() ? linspace(0.01, 0.99, 50) : parse_number_list(o.score_thresholds);
}

std::unordered_set<std::string> exclusions(const EvalOptions& o) {
  std::unordered_set<std::string> out;
  if (o.exclude_known_bad) out.insert(known_bad_videos().begin(), known_bad_videos().end());
  if (o.exclude.empty()) return out;
  const auto listed = parse_video_list(load_sources({o.exclude}, "").at(0));
  if (listed.empty()) throw Error("names no video").at_line(o.exclude, 0);
  for (const auto& video : listed) out.insert(video.name);
  return out;
}

std::vector<int> whole_numbers(const std::string& option, const std::string& list) {
  std::vector<int> out;
  for (const double k : numbers_once(option, list)) {
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
  rules.rate = o.sample_rate, rules.score_above = o.sample_score;
  rules.highest_wins = o.sample_overlap == "highest";
  rules.undefined = o.sample_undefined == "1" ? 1 : 0;
  if (!o.sample_classes.empty())
    rules.classes = read_class_names(o.sample_classes, [&](const std::string& text) { tool.note(text); });
  return rules;
}

namespace {

Protocol make_protocol(Tool& tool, const EvalOptions& o, const std::unordered_set<std::string>& excluded) {
  const ProtocolRow& row = protocol_row(o.protocols.front());
  Protocol p;
  p.name = row.name, p.make = row.make, p.reads = row.reads;
  p.proposals = of_proposals(row);
  p.thumos_frames = row.measure == Measure::kFrameRecall;
  p.tiou = thresholds_of(o, row);
  set_matching(p, o);
  p.filter.all_subsets = !tool.given("--subset");
  p.filter.subset = o.subset;
  p.filter.class_agnostic = p.proposals || (o.class_agnostic && p.name == "custom");
  p.filter.count_excluded = o.excluded == "count";
  p.filter.exclude = excluded;
  p.filter.same_within = row.same_within;
  p.max_avg = o.max_avg_proposals;
  p.videos_from_proposals = p.thumos_frames && !o.videos_from_ground_truth;
  p.filter.ambiguous_is_positive = p.thumos_frames && !o.ambiguous_removed;
  p.recall_at = row.recall_at, p.recall_tiou = row.recall_tiou, p.recall_rules = row.recall_rules;
  if (!o.recall_at.empty()) p.recall_at = whole_numbers("--recall-at", o.recall_at);
  if (!o.recall_tiou.empty()) p.recall_tiou = numbers_once("--recall-tiou", o.recall_tiou);
  p.scales = detad_scales(row.thumos14);
  set_ends(p.scales.length, "--length-bins", o.length_bins);
  set_ends(p.scales.coverage, "--coverage-bins", o.coverage_bins);
  if (!o.instance_bins.empty()) whole_numbers("--instance-bins", o.instance_bins);
  set_ends(p.scales.instances, "--instance-bins", o.instance_bins);
  set_own_rules(tool, o, p);
  return p;
}

}  // namespace

std::vector<Asked> make_protocols(Tool& tool, EvalOptions& o) {
  std::vector<Asked> out;
  refuse_twice("--protocol", o.protocols);
  refuse_twice("--compare", o.compare);
  auto options = options_by_protocol(tool, o);
  const auto excluded = exclusions(o);
  for (auto& own : options) {
    Protocol p = make_protocol(tool, own, excluded);
    out.push_back({std::move(p), std::move(own)});
  }
  if (out.size() > 1)
    for (const char* option : {"--fail-under", "--curves", "--diagnose-file", "--html"})
      if (tool.given(option)) throw UsageError(std::string(option) + " takes one --protocol");
  return out;
}

Reads reads_of(const std::vector<Asked>& protocols) {
  Reads all = protocols.front().protocol.reads;
  const Protocol* strict = nullptr;  // one that takes either segments or points
  all.times = Reads::Times::kEither;
  for (const auto& [p, own] : protocols) {
    all.scores = all.scores || p.reads.scores;
    if (p.reads.times == Reads::Times::kEither) continue;
    if (strict && strict->reads.times != p.reads.times)
      throw UsageError("--protocol " + strict->name + " and " + p.name +
                       " are not in one call: one reads segments, the other points in time");
    strict = &p, all.times = p.reads.times;
  }
  return all;
}

}  // namespace tal::eval
