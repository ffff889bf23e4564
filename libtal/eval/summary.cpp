#include "libtal/eval/summary.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libtal/eval/report.h"

namespace tal::eval {
namespace {

Report parameters_of(const Protocol& p, const EvalOptions& o) {
  Report out;
  out["tiou"] = p.tiou;
  out["subset"] = p.filter.all_subsets ? Report(nullptr) : Report(p.filter.subset);
  std::vector<std::string> excluded(p.filter.exclude.begin(), p.filter.exclude.end());
  std::sort(excluded.begin(), excluded.end());
  out["exclude"] = excluded;
  out["excluded_predictions"] = o.excluded;
  out["ties"] = name_of(p.ties);
  if (o.score_above) out["score_above"] = *o.score_above;
  if (p.thumos_frames) {
    out["overlap"] = "inclusive frames";
    out["videos_from_proposals"] = p.videos_from_proposals;
    out["ambiguous_is_positive"] = p.filter.ambiguous_is_positive;
  } else if (p.proposals) {
    out["max_avg_proposals"] = p.max_avg;
  } else {
    out["matching"] = std::string(p.matching.by_truth ? "by ground truth" : "by rank") +
                      (p.matching.strict ? ", tIoU > threshold" : ", tIoU >= threshold");
    out["ap"] = p.matching.envelope ? "all-point envelope" : "sum of precisions at true positives";
    out["class_agnostic"] = p.filter.class_agnostic;
    out["ambiguous"] = p.matching.ambiguous_excuses ? "excuses unmatched detections" : "removed";
  }
  return out;
}

// FNV-1a over protocol name and parameters: equal hashes, equal rules.
std::string hash_of(const std::string& text) {
  std::uint64_t hash = 14695981039346656037ull;
  for (const unsigned char c : text) hash = (hash ^ c) * 1099511628211ull;
  char out[20];
  std::snprintf(out, sizeof out, "%016llx", static_cast<unsigned long long>(hash));
  return out;
}

// The counts are of what enters the figures; thumos14-proposal has its own under its switches.
void add_counts(Report& r, const Evaluated& run, const Protocol& p) {
  const Counts& c = run.selection->counts;
  r["videos"] = p.thumos_frames ? run.curve.videos : c.videos;
  r["videos_with_instances"] = c.videos_with_instances;
  r["instances"] = p.thumos_frames ? run.curve.instances : c.instances;
  r["excluded"] = c.excluded;
  r["predictions"] = p.thumos_frames ? run.curve.predictions : c.predictions;
  r["ambiguous"] = c.ambiguous;
  r["zero_length"] = c.zero_length;
}

Report buckets_of(const std::vector<Bucket>& buckets, bool scored) {
  Report items = Report::array();
  for (const auto& b : buckets) {
    items.push_back({{"bucket", b.name}, {"instances", b.instances}, {"recall", b.recall}});
    if (scored) items.back()["average_map_n"] = b.average_map_n, items.back()["false_negatives"] = b.false_negatives;
  }
  return items;
}

void add_curve(Report& r, const Evaluated& run, const Protocol& p) {
  const ProposalResult& curve = run.curve;
  r["an"] = curve.an, r["ar"] = curve.ar;
  if (!p.thumos_frames) r["auc"] = curve.auc;
  r["recall"] = curve.recall;
  r["ar_at"] = Report::object();
  if (p.thumos_frames)
    for (const int n : {50, 100, 200, 500, 1000}) r["ar_at"][std::to_string(n)] = interpolate(curve.an, curve.ar, n);
  else
    for (const int n : {1, 5, 10, 100}) r["ar_at"][std::to_string(n)] = curve.ar[static_cast<std::size_t>(n - 1)];
  r["ar_by_length"] = buckets_of(recall_by_length(run, p.scales.length).buckets, false);
}

void add_precision(Report& r, const Evaluated& run, const Protocol& p, const EvalOptions& o) {
  const Selection& s = *run.selection;
  r["map"] = run.detection.map;
  r["average_map"] = run.detection.average;
  r["classes"] = Report::array();
  for (std::size_t i = 0; i < s.class_label.size(); ++i)
    r["classes"].push_back({{"label", s.data->labels.text(s.class_label[i])},
                            {"instances", s.class_instances[i]},
                            {"predictions", run.matched.classes[i].size()},
                            {"ap", run.detection.ap[i]}});
  if (o.per_class) r["per_class"] = true;
  if (p.recall_at.empty()) return;
  const auto recall = recall_at_k(s, p.tiou, p.recall_at, o.ties == "reversed" ? Ties::kReversed : Ties::kInput);
  r["recall_at"] = Report::object();
  for (std::size_t k = 0; k < recall.k.size(); ++k)
    r["recall_at"][std::to_string(recall.k[k])] = {{"recall", recall.recall[k]}, {"class_mean", recall.class_mean[k]}};
}

}  // namespace

Report summary_of(const Evaluated& run, const Protocol& p, const EvalOptions& o) {
  const Counts& c = run.selection->counts;
  Report r;
  r["protocol"] = p.name;
  r["subset"] = p.filter.all_subsets ? Report(nullptr) : Report(p.filter.subset);
  add_counts(r, run, p);
  r["parameters"] = parameters_of(p, o);
  r["parameters_hash"] = hash_of(p.name + to_json(r["parameters"]));
  r["unknown"] = {{"videos", c.unknown_videos}, {"labels", c.unknown_labels}};
  r["unknown_predictions"] = {{"videos", c.unknown_video_predictions}, {"labels", c.unknown_label_predictions}};
  r["coverage"] = {{"videos", c.videos}, {"with_record", c.covered}};
  r["ties"] = {{"order", name_of(p.ties)}, {"predictions", run.matched.tied + run.proposal.tied}};
  r["tiou"] = p.tiou;
  if (p.proposals) add_curve(r, run, p);
  else add_precision(r, run, p, o);
  return r;
}

Report tie_range_of(const TieRange& range) {
  Report out = {{"lowest", range.lowest}, {"highest", range.highest}, {"exact", range.exact}};
  if (!range.map_lowest.empty()) out["map_lowest"] = range.map_lowest, out["map_highest"] = range.map_highest;
  return out;
}

Report diagnosis_of(const Diagnosis& d, const Protocol& p) {
  Report out;
  out["tiou"] = p.tiou;
  out["average_map_n"] = d.average_map_n;
  out["kinds"] = Report::array();
  for (std::size_t i = 0; i < kKinds; ++i) {
    Report counts = Report::array();
    for (const auto& range : d.profile) counts.push_back(range[i]);
    Report kind = {{"kind", kKindNames[i]}, {"top", counts}};
    if (i >= static_cast<std::size_t>(Kind::kDoubleDetection) && i <= static_cast<std::size_t>(Kind::kBackground))
      kind["gain"] = d.gain[i];
    out["kinds"].push_back(kind);
  }
  out["sensitivity"] = {{"average_map_n", d.sensitivity_base}, {"false_negatives", d.false_negatives}};
  for (const auto& characteristic : d.sensitivity)
    out["sensitivity"][characteristic.name] = {{"unknown", characteristic.unknown},
                                               {"buckets", buckets_of(characteristic.buckets, true)}};
  out["best_f1"] = {{"score_threshold", d.threshold}, {"f1", d.f1}, {"precision", d.precision}, {"recall", d.recall}};
  return out;
}

Report samples_of(const SampleResult& result, const SampleRules& rules) {
  const auto scores = [](const SampleScores& s) {
    return Report{{"precision", s.precision}, {"recall", s.recall}, {"f1", s.f1}};
  };
  Report out = {{"rate", rules.rate},
                {"score_above", rules.score_above},
                {"overlap", rules.highest_wins ? "highest" : "lowest"},
                {"undefined", rules.undefined},
                {"samples", result.samples},
                {"contested", result.contested},
                {"detections", result.detections},
                {"accuracy", result.accuracy}};
  out["mean"] = scores(result.mean), out["mean_without_null"] = scores(result.mean_without_null);
  out["classes"] = Report::array();
  for (const auto& cls : result.classes) {
    out["classes"].push_back({{"label", cls.null ? Report(nullptr) : Report(cls.label)},
                              {"samples", cls.samples},
                              {"predicted", cls.predicted}});
    out["classes"].back().update(scores(cls.scores));
  }
  out["confusion"] = result.confusion;
  return out;
}

Report oracle_of(const std::vector<OracleStep>& steps, const std::string& step, double score) {
  Report out = {{"step", step}, {"score", steps.back().score}, {"gain", steps.back().score - score}};
  out["waterfall"] = Report::array({{{"step", "as it is"}, {"score", score}, {"gain", 0.0}}});
  for (const auto& s : steps) out["waterfall"].push_back({{"step", s.step}, {"score", s.score}, {"gain", s.gain}});
  return out;
}

Report against_of(const Explanation& e, const Evaluated& run, const Protocol& second) {
  Report out = {{"protocol", second.name},
                {"map", e.other.detection.map},
                {"score", e.other.score},
                {"difference", run.score - e.other.score},
                {"disagreements", e.disagreements.size()}};
  out["rules"] = Report::array();
  for (const auto& rule : e.rules)
    out["rules"].push_back({{"rule", rule.rule},
                            {"first", rule.first},
                            {"second", rule.second},
                            {"map", rule.map},
                            {"score", rule.score},
                            {"change", rule.change},
                            {"instances", rule.instances}});
  return out;
}

Report disagreements_of(const Explanation& e, const Evaluated& run, const Protocol& first, const Protocol& second) {
  const Dataset& data = *run.selection->data;
  Report out = Report::array();
  for (const auto& d : e.disagreements) {
    const Truth& truth = data.truths[d.truth];
    out.push_back({{"video", data.video_names.text(d.video)},
                   {"segment", {truth.segment.start, truth.segment.end}},
                   {"label", data.labels.text(truth.label)},
                   {"tiou", first.tiou[d.threshold]},
                   {"found_by", d.first_finds ? first.name : second.name},
                   {"rule", d.rule},
                   {"why", d.why}});
  }
  return out;
}

}  // namespace tal::eval
