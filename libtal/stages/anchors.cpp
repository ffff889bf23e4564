#include "libtal/stages/anchors.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <mutex>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/time_rows.h"
#include "libtal/cli/tool.h"
#include "libtal/io/features.h"

namespace tal {
namespace {

// RPN's Section 4.2, and the thresholds and proposal numbers of the data set's metric.
struct Preset {
  const char *name, *help, *length, *scales, *stride, *tiou, *an;
};
constexpr Preset kPresets[] = {
    {"rpn-activitynet", "RPN on ActivityNet (Section 4.2): 9 scales in a window of 100 rows, the whole video", "100",
     "1,3/4,1/2,1/4,1/8,1/16,1/32,1/50,1/100", "0", "0.5:0.05:0.95", "1,5,10,100"},
    {"rpn-thumos14", "RPN on THUMOS14 (Section 4.2): 11 scales in windows of 256 rows, 128 rows apart", "256",
     "1/2,3/8,1/4,1/8,1/16,3/16,1/32,3/32,5/32,1/64,1/128", "128", "0.5:0.05:1.0", "50,100,200,500,1000"}};

// Rows of the window grid <-> seconds: row r begins at origin + r * step.
struct RowGrid {
  double origin = 0, step = 0;
  std::int64_t rows = 0;  // of the video
  double seconds(double row) const { return origin + row * step; }
};

RowGrid grid_of_stream(const Record& record, const AnchorOptions& o) {
  if (!record.has("features"))
    throw Error("missing; the time of a row comes from a feature stream or from --row-seconds").at_field("features");
  const FeatureStream stream = select_stream(record, o.stream);
  if (stream.rows < 1)
    throw Error("missing; the number of rows is needed").at_field("features." + stream.name + ".rows");
  const RowTime time = row_time(stream, record.duration());
  RowGrid grid{time.seconds(0), time.seconds(1) - time.seconds(0), stream.rows};
  if (o.stride == 0 && stream.rows > o.length) {  // pooled down to the window; fewer rows are padded and keep their
                                                  // time
    grid.step *= static_cast<double>(stream.rows) / static_cast<double>(o.length);
    grid.rows = o.length;
  }
  return grid;
}

constexpr double kMostRows = 1e6;  // of one video; more is a wrong unit

RowGrid grid_of(const Record& record, const AnchorPlan& plan) {
  const AnchorOptions& o = plan.options;
  if (plan.row_seconds > 0) {
    const double rows = std::ceil(record.require_duration() / plan.row_seconds);
    if (rows > kMostRows)
      throw Error("more than a million rows of " + format_number(plan.row_seconds) + " s").at_field("duration");
    return {0, plan.row_seconds, static_cast<std::int64_t>(rows)};
  }
  if (!o.stream.empty() || o.stride > 0) return grid_of_stream(record, o);
  return {0, record.require_duration() / static_cast<double>(o.length), o.length};
}

std::string number_field(const char* key, double value) {
  return '"' + std::string(key) + "\":" + format_number(value);
}

const char* name_of(AnchorRole role) {
  switch (role) {
    case AnchorRole::positive: return "\"positive\"";
    case AnchorRole::hard_negative: return "\"hard-negative\"";
    case AnchorRole::neither: break;
  }
  return "null";
}

// Clipped to the video; length 0 or less: outside.
Segment clip_to_video(const Segment& s, double duration) { return {std::max(0.0, s.start), std::min(duration, s.end)}; }

}  // namespace

std::vector<Segment> anchors_in_seconds(const Record& record, const AnchorPlan& plan) {
  const AnchorOptions& o = plan.options;
  const RowGrid grid = grid_of(record, plan);
  const std::vector<Segment> window = make_anchors(o.length, plan.scales);
  std::vector<Segment> out;
  std::int64_t next = 0;  // first row without anchors
  for (const std::int64_t start : window_starts(grid.rows, o.length, o.stride)) {
    const std::int64_t fresh = std::max<std::int64_t>(0, next - start);
    for (std::size_t i = static_cast<std::size_t>(fresh) * plan.scales.size(); i < window.size(); ++i) {
      const double first = static_cast<double>(start);
      out.push_back({grid.seconds(first + window[i].start), grid.seconds(first + window[i].end)});
    }
    next = start + o.length;
  }
  return out;
}

AnchorTruth anchor_truth(const Record& record) {
  if (!record.has("annotations")) throw Error("missing; labels and ceilings need ground truth").at_field("annotations");
  AnchorTruth truth;
  std::int32_t index = 0;
  for (const Annotation& annotation : record.annotations(true)) {
    if (annotation.label == "Ambiguous") {
      ++truth.ambiguous;
    } else {
      truth.index.push_back(index);
      truth.segments.push_back(annotation.segment);
    }
    ++index;
  }
  return truth;
}

void set_anchors(Record& record, const AnchorPlan& plan) {
  const AnchorOptions& o = plan.options;
  const std::vector<Segment> anchors = anchors_in_seconds(record, plan);
  AnchorTruth truth;
  AnchorLabels labels;
  if (o.label) truth = anchor_truth(record), labels = label_anchors(anchors, truth.segments, plan.rule);
  const double duration = o.clip ? record.require_duration() : 0;

  std::vector<Proposal> proposals;
  proposals.reserve(anchors.size());
  std::vector<std::string> extras;
  extras.reserve(anchors.size());  // never moves: proposals point into it
  for (std::size_t i = 0; i < anchors.size(); ++i) {
    Proposal proposal;
    proposal.segment = o.clip ? clip_to_video(anchors[i], duration) : anchors[i];
    if (o.clip && proposal.segment.length() <= 0) continue;
    proposal.score = o.score == "tiou" ? labels.best_tiou[i] : 1;
    std::string extra;
    if (o.vicinity) {
      const Segment vicinity = vicinity_of(anchors[i]);
      extra += "\"vicinity\":[" + format_number(vicinity.start) + ',' + format_number(vicinity.end) + ']';
    }
    if (o.label) {
      const std::int32_t best =
          labels.best_tiou[i] > 0 ? truth.index[static_cast<std::size_t>(labels.best_truth[i])] : -1;
      if (!extra.empty()) extra += ',';
      extra += number_field("tiou", labels.best_tiou[i]) +
               ",\"annotation\":" + (best < 0 ? "null" : std::to_string(best)) + ",\"role\":" + name_of(labels.role[i]);
    }
    extras.push_back(std::move(extra));
    proposal.extra = extras.back();
    proposals.push_back(proposal);
  }
  record.set_proposals(proposals);
}

void add_ceiling(CeilingReport& report, const Record& record, const AnchorPlan& plan) {
  std::vector<Segment> anchors = anchors_in_seconds(record, plan);
  const AnchorTruth truth = anchor_truth(record);
  if (plan.options.clip) {
    const double duration = record.require_duration();
    for (auto& anchor : anchors) anchor = clip_to_video(anchor, duration);
    std::erase_if(anchors, [](const Segment& s) { return s.length() <= 0; });
  }
  report.ambiguous += truth.ambiguous;
  add_ceiling(report.counts, anchors, truth.segments, plan.tiou, plan.an);
}

void add_ceiling(CeilingReport& report, const CeilingReport& other) {
  add_ceiling(report.counts, other.counts);
  report.ambiguous += other.ambiguous;
}

std::string render_ceiling(const CeilingReport& report, const AnchorPlan& plan) {
  const CeilingCounts& c = report.counts;
  if (c.truths == 0) throw Error("no ground truth in the stream, so there is nothing to reach").at_field("annotations");
  const double truths = static_cast<double>(c.truths), levels = static_cast<double>(plan.tiou.size());
  std::vector<double> recall, ar;
  double mean = 0;
  for (const auto count : c.reached)
    recall.push_back(static_cast<double>(count) / truths), mean += recall.back() / levels;
  for (const auto count : c.reached_at) ar.push_back(static_cast<double>(count) / truths / levels);
  const double per_video = static_cast<double>(c.anchors) / static_cast<double>(c.videos);
  if (plan.options.format == "json") {
    nlohmann::ordered_json ar_at;
    for (std::size_t i = 0; i < ar.size(); ++i) ar_at[std::to_string(plan.an[i])] = ar[i];
    return nlohmann::ordered_json{{"preset", plan.options.preset},
                                  {"videos", c.videos},
                                  {"instances", c.truths},
                                  {"ambiguous", report.ambiguous},
                                  {"anchors", c.anchors},
                                  {"anchors_per_video", per_video},
                                  {"tiou", plan.tiou},
                                  {"recall", recall},
                                  {"average_recall", mean},
                                  {"ar_at", ar_at}}
               .dump() +
           "\n";
  }
  char line[160];
  std::snprintf(line, sizeof line, "%llu videos, %llu instances (%llu Ambiguous left out), %.1f anchors a video\n",
                static_cast<unsigned long long>(c.videos), static_cast<unsigned long long>(c.truths),
                static_cast<unsigned long long>(report.ambiguous), per_video);
  std::string text = line;
  text += "  tIoU    recall\n";
  for (std::size_t i = 0; i < recall.size(); ++i) {
    std::snprintf(line, sizeof line, "  %-6.4g  %.4f\n", plan.tiou[i], recall[i]);
    text += line;
  }
  std::snprintf(line, sizeof line, "  mean    %.4f\n  AN      AR@AN at best\n", mean);
  text += line;
  for (std::size_t i = 0; i < ar.size(); ++i) {
    std::snprintf(line, sizeof line, "  %-6u  %.4f\n", plan.an[i], ar[i]);
    text += line;
  }
  return text;
}

namespace {

void apply_preset(Tool& tool, const AnchorOptions& o) {
  const auto preset =
      std::find_if(std::begin(kPresets), std::end(kPresets), [&](const Preset& row) { return o.preset == row.name; });
  const Preset& values = preset == std::end(kPresets) ? kPresets[0] : *preset;
  if (preset != std::end(kPresets))
    tool.preset("--length", values.length), tool.preset("--scales", values.scales),
        tool.preset("--stride", values.stride);
  else if (!tool.given("--length") || !tool.given("--scales"))
    throw UsageError("--preset custom needs --length and --scales");
  tool.preset("--tiou", values.tiou), tool.preset("--an", values.an);
}

}  // namespace

void register_options(const Options& table, AnchorOptions& o) {
  table.settle([&o](Tool& tool) { apply_preset(tool, o); });
  std::vector<Choice> presets;
  for (const auto& preset : kPresets) presets.push_back({preset.name, preset.help});
  presets.push_back({"custom", "--length and --scales say it all"});
  const Options which = table.group("Anchors"), labels = table.group("Labels").with("--label"),
                ceiling = table.group("Ceiling").with("--ceiling");
  which.add("--preset", o.preset, "A paper's windows and scales; flags win").one_of(presets);
  which.add("--length", o.length, "Rows of a window (rpn-activitynet 100, rpn-thumos14 256)")
      .type_name("T")
      .between(1, 1000000);
  which.add("--scales", o.scales, "Anchor lengths as parts of T, e.g. 1,3/4,1/2").type_name("LIST").number_list();
  which.add("--stride", o.stride, "Rows between windows (rpn-thumos14 128); 0: one window, the whole video")
      .type_name("ROWS")
      .between(0, 1000000);
  which
      .add("--stream", o.stream,
           "Rows are those of this feature stream (default: the only one with --stride; else DURATION / T)")
      .type_name("NAME")
      .without("--row-seconds");
  which.add("--row-seconds", o.row_seconds, "Rows are this long, from time 0, e.g. 8/15; no features needed")
      .type_name("SECONDS")
      .fraction();
  which.flag("--clip", o.clip, "Clip to the video (after labelling) and leave out what lies outside");
  which.flag("--vicinity", o.vicinity, "Add each anchor's vicinity, half a length more on both sides, unclipped")
      .without("--ceiling");
  table.group("Labels")
      .flag("--label", o.label,
            "Add tIoU with and index of the best annotation, and the role: positive, hard-negative or null")
      .without("--ceiling");
  labels.add("--positive", o.positive, "Positive from this tIoU on; so is the best anchor of each annotation")
      .type_name("X")
      .between(0.0, 1.0);
  labels.add("--negative", o.negative, "Hard negatives lie between these tIoUs, ends included")
      .type_name("LOW,HIGH")
      .number_list();
  labels.add("--score", o.score, "Score of the anchors: one, or tiou (with --label: the ranking of an oracle)")
      .one_of({"one", "tiou"});
  table.group("Ceiling").flag("--ceiling", o.ceiling,
                              "Write no records but the recall and AR@AN that these anchors could reach at best");
  ceiling.add("--tiou", o.tiou, "Thresholds (rpn-activitynet 0.5:0.05:0.95, rpn-thumos14 0.5:0.05:1.0)")
      .type_name("LIST")
      .number_list();
  ceiling.add("--an", o.an, "Anchors used in each video (rpn-activitynet 1,5,10,100, rpn-thumos14 50,100,200,500,1000)")
      .type_name("LIST")
      .number_list();
  ceiling.add("--format", o.format, "text or json").one_of({"text", "json"});
  table.row("--no-history").without("--ceiling");
}

AnchorPlan plan_anchors(const AnchorOptions& o) {
  AnchorPlan plan;
  plan.options = o;
  if (!o.row_seconds.empty() && !((plan.row_seconds = parse_fraction(o.row_seconds)) > 0))
    throw UsageError("--row-seconds: must be positive");
  plan.scales = parse_number_list(o.scales);
  for (const double scale : plan.scales)
    if (!(scale > 0)) throw UsageError("--scales: " + format_number(scale) + " is not positive");
  plan.tiou = parse_number_list(o.tiou);
  for (const double t : plan.tiou)
    if (!(t > 0 && t <= 1)) throw UsageError("--tiou: " + format_number(t) + " is not in (0, 1]");
  for (const double an : parse_number_list(o.an)) {
    if (!(an >= 1 && an <= 1e6 && an == std::floor(an)))
      throw UsageError("--an: " + format_number(an) + " is not a number of anchors");
    plan.an.push_back(static_cast<std::uint32_t>(an));
  }
  const auto bounds = parse_number_list(o.negative);
  if (bounds.size() != 2 || bounds[0] > bounds[1] || bounds[0] < 0 || bounds[1] > 1)
    throw UsageError("--negative: '" + o.negative + "' is not LOW,HIGH with 0 <= LOW <= HIGH <= 1");
  plan.rule = {o.positive, bounds[0], bounds[1]};
  return plan;
}

void run_anchors(Tool& tool, const AnchorOptions& options) {
  const AnchorPlan plan = plan_anchors(options);
  if (!plan.options.ceiling) {
    map_records(tool, [&](Record& record) { set_anchors(record, plan); });
    return;
  }
  // Counts are integers, so that the report does not depend on the order in which threads add theirs.
  CeilingReport report;
  std::mutex mutex;
  transform_records(tool, [&](Record& record, std::string&) {
    CeilingReport own;
    add_ceiling(own, record, plan);
    const std::lock_guard lock(mutex);
    add_ceiling(report, own);
  });
  if (!tool.stopped()) tool.out().write(render_ceiling(report, plan));
}

}  // namespace tal
