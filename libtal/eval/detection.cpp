#include "libtal/eval/detection.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <limits>
#include <thread>

#include "libtal/base/error.h"

namespace tal::eval {
namespace {

// The official code divides without looking: 0/0 is NaN, which it sorts before all others and which is "not below" the threshold.
double kit_tiou(const Segment& a, const Segment& b) {
  const double inter = std::max(0.0, std::min(a.end, b.end) - std::max(a.start, b.start));
  return inter / (a.length() + b.length() - inter);
}

// Rank of each video id by name, bytewise.
std::vector<std::uint32_t> name_ranks(const Dataset& data) {
  std::vector<std::uint32_t> order(data.videos.size()), rank(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return data.video_names.text(a) < data.video_names.text(b); });
  for (std::uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  return rank;
}

struct Key {
  double score;
  std::uint64_t order;  // smaller first among equal scores
  std::uint32_t prediction;
  bool operator<(const Key& other) const { return score != other.score ? score > other.score : order < other.order; }
};

std::vector<std::vector<Key>> keys_by_class(const Selection& s, Ties ties) {
  const Dataset& data = *s.data;
  std::vector<std::vector<Key>> out(s.class_label.size());
  const auto ranks = ties == Ties::kVideo ? name_ranks(data) : std::vector<std::uint32_t>();
  const auto count = data.predictions.size();
  for (std::uint32_t i = 0; i < count; ++i) {
    const Prediction& p = data.predictions[i];
    if (!s.used(p.video)) continue;
    const auto cls = s.class_of_label(p.label);
    if (cls < 0) continue;
    const std::uint64_t order = ties == Ties::kReversed ? count - i : ties == Ties::kInput ? i : (std::uint64_t(ranks[p.video]) << 32) | i;
    out[static_cast<std::size_t>(cls)].push_back({p.score, order, i});
  }
  return out;
}

bool is_of(const Selection& s, const Truth& truth, std::size_t cls) {
  return s.is_instance(truth) && (s.class_agnostic || s.class_of[truth.label] == static_cast<std::int32_t>(cls));
}

struct Candidate {
  double overlap;
  std::uint32_t truth;  // in Dataset::truths
};

void match_activitynet(const Selection& s, const std::vector<double>& thresholds, std::size_t cls, std::vector<Ranked>& ranked,
                       std::vector<Mask>& found) {
  const Dataset& data = *s.data;
  std::vector<Candidate> candidates;
  for (auto& entry : ranked) {
    if (s.state[entry.video] != State::kEvaluated) continue;
    const Video& video = data.videos[entry.video];
    const Segment& segment = data.predictions[entry.prediction].segment;
    candidates.clear();
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      if (!is_of(s, data.truths[g], cls)) continue;
      const double overlap = kit_tiou(data.truths[g].segment, segment);
      candidates.push_back({overlap, g});
    }
    if (candidates.empty()) continue;
    if (candidates.size() > 1)
      std::sort(candidates.begin(), candidates.end(), [](const auto& a, const auto& b) {
        const bool nan_a = std::isnan(a.overlap), nan_b = std::isnan(b.overlap);
        if (nan_a != nan_b) return nan_a;
        if (!nan_a && a.overlap != b.overlap) return a.overlap > b.overlap;
        return a.truth > b.truth;  // the one listed last
      });
    entry.overlap = candidates.front().overlap;
    for (std::size_t t = 0; t < thresholds.size(); ++t) {
      const Mask bit = Mask(1) << t;
      for (const auto& candidate : candidates) {
        if (candidate.overlap < thresholds[t]) break;
        if (found[candidate.truth] & bit) continue;
        found[candidate.truth] |= bit;
        entry.hit |= bit;
        break;
      }
    }
  }
}

void match_official(const Selection& s, const std::vector<double>& thresholds, std::size_t cls, std::vector<Ranked>& ranked,
                    std::vector<Mask>& found) {
  const Dataset& data = *s.data;
  std::vector<std::uint32_t> order(ranked.size());  // by video, rank order inside
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return ranked[a].video < ranked[b].video; });
  std::vector<double> overlaps;
  for (std::size_t begin = 0, end; begin < order.size(); begin = end) {
    const std::uint32_t id = ranked[order[begin]].video;
    for (end = begin; end < order.size() && ranked[order[end]].video == id; ++end) {}
    if (s.state[id] != State::kEvaluated) continue;
    const Video& video = data.videos[id];
    const std::size_t n = end - begin;
    const auto segment = [&](std::size_t i) -> const Segment& { return data.predictions[ranked[order[begin + i]].prediction].segment; };
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      if (!is_of(s, data.truths[g], cls)) continue;
      overlaps.resize(n);
      for (std::size_t i = 0; i < n; ++i) {
        overlaps[i] = tiou(data.truths[g].segment, segment(i));
        auto& entry = ranked[order[begin + i]];
        entry.overlap = std::max(entry.overlap, overlaps[i]);
      }
      for (std::size_t t = 0; t < thresholds.size(); ++t) {
        const Mask bit = Mask(1) << t;
        std::size_t best = n;
        for (std::size_t i = 0; i < n; ++i)
          if (!(ranked[order[begin + i]].hit & bit) && overlaps[i] > (best == n ? thresholds[t] : overlaps[best])) best = i;
        if (best == n) continue;
        ranked[order[begin + best]].hit |= bit;
        found[g] |= bit;
      }
    }
    const Mask all = thresholds.size() == 64 ? ~Mask(0) : (Mask(1) << thresholds.size()) - 1;
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      if (data.truths[g].label != kAmbiguous) continue;
      for (std::size_t i = 0; i < n; ++i)
        if (tiou(data.truths[g].segment, segment(i)) > 0) {
          auto& entry = ranked[order[begin + i]];
          entry.ignored |= all & ~entry.hit;
        }
    }
  }
}

}  // namespace

