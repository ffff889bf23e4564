#include "libtal/eval/summary.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libtal/eval/report.h"

namespace tal::eval {
namespace {

Report parameters_of(const Evaluated& run, const Protocol& p, const EvalOptions& o) {
  Report out;
  if (!p.make) out["tiou"] = p.tiou;
  out["subset"] = p.filter.all_subsets ? Report(nullptr) : Report(p.filter.subset);
  std::vector<std::string> excluded(p.filter.exclude.begin(), p.filter.exclude.end());
  std::sort(excluded.begin(), excluded.end());
  out["exclude"] = excluded;
  out["excluded_predictions"] = o.excluded;
  if (!p.make) out["ties"] = name_of(p.ties);
  if (o.score_above) out["score_above"] = *o.score_above;
  if (p.filter.same_within >= 0) out["same_within"] = p.filter.same_within;
  if (!p.recall_at.empty()) {
    out["recall_at"] = p.recall_at;
    out["recall_tiou"] = p.recall_tiou.empty() ? p.tiou : p.recall_tiou;
    out["recall_rank"] = std::string(p.recall_rules.input_order ? "order of the input" : "by score") +
                         (p.recall_rules.strict ? ", tIoU > threshold" : ", tIoU >= threshold");
  }
  if (p.make) {
    run.measured->settings(out);
  } else if (p.thumos_frames) {
    out["overlap"] = "inclusive frames";
    out["videos_from_proposals"] = p.videos_from_proposals;
    out["ambiguous_is_positive"] = p.filter.ambiguous_is_positive;
  } else if (p.proposals) {
    out["max_avg_proposals"] = p.max_avg;
  } else {
    out["matching"] = std::string(p.matching.by_truth ? "by ground truth" : "by rank") +
                      (p.matching.strict ? ", tIoU > threshold" : ", tIoU >= threshold");
    out["ap"] = p.matching.envelope ? "all-point envelope" : "sum of precisions at true positives";
    if (p.matching.normalised) out["precision"] = "as if each class had the mean number of instances";
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
  if (p.reads.times == Reads::Times::kSegments) r["zero_length"] = c.zero_length;
  if (p.filter.same_within >= 0) r["merged"] = c.merged;
}

Report buckets_of(const std::vector<Bucket>& buckets, bool scored) {
  Report items = Report::array();
  for (const auto& b : buckets) {
    items.push_back({{"bucket", b.name}, {"instances", b.instances}, {"recall", b.recall}});
    if (scored) items.back()["average_map_n"] = b.average_map_n, items.back()["false_negatives"] = b.false_negatives;
  }
  return items;
}

// Average recall at n proposals a video, between the points of ActivityNet's curve; null where it does not reach n.
Report recall_between(const ProposalResult& curve, double n) {
  constexpr double kRounding = 1e-9;
  const auto point =
      std::find_if(curve.an.begin(), curve.an.end(), [&](double an) { return std::abs(an - n) <= kRounding * n; });
  if (point != curve.an.end()) return curve.ar[static_cast<std::size_t>(point - curve.an.begin())];
  if (curve.an.empty() || n < curve.an.front() || n > curve.an.back()) return nullptr;
  return interpolate(curve.an, curve.ar, n);
}

void add_curve(Report& r, const Evaluated& run, const Protocol& p, const EvalOptions& o) {
  const ProposalResult& curve = run.curve;
  r["an"] = curve.an, r["ar"] = curve.ar;
  if (!p.thumos_frames) r["auc"] = curve.auc;
  r["recall"] = curve.recall;
  r["ar_at"] = Report::object();
  if (p.thumos_frames)
    for (const int n : {50, 100, 200, 500, 1000}) r["ar_at"][std::to_string(n)] = interpolate(curve.an, curve.ar, n);
  else
    for (const int n : {1, 5, 10, 100}) r["ar_at"][std::to_string(n)] = recall_between(curve, n);
  r["ar_by_length"] = buckets_of(recall_by_length(run, p.scales.length).buckets, false);
  if (!o.length_bins.empty()) r["length_bins"] = p.scales.length.ends;
}

void add_precision(Report& r, const Evaluated& run, const Protocol& p, const EvalOptions& o) {
  const Selection& s = *run.selection;
  r["map"] = run.detection.map;
  r[p.matching.normalised ? "average_map_n" : "average_map"] = run.detection.average;
  r["classes"] = Report::array();
  for (std::size_t i = 0; i < s.class_label.size(); ++i)
    r["classes"].push_back({{"label", s.data->labels.text(s.class_label[i])},
                            {"instances", s.class_instances[i]},
                            {"predictions", run.matched.classes[i].size()},
                            {"ap", run.detection.ap[i]}});
  if (p.recall_at.empty()) return;
  const auto& thresholds = p.recall_tiou.empty() ? p.tiou : p.recall_tiou;
  const auto recall =
      recall_at_k(s, thresholds, p.recall_at, o.ties == "reversed" ? Ties::kReversed : Ties::kInput, p.recall_rules);
  r["recall_tiou"] = settled(Report(thresholds));
  r["recall_at"] = Report::object();
  for (std::size_t k = 0; k < recall.k.size(); ++k)
    r["recall_at"][std::to_string(recall.k[k])] = {{"recall", recall.recall[k]}, {"class_mean", recall.class_mean[k]}};
}

}  // namespace

Report summary_of(const Evaluated& run, const Protocol& p, const EvalOptions& o) {
  const Counts& c = run.selection->counts;
  Report r;
  r["protocol"] = p.name;
  r["source"] = p.source;
  r["score"] = {{"name", score_name(run, p)}, {"value", run.score}};
  r["subset"] = p.filter.all_subsets ? Report(nullptr) : Report(p.filter.subset);
  add_counts(r, run, p);
  const Report parameters = parameters_of(run, p, o);
  r["parameters"] = settled(parameters);
  if (p.make) run.measured->conventions(r["parameters"]);
  r["parameters_hash"] = hash_of(p.name + to_json(parameters));
  r["unknown"] = {{"videos", c.unknown_videos}, {"labels", c.unknown_labels}};
  r["unknown_predictions"] = {{"videos", c.unknown_video_predictions}, {"labels", c.unknown_label_predictions}};
  r["coverage"] = {{"videos", c.videos},
                   {"with_record", c.covered},
                   {"duplicate_instances", c.duplicate_instances},
                   {"duplicate_predictions", c.duplicate_predictions},
                   {"instances_outside", c.outside_instances},
                   {"predictions_outside", c.outside_predictions}};
  if (!p.make) r["ties"] = {{"order", name_of(p.ties)}, {"predictions", run.matched.tied + run.proposal.tied}};
  if (!p.make) r["tiou"] = settled(Report(p.tiou));
  if (o.per_class) r["per_class"] = true;
  if (p.make) run.measured->report(r);
  else if (p.proposals) add_curve(r, run, p, o);
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
  out["tiou"] = settled(Report(p.tiou));
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

Report samples_of(const SampleResult& result, const Dataset& data) {
  const auto scores = [](const SampleScores& s) {
    return Report{{"precision", s.precision}, {"recall", s.recall}, {"f1", s.f1}};
  };
  Report out = {{"samples", result.samples},
                {"contested", result.contested},
                {"detections", result.detections},
                {"accuracy", result.accuracy},
                {"balanced_accuracy", result.balanced_accuracy},
                {"cohen_kappa", result.cohen_kappa ? Report(*result.cohen_kappa) : Report(nullptr)},
                {"matthews", result.matthews}};
  out["mean"] = scores(result.with_null.macro), out["mean_without_null"] = scores(result.without_null.macro);
  out["micro"] = scores(result.with_null.micro), out["micro_without_null"] = scores(result.without_null.micro);
  out["weighted"] = scores(result.with_null.weighted);
  out["weighted_without_null"] = scores(result.without_null.weighted);
  out["classes"] = Report::array();
  for (const auto& cls : result.classes) {
    out["classes"].push_back({{"label", cls.null ? Report(nullptr) : Report(cls.label)},
                              {"samples", cls.samples},
                              {"predicted", cls.predicted}});
    out["classes"].back().update(scores(cls.scores));
  }
  out["confusion"] = result.confusion;
  out["by_video"] = Report::array();
  for (const auto& v : result.videos)
    out["by_video"].push_back(
        {{"video", data.video_names.text(v.id)}, {"samples", v.samples}, {"accuracy", v.accuracy}, {"f1", v.f1}});
  return out;
}

namespace {

Report difference_of(const std::vector<double>& differences, double difference) {
  const auto range = interval(differences);
  const auto number = [](double value) { return std::isnan(value) ? Report(nullptr) : Report(value); };
  return {{"difference", difference}, {"low", number(range.low)}, {"high", number(range.high)}};
}

double mean_of_thresholds(const std::vector<double>& ap) {
  double sum = 0;
  for (const double value : ap) sum += value;
  return sum / static_cast<double>(ap.size());
}

}  // namespace

Report bootstrap_of(const std::vector<Resampled>& draws, std::uint64_t seed) {
  std::vector<double> values;
  const auto range_of = [&](auto&& value) {
    values.clear();
    for (const auto& draw : draws) values.push_back(value(draw));
    return interval(values);
  };
  const auto number = [](double value) { return std::isnan(value) ? Report(nullptr) : Report(value); };
  const auto whole = range_of([](const Resampled& r) { return r.score; });
  Report out = {{"samples", draws.size()}, {"seed", seed}, {"low", whole.low}, {"high", whole.high}};
  const auto add = [&](const char* name, const std::vector<double> Resampled::*list) {
    const std::size_t n = (draws.front().*list).size();
    if (n == 0) return;
    std::vector<double> low, high;
    for (std::size_t i = 0; i < n; ++i) {
      const auto range = range_of([&](const Resampled& r) { return (r.*list)[i]; });
      low.push_back(range.low), high.push_back(range.high);
    }
    out[std::string(name) + "_low"] = low, out[std::string(name) + "_high"] = high;
  };
  add("map", &Resampled::map), add("ar", &Resampled::ar);
  if (draws.front().class_ap.empty()) return out;
  Report classes = Report::array();
  for (std::size_t c = 0; c < draws.front().class_ap.size(); ++c) {
    const auto range = range_of([&](const Resampled& r) { return r.class_ap[c]; });
    classes.push_back({{"low", number(range.low)}, {"high", number(range.high)}});
  }
  out["classes"] = std::move(classes);
  return out;
}

Report precision_recall_of(const Evaluated& run) {
  constexpr int kPoints = 51;
  const Matched& m = run.matched;
  std::vector<double> recalls;
  for (int i = 0; i < kPoints; ++i) recalls.push_back(static_cast<double>(i) / (kPoints - 1));
  Report out = {{"recall", recalls}, {"precision", Report::array()}};
  for (std::size_t t = 0; t < m.tiou.size(); ++t) {
    std::vector<double> mean(kPoints, 0);
    for (std::size_t c = 0; c < m.classes.size(); ++c) {
      const auto positives = static_cast<double>(run.selection->class_instances[c]);
      const double worth = worth_of(*run.selection, m.normalised, c);
      std::vector<double> best(kPoints, 0);  // at this recall; then at it or a higher one
      double hits = 0, count = 0;
      for (const auto& entry : m.classes[c]) {
        if (entry.ignored >> t & 1) continue;
        ++count;
        if (!(entry.hit >> t & 1)) continue;
        ++hits;
        auto& here = best[static_cast<std::size_t>(std::floor(hits / positives * (kPoints - 1)))];
        here = std::max(here, hits * worth / (hits * worth + count - hits));
      }
      double most = 0;
      for (std::size_t i = kPoints; i-- > 0;) {
        most = std::max(most, best[i]);
        mean[i] += most / static_cast<double>(m.classes.size());
      }
    }
    out["precision"].push_back(mean);
  }
  return out;
}

Report comparison_of(const std::string& file, const Evaluated& first, const std::vector<Resampled>& draws,
                     const Evaluated& second, const std::vector<Resampled>& others, const Protocol& p) {
  std::vector<double> differences, a, b;
  const auto collect = [&](auto&& value) {
    differences.clear();
    for (std::size_t i = 0; i < draws.size(); ++i) differences.push_back(value(draws[i]) - value(others[i]));
  };
  for (std::size_t i = 0; i < draws.size(); ++i) a.push_back(draws[i].score), b.push_back(others[i].score);
  collect([](const Resampled& r) { return r.score; });
  Report out = {{"file", file}, {"score", second.score}};
  out.update(difference_of(differences, first.score - second.score));
  out["p_value"] = bootstrap_p_value(a, b);
  if (!p.detections()) return out;
  out["map"] = Report::array(), out["classes"] = Report::array();
  for (std::size_t t = 0; t < p.tiou.size(); ++t) {
    collect([&](const Resampled& r) { return r.map[t]; });
    out["map"].push_back({{"tiou", settled(p.tiou[t])}});
    out["map"].back().update(difference_of(differences, first.detection.map[t] - second.detection.map[t]));
  }
  // Both have the classes of the same ground truth, in its order.
  const Selection& s = *first.selection;
  for (std::size_t c = 0; c < s.class_label.size(); ++c) {
    collect([&](const Resampled& r) { return r.class_ap[c]; });
    out["classes"].push_back({{"label", s.data->labels.text(s.class_label[c])}, {"instances", s.class_instances[c]}});
    out["classes"].back().update(difference_of(
        differences, mean_of_thresholds(first.detection.ap[c]) - mean_of_thresholds(second.detection.ap[c])));
  }
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
                   {"tiou", settled(first.tiou[d.threshold])},
                   {"found_by", d.first_finds ? first.name : second.name},
                   {"rule", d.rule},
                   {"why", d.why}});
  }
  return out;
}

}  // namespace tal::eval
