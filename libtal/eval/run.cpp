#include "libtal/eval/run.h"

#include <algorithm>
#include <cstdio>
#include <nlohmann/json.hpp>
#include <optional>
#include <thread>

#include "libtal/base/number.h"
#include "libtal/cli/tool.h"
#include "libtal/eval/analysis.h"
#include "libtal/eval/reader.h"
#include "libtal/eval/report.h"

namespace tal::eval {
namespace {

using json = nlohmann::ordered_json;

const char* name_of(Ties ties) { return ties == Ties::kReversed ? "reversed" : ties == Ties::kInput ? "input" : "video"; }

json parameters_of(const Protocol& p, const EvalOptions& o) {
  json out;
  out["tiou"] = p.tiou;
  out["subset"] = p.filter.all_subsets ? json(nullptr) : json(p.filter.subset);
  std::vector<std::string> excluded(p.filter.exclude.begin(), p.filter.exclude.end());
  std::sort(excluded.begin(), excluded.end());
  out["exclude"] = excluded;
  out["excluded_predictions"] = o.excluded;
  out["ties"] = name_of(p.ties);
  if (p.thumos_frames) {
    out["overlap"] = "inclusive frames";
    out["videos_from_proposals"] = p.videos_from_proposals;
    out["ambiguous_is_positive"] = p.filter.ambiguous_is_positive;
  } else if (p.proposals) {
    out["max_avg_proposals"] = p.max_avg;
  } else {
    out["matching"] = p.matching == Matching::kActivityNet ? "by rank, tIoU >= threshold" : "by ground truth, tIoU > threshold";
    out["ap"] = p.matching == Matching::kActivityNet ? "all-point envelope" : "sum of precisions at true positives";
    out["class_agnostic"] = p.filter.class_agnostic;
    out["ambiguous"] = p.matching == Matching::kActivityNet ? "removed" : "excuses unmatched detections";
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

json report_of(const Run& run, const Protocol& p, const EvalOptions& o) {
  const Selection& s = *run.selection;
  const Counts& c = s.counts;
  json r;
  r["protocol"] = p.name;
  r["subset"] = p.filter.all_subsets ? json(nullptr) : json(p.filter.subset);
  // The counts are of what enters the figures; thumos14-proposal has its own under its switches.
  r["videos"] = p.thumos_frames ? run.curve.videos : c.videos;
  r["videos_with_instances"] = c.videos_with_instances;
  r["instances"] = p.thumos_frames ? run.curve.instances : c.instances;
  r["excluded"] = c.excluded;
  r["predictions"] = p.thumos_frames ? run.curve.predictions : c.predictions;
  r["ambiguous"] = c.ambiguous;
  r["zero_length"] = c.zero_length;
  r["parameters"] = parameters_of(p, o);
  r["parameters_hash"] = hash_of(p.name + to_json(r["parameters"]));
  r["unknown"] = {{"videos", c.unknown_videos}, {"labels", c.unknown_labels}};
  r["unknown_predictions"] = {{"videos", c.unknown_video_predictions}, {"labels", c.unknown_label_predictions}};
  r["coverage"] = {{"videos", c.videos}, {"with_record", c.covered}};
  r["ties"] = {{"order", name_of(p.ties)}, {"predictions", count_ties(run, p)}};
  r["tiou"] = p.tiou;
  if (p.proposals) {
    r["an"] = run.curve.an, r["ar"] = run.curve.ar;
    if (!p.thumos_frames) r["auc"] = run.curve.auc;
    r["recall"] = run.curve.recall;
    r["ar_at"] = json::object();
    if (p.thumos_frames) {
      for (const int n : {50, 100, 200, 500, 1000}) r["ar_at"][std::to_string(n)] = interpolate(run.curve.an, run.curve.ar, n);
    } else {
      for (const int n : {1, 5, 10, 100}) r["ar_at"][std::to_string(n)] = run.curve.ar[static_cast<std::size_t>(n - 1)];
    }
    struct Bin {
      const char* name;
      double end;
      std::uint64_t n;
      std::vector<double> hits;
    };
    std::vector<Bin> bins;
    for (const auto& [name, end] : {std::pair{"0-30 s", 30.0}, {"30-60 s", 60.0}, {"60-120 s", 120.0}, {"120-180 s", 180.0}, {"over 180 s", 1e300}})
      bins.push_back({name, end, 0, std::vector<double>(p.tiou.size(), 0)});
    for (std::size_t row = 0; row < run.proposal.truth.size(); ++row) {
      const double length = s.data->truths[run.proposal.truth[row]].segment.length();
      auto& bin = *std::find_if(bins.begin(), bins.end(), [&](const Bin& b) { return length <= b.end; });
      ++bin.n;
      for (std::size_t t = 0; t < p.tiou.size(); ++t) bin.hits[t] += run.proposal.first[row * p.tiou.size() + t] != ProposalMatch::kNever;
    }
    r["ar_by_length"] = json::array();
    for (auto& bin : bins) {
      for (auto& value : bin.hits) value = bin.n ? value / static_cast<double>(bin.n) : 0;
      r["ar_by_length"].push_back({{"bucket", bin.name}, {"instances", bin.n}, {"recall", bin.hits}});
    }
    return r;
  }
  r["map"] = run.detection.map;
  r["average_map"] = run.detection.average;
  r["classes"] = json::array();
  for (std::size_t i = 0; i < s.class_label.size(); ++i)
    r["classes"].push_back({{"label", s.data->labels.text(s.class_label[i])}, {"instances", s.class_instances[i]},
                            {"predictions", run.matched.classes[i].size()}, {"ap", run.detection.ap[i]}});
  if (o.per_class) r["per_class"] = true;
  if (!p.recall_at.empty()) {
    const auto recall = recall_at_k(s, p.tiou, p.recall_at, o.ties == "reversed" ? Ties::kReversed : Ties::kInput);
    r["recall_at"] = json::object();
    for (std::size_t k = 0; k < recall.k.size(); ++k)
      r["recall_at"][std::to_string(recall.k[k])] = {{"recall", recall.recall[k]}, {"class_mean", recall.class_mean[k]}};
  }
  return r;
}

json diagnosis_of(const Diagnosis& d, const Protocol& p) {
  json out;
  out["tiou"] = p.tiou.front();
  out["top"] = json::array();
  for (std::size_t k = 0; k < d.top.size(); ++k) {
    json kinds;
    for (std::size_t i = 0; i < kKindNames.size(); ++i) kinds[kKindNames[i]] = d.top[k][i];
    out["top"].push_back({{"k", k + 1}, {"kinds", kinds}});
  }
  const auto buckets = [&](const std::vector<Bucket>& list) {
    json items = json::array();
    for (const auto& b : list) items.push_back({{"bucket", b.name}, {"instances", b.instances}, {"recall", b.recall}});
    return items;
  };
  out["length"] = buckets(d.length), out["coverage"] = buckets(d.coverage), out["instances"] = buckets(d.instances);
  out["best_f1"] = {{"score_threshold", d.threshold}, {"f1", d.f1}, {"precision", d.precision}, {"recall", d.recall}};
  return out;
}

void write_diagnosis(const std::string& path, const Dataset& data, const Diagnosis& d) {
  AtomicFile file(path);
  std::string line;
  for (std::uint32_t id = 0; id < data.videos.size(); ++id) {
    const auto mine = data.predictions_of(id);
    if (mine.empty()) continue;
    line = "{\"video\":";
    append_json_string(line, data.video_names.text(id));
    line += ",\"proposals\":[";
    for (std::size_t i = 0; i < mine.size(); ++i) {
      const auto& p = data.predictions[mine[i]];
      line += i ? ",{\"segment\":[" : "{\"segment\":[";
      append_number(line, p.segment.start), line += ',', append_number(line, p.segment.end);
      line += "],\"score\":", append_number(line, p.score);
      if (p.label != kNoLabel) line += ",\"label\":", append_json_string(line, data.labels.text(p.label));
      line += std::string(",\"diagnosis\":\"") + kKindNames[static_cast<std::size_t>(d.kinds[mine[i]])] + "\"}";
    }
    line += "]}\n";
    file.write(line);
  }
  file.commit();
}

void write_curves(const std::string& path, const Run& run, const Protocol& p) {
  AtomicFile file(path);
  std::string out;
  const auto cells = [&](const std::vector<double>& values) {
    for (const double value : values) out += ',', append_number(out, value);
    out += '\n';
  };
  if (p.proposals) {
    out = "an,ar";
    for (const double t : p.tiou) out += ",recall@" + format_number(t);
    out += '\n';
    for (std::size_t j = 0; j < run.curve.an.size(); ++j) {
      append_number(out, run.curve.an[j]);
      std::vector<double> values{run.curve.ar[j]};
      for (const auto& recall : run.curve.recall) values.push_back(recall[j]);
      cells(values);
    }
  } else {
    out = "label,tiou,score,recall,precision\n";
    const Selection& s = *run.selection;
    for (std::size_t c = 0; c < s.class_label.size(); ++c) {
      std::string label = "\"";
      for (const char ch : s.data->labels.text(s.class_label[c])) label += ch == '"' ? std::string("\"\"") : std::string(1, ch);
      label += "\"";
      for (std::size_t t = 0; t < p.tiou.size(); ++t) {
        double hits = 0, count = 0;
        for (const auto& entry : run.matched.classes[c]) {
          if ((entry.ignored >> t) & 1) continue;
          ++count;
          if (!((entry.hit >> t) & 1)) continue;
          ++hits;
          out += label;
          cells({p.tiou[t], s.data->predictions[entry.prediction].score, hits / static_cast<double>(s.class_instances[c]), hits / count});
        }
      }
    }
  }
  file.write(out);
  file.commit();
}

void require_labels(const Selection& s) {
  for (const auto id : s.videos) {
    const auto truths = s.data->truths_of(id);
    for (std::size_t i = 0; i < truths.size(); ++i)
      if (truths[i].label == kNoLabel)
        throw Error("missing; this protocol needs labels").at_field("annotations[" + std::to_string(i) + "].label").at_video(s.data->video_names.text(id));
  }
}

}  // namespace

void run_evaluation(Tool& tool, const EvalOptions& o) {
  const Protocol p = make_protocol(tool, o);
  const int jobs = tool.given("--jobs") ? tool.options().jobs : std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, 2);
  tool.out();
  Dataset data;
  if (!o.gt.empty()) {
    const auto read = read_records(tool, o.gt, data, true, false, jobs);
    if (read.without_annotations > 0) tool.note(std::to_string(read.without_annotations) + " of " + std::to_string(read.records) + " records in " + o.gt + " have no annotations and do not count");
  }
  const auto read = read_records(tool, tool.options().input, data, o.gt.empty(), true, jobs);
  if (read.without_proposals > 0) tool.note(std::to_string(read.without_proposals) + " of " + std::to_string(read.records) + " records have no proposals");
  data.index();
  if (p.filter.all_subsets) {
    for (const auto id : data.truth_order)
      if (data.videos[id].subset != data.videos[data.truth_order.front()].subset) {
        tool.warn("the ground truth holds several subsets and all count; --subset NAME takes one");
        break;
      }
  }
  const Run run = evaluate(data, p, jobs);
  const Selection& s = *run.selection;
  if (!p.proposals && !p.filter.class_agnostic) require_labels(s);
  json report = report_of(run, p, o);
  if (!p.proposals && s.counts.predictions > 0 && std::all_of(data.predictions.begin(), data.predictions.end(), [](const auto& x) { return x.label == kNoLabel; }))
    tool.warn("no prediction has a label: a detection protocol finds nothing to rank");
  if (s.counts.zero_length > 0) tool.warn(std::to_string(s.counts.zero_length) + " ground-truth segments have zero length");
  if (o.require_complete && s.counts.covered < s.counts.videos) {
    std::string names;
    std::size_t shown = 0;
    for (const auto id : s.videos)
      if (!data.videos[id].predicted && shown++ < 3) names += (shown > 1 ? ", " : "") + data.video_names.text(id);
    throw Error(std::to_string(s.counts.videos - s.counts.covered) + " of " + std::to_string(s.counts.videos) + " ground-truth videos have no record in the stream: " + names +
                (shown > 3 ? ", ..." : "") + " (--require-complete)");
  }
  if (o.ties_range) {
    const TieRange range = tie_range(run, p);
    report["ties_range"] = {{"lowest", range.lowest}, {"highest", range.highest}};
  }
  const std::uint64_t seed = tool.options().seed;
  const int samples = o.bootstrap > 0 ? o.bootstrap : 1000;
  std::vector<double> draws;
  if (o.bootstrap > 0 || !o.compare.empty()) draws = bootstrap(run, p, samples, seed, jobs);
  if (o.bootstrap > 0) {
    const auto range = interval(draws);
    report["bootstrap"] = {{"samples", samples}, {"seed", seed}, {"low", range.low}, {"high", range.high}};
  }
  if (!o.compare.empty()) {
    Dataset other;
    for (const auto id : data.truth_order) {
      std::vector<Truth> truths;
      for (const auto& truth : data.truths_of(id)) truths.push_back({truth.segment, other.labels.id(data.labels.text(truth.label))});
      const Video& video = data.videos[id];
      other.add_truth(data.video_names.text(id), video.subset, video.duration, video.fps, truths);
    }
    read_records(tool, o.compare, other, false, true, jobs);
    other.index();
    const Run second = evaluate(other, p, jobs);
    const auto second_draws = bootstrap(second, p, samples, seed, jobs);
    std::vector<double> difference;
    for (std::size_t i = 0; i < draws.size(); ++i) difference.push_back(draws[i] - second_draws[i]);
    const auto range = interval(difference);
    report["compare"] = {{"file", o.compare}, {"score", second.score}, {"difference", run.score - second.score}, {"samples", samples}, {"seed", seed},
                         {"low", range.low}, {"high", range.high}, {"p_value", bootstrap_p_value(draws, second_draws)}};
  }
  if (o.diagnose || !o.diagnose_file.empty()) {
    const Diagnosis d = diagnose(run);
    report["diagnosis"] = diagnosis_of(d, p);
    if (!o.diagnose_file.empty()) write_diagnosis(o.diagnose_file, data, d);
  }
  if (!o.oracle.empty()) {
    const Dataset perfect = oracle(s, o.oracle, !p.filter.class_agnostic);
    const Run better = evaluate(perfect, p, jobs);
    report["oracle"] = {{"step", o.oracle}, {"score", better.score}, {"gain", better.score - run.score}};
  }
  if (!o.against.empty()) {
    Protocol second = p;
    second.name = o.against;
    second.matching = o.against == "thumos14-official" ? Matching::kThumosOfficial : Matching::kActivityNet;
    if (o.ties == "protocol") second.ties = second.matching == Matching::kThumosOfficial ? Ties::kVideo : Ties::kReversed;
    const Run other = evaluate(data, second, jobs);
    const auto list = disagreements(run, other);
    report["against"] = {{"protocol", o.against}, {"map", other.detection.map}, {"score", other.score}, {"difference", run.score - other.score}, {"disagreements", list.size()}};
    if (o.explain) {
      report["disagreements"] = json::array();
      for (const auto& d : list) {
        const auto& truth = data.truths[d.truth];
        report["disagreements"].push_back({{"video", data.video_names.text(d.video)}, {"segment", {truth.segment.start, truth.segment.end}},
                                           {"label", data.labels.text(truth.label)}, {"tiou", p.tiou[d.threshold]},
                                           {"found_by", d.first_finds ? p.name : o.against}, {"why", d.why}});
      }
    }
  }
  if (!o.curves.empty()) write_curves(o.curves, run, p);
  tool.out().write(render(report, o.format));
  if (tool.given("--fail-under") && run.score < o.fail_under) {
    tool.warn("the score " + format_number(run.score) + " is under --fail-under " + format_number(o.fail_under));
    tool.fail_later();
  }
}

}  // namespace tal::eval