Matched match(const Selection& s, const std::vector<double>& thresholds, Matching matching, Ties ties, int jobs) {
  if (thresholds.empty() || thresholds.size() > kMaxThresholds)
    throw UsageError("--tiou takes 1 to " + std::to_string(kMaxThresholds) + " thresholds, not " + std::to_string(thresholds.size()));
  const Dataset& data = *s.data;
  Matched m;
  m.selection = &s, m.tiou = thresholds, m.envelope = matching == Matching::kActivityNet;
  auto keys = keys_by_class(s, ties);
  m.classes.resize(keys.size());
  // Different classes touch different ground truths, so that one array serves all threads.
  std::vector<Mask> found(data.truths.size(), 0);
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t cls; (cls = next++) < keys.size();) {
      std::sort(keys[cls].begin(), keys[cls].end());
      auto& ranked = m.classes[cls];
      ranked.resize(keys[cls].size());
      for (std::size_t i = 0; i < ranked.size(); ++i)
        ranked[i].prediction = keys[cls][i].prediction, ranked[i].video = data.predictions[keys[cls][i].prediction].video;
      if (matching == Matching::kActivityNet) match_activitynet(s, thresholds, cls, ranked, found);
      else match_official(s, thresholds, cls, ranked, found);
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < jobs; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  m.found = std::move(found);
  return m;
}

double average_precision(const Matched& m, std::size_t cls, std::size_t threshold, double positives,
                         const std::vector<std::uint32_t>* weight) {
  if (positives == 0) return 0;
  const Mask bit = Mask(1) << threshold;
  thread_local std::vector<std::pair<double, double>> steps;  // recall gained, precision there
  steps.clear();
  double hits = 0, count = 0;
  for (const auto& entry : m.classes[cls]) {
    if (entry.ignored & bit) continue;
    const std::uint32_t times = weight ? (*weight)[entry.video] : 1;
    if (!times) continue;
    if (entry.hit & bit) {
      for (std::uint32_t k = 0; k < times; ++k) {
        ++hits, ++count;
        steps.push_back({m.envelope ? hits / positives - (hits - 1) / positives : 1 / positives, hits / count});
      }
    } else {
      count += times;
    }
  }
  if (m.envelope) {
    double best = 0;
    for (auto step = steps.rbegin(); step != steps.rend(); ++step) step->second = best = std::max(best, step->second);
  }
  double sum = 0;
  for (const auto& [gain, precision] : steps) sum += m.envelope ? gain * precision : precision;
  return m.envelope ? sum : sum / positives;
}

namespace {

void finish(DetectionResult& r, std::size_t thresholds, const std::vector<std::uint8_t>& counted) {
  r.map.assign(thresholds, 0);
  double n = 0;
  for (const auto flag : counted) n += flag;
  for (std::size_t t = 0; t < thresholds; ++t) {
    for (std::size_t c = 0; c < r.ap.size(); ++c)
      if (counted[c]) r.map[t] += r.ap[c][t];
    if (n > 0) r.map[t] /= n;
    r.average += r.map[t];
  }
  r.average /= static_cast<double>(thresholds);
}

}  // namespace

DetectionResult detection_result(const Matched& m, const std::vector<std::uint32_t>* weight) {
  const Selection& s = *m.selection;
  DetectionResult r;
  std::vector<double> positives(s.class_instances.begin(), s.class_instances.end());
  if (weight) {
    std::fill(positives.begin(), positives.end(), 0);
    for (const auto id : s.videos)
      if ((*weight)[id])
        for (const auto& truth : s.data->truths_of(id))
          if (s.is_instance(truth)) positives[static_cast<std::size_t>(s.class_of_label(truth.label))] += (*weight)[id];
  }
  // A class that a sample does not hold has no place in its mean.
  std::vector<std::uint8_t> counted(m.classes.size());
  for (std::size_t c = 0; c < m.classes.size(); ++c) {
    counted[c] = positives[c] > 0;
    r.ap.emplace_back();
    for (std::size_t t = 0; t < m.tiou.size(); ++t) r.ap.back().push_back(average_precision(m, c, t, positives[c], weight));
  }
  finish(r, m.tiou.size(), counted);
  return r;
}

