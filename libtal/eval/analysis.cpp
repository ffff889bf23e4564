#include "libtal/eval/analysis.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <random>
#include <thread>

#include "libtal/base/number.h"

namespace tal::eval {
namespace {

ProposalRules rules_of(const Protocol& p, int jobs) {
  ProposalRules rules;
  rules.inclusive_frames = p.thumos_frames, rules.videos_from_proposals = p.videos_from_proposals;
  rules.ties = p.ties == Ties::kInput ? TieOrder::kInput : TieOrder::kReversed;
  rules.jobs = jobs;
  return rules;
}

ProposalResult curve_of(const ProposalMatch& m, const Protocol& p, const std::vector<std::uint32_t>* weight) {
  return p.thumos_frames ? thumos_curve(m, weight) : activitynet_curve(m, p.max_avg, weight);
}
double score_of(const ProposalResult& r, const Protocol& p) { return p.thumos_frames ? interpolate(r.an, r.ar, 50) : r.auc; }

}  // namespace

Run evaluate(const Dataset& data, const Protocol& p, int jobs) {
  Run run;
  run.selection = std::make_unique<Selection>(select(data, p.filter));
  if (p.proposals) {
    run.proposal = match_proposals(*run.selection, p.tiou, rules_of(p, jobs));
    run.curve = curve_of(run.proposal, p, nullptr);
    run.score = score_of(run.curve, p);
  } else {
    run.matched = match(*run.selection, p.tiou, p.matching, p.ties, jobs);
    run.detection = detection_result(run.matched);
    run.score = run.detection.average;
  }
  return run;
}

double resampled_score(const Run& run, const Protocol& p, const std::vector<std::uint32_t>& weight) {
  return p.proposals ? score_of(curve_of(run.proposal, p, &weight), p) : detection_result(run.matched, &weight).average;
}

std::uint64_t count_ties(const Run& run, const Protocol& p) {
  const Dataset& data = *run.selection->data;
  std::uint64_t tied = 0;
  const auto add = [&](std::vector<double>& scores) {
    std::sort(scores.begin(), scores.end());
    for (std::size_t i = 0; i < scores.size(); ++i)
      tied += (i > 0 && scores[i - 1] == scores[i]) || (i + 1 < scores.size() && scores[i + 1] == scores[i]);
  };
  std::vector<double> scores;
  if (p.proposals) {
    for (const auto& entry : run.proposal.videos) {
      scores.clear();
      for (const auto index : data.predictions_of(entry.video)) scores.push_back(data.predictions[index].score);
      add(scores);
    }
  } else {
    for (const auto& ranked : run.matched.classes) {
      scores.clear();
      for (const auto& entry : ranked) scores.push_back(data.predictions[entry.prediction].score);
      add(scores);
    }
  }
  return tied;
}

TieRange tie_range(const Run& run, const Protocol& p) {
  if (!p.proposals) return detection_tie_range(*run.selection, p.tiou, p.matching);
  ProposalRules rules = rules_of(p, 1);
  rules.ties = TieOrder::kWorst;
  const double low = score_of(curve_of(match_proposals(*run.selection, p.tiou, rules), p, nullptr), p);
  rules.ties = TieOrder::kBest;
  const double high = score_of(curve_of(match_proposals(*run.selection, p.tiou, rules), p, nullptr), p);
  return {std::min({low, high, run.score}), std::max({low, high, run.score})};
}

std::vector<double> bootstrap(const Run& run, const Protocol& p, int samples, std::uint64_t seed, int jobs) {
  const Selection& s = *run.selection;
  std::vector<double> out(static_cast<std::size_t>(samples));
  std::atomic<int> next{0};
  const auto work = [&] {
    for (int i; (i = next++) < samples;) {
      std::seed_seq sequence{static_cast<std::uint32_t>(seed), static_cast<std::uint32_t>(seed >> 32), static_cast<std::uint32_t>(i)};
      std::mt19937_64 random(sequence);
      std::vector<std::uint32_t> weight(s.state.size(), 1);  // videos outside the ground truth stay as they are
      for (const auto id : s.videos) weight[id] = 0;
      // Multiply-shift instead of std::uniform_int_distribution, whose values depend on the library.
      for (std::size_t k = 0; k < s.videos.size(); ++k)
        ++weight[s.videos[static_cast<std::size_t>((static_cast<unsigned __int128>(random()) * s.videos.size()) >> 64)]];
      out[static_cast<std::size_t>(i)] = resampled_score(run, p, weight);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < jobs; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  return out;
}

Interval interval(std::vector<double> values) {
  std::sort(values.begin(), values.end());
  const auto at = [&](double q) {
    const double position = q * static_cast<double>(values.size() - 1);
    const auto i = static_cast<std::size_t>(position);
    const double next = values[std::min(i + 1, values.size() - 1)];
    return values[i] + (next - values[i]) * (position - static_cast<double>(i));
  };
  return {at(0.025), at(0.975)};
}

double bootstrap_p_value(const std::vector<double>& a, const std::vector<double>& b) {
  double below = 0, above = 0;
  for (std::size_t i = 0; i < a.size(); ++i) below += a[i] <= b[i], above += a[i] >= b[i];
  return std::min(1.0, 2 * (std::min(below, above) + 1) / (static_cast<double>(a.size()) + 1));
}

Diagnosis diagnose(const Run& run) {
  const Selection& s = *run.selection;
  const Dataset& data = *s.data;
  const Matched& m = run.matched;
  Diagnosis d;
  d.kinds.assign(data.predictions.size(), Kind::kIgnored);
  const double alpha = m.tiou.front();
  for (std::size_t cls = 0; cls < m.classes.size(); ++cls) {
    std::uint64_t rank = 0;
    for (const auto& entry : m.classes[cls]) {
      Kind kind = Kind::kBackground;
      if (entry.hit & 1) kind = Kind::kTruePositive;
      else if (entry.ignored & 1) kind = Kind::kIgnored;
      else if (s.state[entry.video] == State::kEvaluated) {
        double right = 0, wrong = 0;
        for (const auto& truth : data.truths_of(entry.video)) {
          if (!s.is_instance(truth)) continue;
          double& best = s.class_of_label(truth.label) == static_cast<std::int32_t>(cls) ? right : wrong;
          best = std::max(best, tiou(truth.segment, data.predictions[entry.prediction].segment));
        }
        kind = right >= alpha ? Kind::kDoubleDetection : wrong >= alpha ? Kind::kWrongLabel
               : right >= 0.1 ? Kind::kLocalization : wrong >= 0.1 ? Kind::kConfusion : Kind::kBackground;
      }
      d.kinds[entry.prediction] = kind;
      for (std::uint64_t k = 1; k <= 10; ++k)
        if (rank < k * s.class_instances[cls]) ++d.top[k - 1][static_cast<std::size_t>(kind)];
      ++rank;
    }
  }
  const auto bucket = [&](std::vector<Bucket>& list, std::size_t i, Mask found) {
    ++list[i].instances;
    for (std::size_t t = 0; t < m.tiou.size(); ++t) list[i].recall[t] += (found >> t) & 1;
  };
  const auto make = [&](std::vector<Bucket>& list, std::initializer_list<const char*> names) {
    for (const char* name : names) list.push_back({name, 0, std::vector<double>(m.tiou.size(), 0)});
  };
  make(d.length, {"0-30 s", "30-60 s", "60-120 s", "120-180 s", "over 180 s"});
  make(d.coverage, {"0-0.2", "0.2-0.4", "0.4-0.6", "0.6-0.8", "over 0.8", "duration unknown"});
  make(d.instances, {"1", "2-4", "5-8", "over 8"});
  for (const auto id : s.videos) {
    const Video& video = data.videos[id];
    std::size_t n = 0;
    for (const auto& truth : data.truths_of(id)) n += s.is_instance(truth);
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      if (!s.is_instance(data.truths[g])) continue;
      const double length = data.truths[g].segment.length();
      bucket(d.length, length <= 30 ? 0 : length <= 60 ? 1 : length <= 120 ? 2 : length <= 180 ? 3 : 4, m.found[g]);
      const double share = video.duration > 0 ? length / video.duration : -1;
      bucket(d.coverage, share < 0 ? 5 : share <= 0.2 ? 0 : share <= 0.4 ? 1 : share <= 0.6 ? 2 : share <= 0.8 ? 3 : 4, m.found[g]);
      bucket(d.instances, n == 1 ? 0 : n <= 4 ? 1 : n <= 8 ? 2 : 3, m.found[g]);
    }
  }
  for (auto* list : {&d.length, &d.coverage, &d.instances})
    for (auto& item : *list)
      for (auto& value : item.recall) value = item.instances ? value / static_cast<double>(item.instances) : 0;
  std::vector<std::pair<double, const Ranked*>> all;
  for (const auto& ranked : m.classes)
    for (const auto& entry : ranked) all.emplace_back(data.predictions[entry.prediction].score, &entry);
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.first > b.first; });
  for (std::size_t t = 0; t < m.tiou.size(); ++t) {
    double hits = 0, count = 0, best[4] = {0, 0, 0, 0};
    for (std::size_t i = 0; i < all.size(); ++i) {
      if (!((all[i].second->ignored >> t) & 1)) ++count, hits += (all[i].second->hit >> t) & 1;
      if (i + 1 < all.size() && all[i + 1].first == all[i].first) continue;  // a threshold cannot part equals
      const double f1 = 2 * hits / (count + static_cast<double>(s.counts.instances));
      if (f1 > best[1]) best[0] = all[i].first, best[1] = f1, best[2] = hits / count, best[3] = hits / static_cast<double>(s.counts.instances);
    }
    d.threshold.push_back(best[0]), d.f1.push_back(best[1]), d.precision.push_back(best[2]), d.recall.push_back(best[3]);
  }
  return d;
}