TieRange detection_tie_range(const Selection& s, const std::vector<double>& thresholds, Matching matching) {
  const Dataset& data = *s.data;
  TieRange range;
  const auto keys = keys_by_class(s, matching == Matching::kThumosOfficial ? Ties::kVideo : Ties::kReversed);
  for (const double threshold : thresholds) {
    const std::vector<double> one{threshold};
    for (std::size_t cls = 0; cls < keys.size(); ++cls) {
      for (const bool best : {false, true}) {
        Matched m;
        m.selection = &s, m.tiou = one, m.envelope = matching == Matching::kActivityNet;
        m.classes.resize(keys.size());
        auto& ranked = m.classes[cls];
        auto sorted = keys[cls];
        std::sort(sorted.begin(), sorted.end());
        const auto run = [&] {
          std::vector<Mask> found(data.truths.size(), 0);
          for (auto& entry : ranked) entry.hit = entry.ignored = 0;
          if (m.envelope) match_activitynet(s, one, cls, ranked, found);
          else match_official(s, one, cls, ranked, found);
        };
        for (const auto& key : sorted) ranked.push_back({key.prediction, data.predictions[key.prediction].video});
        run();
        const auto score = [&](const Ranked& entry) { return data.predictions[entry.prediction].score; };
        const auto above = [&](const Ranked& entry) { return m.envelope ? !(entry.overlap < threshold) : entry.overlap > threshold; };
        std::stable_sort(ranked.begin(), ranked.end(), [&](const Ranked& a, const Ranked& b) {
          if (score(a) != score(b)) return score(a) > score(b);
          return best ? (a.hit & 1) > (b.hit & 1) : above(a) < above(b);
        });
        run();
        (best ? range.highest : range.lowest) += average_precision(m, cls, 0, static_cast<double>(s.class_instances[cls]));
      }
    }
  }
  const double n = static_cast<double>(thresholds.size() * keys.size());
  range.lowest /= n, range.highest /= n;
  return range;
}

RecallAtK recall_at_k(const Selection& s, const std::vector<double>& thresholds, const std::vector<int>& k, Ties ties) {
  const Dataset& data = *s.data;
  RecallAtK r;
  r.k = k;
  const std::size_t classes = s.class_label.size();
  r.classes.assign(classes, std::vector(k.size(), std::vector<double>(thresholds.size(), 0)));
  std::vector<std::vector<Key>> keys(classes);
  std::vector<std::vector<const Truth*>> truths(classes);
  for (const auto id : s.videos) {
    std::vector<std::size_t> touched;
    for (const auto& truth : data.truths_of(id)) {
      if (!s.is_instance(truth)) continue;
      const auto cls = static_cast<std::size_t>(s.class_of_label(truth.label));
      if (truths[cls].empty()) touched.push_back(cls), keys[cls].clear();
      truths[cls].push_back(&truth);
    }
    for (const auto index : data.predictions_of(id)) {
      const auto cls = s.class_of_label(data.predictions[index].label);
      if (cls < 0 || truths[static_cast<std::size_t>(cls)].empty()) continue;
      keys[static_cast<std::size_t>(cls)].push_back(
          {data.predictions[index].score, ties == Ties::kReversed ? ~std::uint64_t(index) : index, index});
    }
    for (const auto cls : touched) {
      auto& ranked = keys[cls];
      std::sort(ranked.begin(), ranked.end());
      const auto n = truths[cls].size();
      for (const Truth* truth : truths[cls]) {
        double best = -1;
        std::size_t at = 0;
        std::vector<std::size_t> first(thresholds.size(), ranked.size());
        for (; at < ranked.size(); ++at) {
          const double overlap = tiou(truth->segment, data.predictions[ranked[at].prediction].segment);
          if (overlap <= best) continue;
          best = overlap;
          for (std::size_t t = 0; t < thresholds.size(); ++t)
            if (overlap >= thresholds[t]) first[t] = std::min(first[t], at);
        }
        for (std::size_t i = 0; i < k.size(); ++i)
          for (std::size_t t = 0; t < thresholds.size(); ++t)
            r.classes[cls][i][t] += first[t] < std::min(ranked.size(), static_cast<std::size_t>(k[i]) * n);
      }
      truths[cls].clear(), keys[cls].clear();
    }
  }
  r.recall.assign(k.size(), std::vector<double>(thresholds.size(), 0));
  r.class_mean = r.recall;
  for (std::size_t i = 0; i < k.size(); ++i)
    for (std::size_t t = 0; t < thresholds.size(); ++t) {
      for (std::size_t c = 0; c < classes; ++c) {
        r.recall[i][t] += r.classes[c][i][t];
        r.classes[c][i][t] /= static_cast<double>(s.class_instances[c]);
        r.class_mean[i][t] += r.classes[c][i][t];
      }
      r.recall[i][t] /= static_cast<double>(s.counts.instances);
      r.class_mean[i][t] /= static_cast<double>(classes);
    }
  return r;
}

}  // namespace tal::eval