Dataset oracle(const Selection& s, const std::string& step, bool labels_matter) {
  Dataset out = *s.data;
  const bool all = step == "all";
  for (auto& p : out.predictions) {
    const bool evaluated = s.state[p.video] == State::kEvaluated;
    const auto best = [&](bool any_label) -> std::pair<double, const Truth*> {
      std::pair<double, const Truth*> found{0, nullptr};
      if (!evaluated) return found;
      for (const auto& truth : out.truths_of(p.video)) {
        if (!s.is_instance(truth) || (!any_label && labels_matter && truth.label != p.label)) continue;
        if (const double overlap = tiou(truth.segment, p.segment); overlap > found.first) found = {overlap, &truth};
      }
      return found;
    };
    if (labels_matter && (all || step == "labels"))
      if (const auto [overlap, truth] = best(true); overlap >= 0.1) p.label = truth->label;
    if (all || step == "boundaries")
      if (const auto [overlap, truth] = best(false); overlap >= 0.1) p.segment = truth->segment;
    if (all || step == "ranking") p.score = best(false).first;
  }
  return out;
}

std::vector<Disagreement> disagreements(const Run& a, const Run& b) {
  const Dataset& data = *a.selection->data;
  std::vector<Disagreement> out;
  for (const auto id : a.selection->videos)
    for (std::uint32_t g = data.videos[id].truth_begin; g < data.videos[id].truth_end; ++g) {
      for (std::size_t t = 0; t < a.matched.tiou.size(); ++t) {
        const bool first = (a.matched.found[g] >> t) & 1, second = (b.matched.found[g] >> t) & 1;
        if (first == second) continue;
        // The best overlap that a prediction of the label offers decides which rule made the difference.
        double best = 0;
        std::size_t above = 0;
        for (const auto index : data.predictions_of(id)) {
          const auto& p = data.predictions[index];
          if (a.selection->class_of_label(p.label) != a.selection->class_of_label(data.truths[g].label)) continue;
          const double overlap = tiou(p.segment, data.truths[g].segment);
          best = std::max(best, overlap);
          above += overlap > a.matched.tiou[t];
        }
        std::string why = above == 0 ? "the best tIoU equals the threshold " + format_number(a.matched.tiou[t]) + ": one rule asks for more"
                          : "best tIoU " + format_number(best) + ", " + std::to_string(above) +
                                " detections above the threshold: the rules give them to different instances";
        out.push_back({id, g, t, first, std::move(why)});
      }
    }
  return out;
}

}  // namespace tal::eval
