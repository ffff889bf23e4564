#include "libtal/eval/detection.h"

#include <algorithm>
#include <atomic>
#include <bit>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/eval/parallel.h"

namespace tal::eval {
namespace {

// Rank of each video id by name, bytewise.
std::vector<std::uint32_t> name_ranks(const Dataset& data) {
  std::vector<std::uint32_t> order(data.videos.size()), rank(order.size());
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::sort(order.begin(), order.end(),
            [&](auto a, auto b) { return data.video_names.text(a) < data.video_names.text(b); });
  for (std::uint32_t i = 0; i < order.size(); ++i) rank[order[i]] = i;
  return rank;
}

// The predictions that take part, grouped by class: those of class c are [begin[c], begin[c + 1]), input order inside.
struct Grouped {
  std::vector<std::size_t> begin;
  std::vector<std::uint32_t> predictions;
};

Grouped group_by_class(const Selection& s) {
  const Dataset& data = *s.data;
  const auto count = static_cast<std::uint32_t>(data.predictions.size());
  const auto class_of = [&](std::uint32_t i) {
    const Prediction& p = data.predictions[i];
    return s.used(p.video) ? s.class_of_label(p.label) : -1;
  };
  Grouped grouped;
  std::vector<std::size_t> next(s.class_label.size() + 1, 0);
  for (std::uint32_t i = 0; i < count; ++i)
    if (const auto cls = class_of(i); cls >= 0) ++next[static_cast<std::size_t>(cls) + 1];
  for (std::size_t c = 1; c < next.size(); ++c) next[c] += next[c - 1];
  grouped.begin = next;
  grouped.predictions.resize(next.back());
  for (std::uint32_t i = 0; i < count; ++i)
    if (const auto cls = class_of(i); cls >= 0) grouped.predictions[next[static_cast<std::size_t>(cls)]++] = i;
  return grouped;
}

// Where each prediction stands among equal scores, smaller first; unique.
std::vector<std::uint32_t> tie_positions(const Dataset& data, Ties ties) {
  const auto count = static_cast<std::uint32_t>(data.predictions.size());
  std::vector<std::uint32_t> position(count);
  if (ties == Ties::kVideo) {
    const auto ranks = name_ranks(data);
    std::vector<std::uint32_t> order(count);
    for (std::uint32_t i = 0; i < count; ++i) order[i] = i;
    std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) {
      return ranks[data.predictions[a].video] < ranks[data.predictions[b].video];
    });
    for (std::uint32_t i = 0; i < count; ++i) position[order[i]] = i;
  } else {
    for (std::uint32_t i = 0; i < count; ++i) position[i] = ties == Ties::kReversed ? ~i : i;
  }
  return position;
}

struct Key {
  double score;
  std::uint32_t tie, prediction;
  bool operator<(const Key& other) const { return score != other.score ? score > other.score : tie < other.tie; }
};

// Sorts keys into rank order, writes the ranked list, and returns how many keys are tied.
std::uint64_t rank(const Dataset& data, std::vector<Key>& keys, std::vector<Ranked>& out) {
  std::sort(keys.begin(), keys.end());
  out.resize(keys.size());
  std::uint64_t tied = 0;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    out[i] = {keys[i].prediction, data.predictions[keys[i].prediction].video};
    tied +=
        (i > 0 && keys[i - 1].score == keys[i].score) || (i + 1 < keys.size() && keys[i + 1].score == keys[i].score);
  }
  return tied;
}

struct Candidate {
  double overlap;
  std::uint32_t truth;  // in Dataset::truths
};

// By falling tIoU, NaN first; of equals the instance listed last.
bool preferred(const Candidate& a, const Candidate& b) {
  const bool nan_a = std::isnan(a.overlap), nan_b = std::isnan(b.overlap);
  if (nan_a != nan_b) return nan_a;
  if (!nan_a && a.overlap != b.overlap) return a.overlap > b.overlap;
  return a.truth > b.truth;
}

// Each detection, by rank, takes the free instance of largest tIoU that reaches the threshold.
void match_by_rank(Matched& m, bool strict, std::size_t cls, std::vector<Ranked>& ranked) {
  const Selection& s = *m.selection;
  const Dataset& data = *s.data;
  const std::size_t count = m.tiou.size();
  const double lowest = *std::min_element(m.tiou.begin(), m.tiou.end());
  std::vector<Candidate> candidates;
  for (auto& entry : ranked) {
    const Video& video = data.videos[entry.video];
    const Segment& segment = data.predictions[entry.prediction].segment;
    candidates.clear();
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      if (s.truth_class[g] != static_cast<std::int32_t>(cls)) continue;
      const double overlap = kit_tiou(data.truths[g].segment, segment);
      if (reaches(overlap, lowest, strict)) candidates.push_back({overlap, g});
    }
    if (candidates.size() > 1) std::sort(candidates.begin(), candidates.end(), preferred);
    for (const auto& candidate : candidates)
      for (std::size_t t = 0; t < count; ++t) {
        const Mask bit = Mask(1) << t;
        std::uint32_t& finder = m.finder[candidate.truth * count + t];
        if ((entry.hit & bit) || finder != Matched::kNobody || !reaches(candidate.overlap, m.tiou[t], strict)) continue;
        finder = entry.prediction;
        entry.hit |= bit;
      }
  }
}

// The detections of one video: positions in `ranked`, in rank order.
using Positions = std::vector<std::uint32_t>;

// Each instance, in file order, takes the free detection of largest tIoU that reaches the threshold; of equals the
// first in rank.
void match_by_truth(Matched& m, bool strict, std::size_t cls, const Positions& mine, std::vector<Ranked>& ranked) {
  const Selection& s = *m.selection;
  const Dataset& data = *s.data;
  const Video& video = data.videos[ranked[mine.front()].video];
  const double lowest = *std::min_element(m.tiou.begin(), m.tiou.end());
  std::vector<std::pair<double, std::uint32_t>> near;  // tIoU, position
  for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
    if (s.truth_class[g] != static_cast<std::int32_t>(cls)) continue;
    near.clear();
    for (const auto i : mine) {
      const double overlap = kit_tiou(data.truths[g].segment, data.predictions[ranked[i].prediction].segment);
      if (reaches(overlap, lowest, strict)) near.emplace_back(overlap, i);
    }
    for (std::size_t t = 0; t < m.tiou.size(); ++t) {
      const Mask bit = Mask(1) << t;
      const std::pair<double, std::uint32_t>* best = nullptr;
      for (const auto& item : near)
        if (!(ranked[item.second].hit & bit) && reaches(item.first, m.tiou[t], strict) &&
            (!best || item.first > best->first))
          best = &item;
      if (!best) continue;
      ranked[best->second].hit |= bit;
      m.finder[g * m.tiou.size() + t] = ranked[best->second].prediction;
    }
  }
}

// Detections of one video that no instance took and that overlap an Ambiguous segment are left out.
void excuse_ambiguous(const Matched& m, const Positions& mine, std::vector<Ranked>& ranked) {
  const Dataset& data = *m.selection->data;
  const Mask all = m.tiou.size() == kMaxThresholds ? ~Mask(0) : (Mask(1) << m.tiou.size()) - 1;
  for (const auto& truth : data.truths_of(ranked[mine.front()].video)) {
    if (truth.label != kAmbiguous) continue;
    for (const auto i : mine)
      if (tiou(truth.segment, data.predictions[ranked[i].prediction].segment) > 0)
        ranked[i].ignored |= all & ~ranked[i].hit;
  }
}

template <class Body>
void for_videos(const Selection& s, const std::vector<Ranked>& ranked, Body&& body) {
  Positions order(ranked.size()), mine;
  for (std::uint32_t i = 0; i < order.size(); ++i) order[i] = i;
  std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return ranked[a].video < ranked[b].video; });
  for (std::size_t begin = 0, end = 0; begin < order.size(); begin = end) {
    const std::uint32_t video = ranked[order[begin]].video;
    while (end < order.size() && ranked[order[end]].video == video) ++end;
    if (s.state[video] != State::kEvaluated) continue;
    mine.assign(order.begin() + static_cast<std::ptrdiff_t>(begin), order.begin() + static_cast<std::ptrdiff_t>(end));
    body(mine);
  }
}

void match_class(Matched& m, const Matching& rules, std::size_t cls, std::vector<Ranked>& ranked) {
  if (!rules.by_truth) match_by_rank(m, rules.strict, cls, ranked);
  if (!rules.by_truth && !rules.ambiguous_excuses) return;
  for_videos(*m.selection, ranked, [&](const Positions& mine) {
    if (rules.by_truth) match_by_truth(m, rules.strict, cls, mine, ranked);
    if (rules.ambiguous_excuses) excuse_ambiguous(m, mine, ranked);
  });
}

}  // namespace

Matched match(const Selection& s, const std::vector<double>& thresholds, const Matching& rules, Ties ties, int jobs) {
  if (thresholds.empty() || thresholds.size() > kMaxThresholds)
    throw UsageError("--tiou takes 1 to " + std::to_string(kMaxThresholds) + " thresholds, not " +
                     std::to_string(thresholds.size()));
  const Dataset& data = *s.data;
  Matched m;
  m.selection = &s, m.tiou = thresholds, m.envelope = rules.envelope, m.normalised = rules.normalised;
  m.finder.assign(data.truths.size() * thresholds.size(), Matched::kNobody);
  m.classes.resize(s.class_label.size());
  const Grouped grouped = group_by_class(s);
  const auto tie = tie_positions(data, ties);
  std::atomic<std::uint64_t> tied{0};
  // Different classes touch different instances, so that one array of finders serves all threads.
  parallel_for(m.classes.size(), jobs, 1, [&] {
    return [&, keys = std::vector<Key>()](std::size_t cls) mutable {
      keys.clear();
      for (std::size_t i = grouped.begin[cls]; i < grouped.begin[cls + 1]; ++i) {
        const std::uint32_t prediction = grouped.predictions[i];
        keys.push_back({data.predictions[prediction].score, tie[prediction], prediction});
      }
      tied += rank(data, keys, m.classes[cls]);
      match_class(m, rules, cls, m.classes[cls]);
    };
  });
  m.tied = tied;
  return m;
}

double PrecisionCurve::area(double positives, bool envelope) {
  if (positives == 0) return 0;
  double sum = 0;
  if (!envelope) {
    for (const double value : precision_) sum += value;
    return sum / positives;
  }
  double best = 0;
  for (auto value = precision_.rbegin(); value != precision_.rend(); ++value) *value = best = std::max(best, *value);
  // The official code's sum: gains of recall as differences of quotients, from the first true positive on.
  for (std::size_t i = 0; i < precision_.size(); ++i) {
    const auto before = static_cast<double>(i);
    sum += ((before + 1) / positives - before / positives) * precision_[i];
  }
  return sum;
}

double worth_of(const Selection& s, bool normalised, std::size_t cls) {
  if (!normalised) return 1;
  return static_cast<double>(s.counts.instances) / static_cast<double>(s.class_label.size()) /
         static_cast<double>(s.class_instances[cls]);
}

std::vector<double> average_precisions(const Matched& m, std::size_t cls, double positives, double worth,
                                       const std::vector<std::uint32_t>* weight) {
  const std::size_t count = m.tiou.size();
  std::vector<PrecisionCurve> curves(count, PrecisionCurve(worth));
  std::vector<double> hits(count, 0), ignored(count, 0);
  double ranked = 0;  // detections so far, true and false and ignored
  for (const auto& entry : m.classes[cls]) {
    const std::uint32_t times = weight ? (*weight)[entry.video] : 1;
    for (Mask bits = entry.ignored; bits != 0; bits &= bits - 1)
      ignored[static_cast<std::size_t>(std::countr_zero(bits))] += times;
    for (Mask bits = entry.hit; bits != 0; bits &= bits - 1) {
      const auto t = static_cast<std::size_t>(std::countr_zero(bits));
      curves[t].set_misses(ranked - hits[t] - ignored[t]);
      for (std::uint32_t k = 0; k < times; ++k) curves[t].hit();
      hits[t] += times;
    }
    ranked += times;
  }
  std::vector<double> out;
  for (auto& curve : curves) out.push_back(curve.area(positives, m.envelope));
  return out;
}

namespace {

// Means over the classes that are counted, and over thresholds.
void finish(DetectionResult& r, std::size_t thresholds, const std::vector<double>& positives) {
  r.map.assign(thresholds, 0);
  const auto n = static_cast<double>(std::count_if(positives.begin(), positives.end(), [](double p) { return p > 0; }));
  for (std::size_t t = 0; t < thresholds; ++t) {
    for (std::size_t c = 0; c < r.ap.size(); ++c)
      if (positives[c] > 0) r.map[t] += r.ap[c][t];
    if (n > 0) r.map[t] /= n;
    r.average += r.map[t];
  }
  r.average /= static_cast<double>(thresholds);
}

std::vector<double> positives_of(const Selection& s, const std::vector<std::uint32_t>* weight) {
  if (!weight) return {s.class_instances.begin(), s.class_instances.end()};
  std::vector<double> positives(s.class_instances.size(), 0);
  for (const auto id : s.videos)
    for (std::uint32_t g = s.data->videos[id].truth_begin; g < s.data->videos[id].truth_end; ++g)
      if (s.is_instance(g)) positives[static_cast<std::size_t>(s.truth_class[g])] += (*weight)[id];
  return positives;
}

}  // namespace

DetectionResult detection_result(const Matched& m, const std::vector<std::uint32_t>* weight) {
  DetectionResult r;
  // A class that a sample does not hold has no place in its mean.
  const std::vector<double> positives = positives_of(*m.selection, weight);
  double instances = 0, classes = 0;
  for (const double n : positives) instances += n, classes += n > 0;
  for (std::size_t c = 0; c < m.classes.size(); ++c) {
    const double worth = m.normalised && positives[c] > 0 ? instances / classes / positives[c] : 1;
    r.ap.push_back(average_precisions(m, c, positives[c], worth, weight));
  }
  finish(r, m.tiou.size(), positives);
  r.positives = positives;
  return r;
}

DetectionResult activitynet_precision(const Dataset& data) {
  const Selection selection = select(data, {});
  return detection_result(match(selection, linspace(0.5, 0.95, 10), Matching::kActivityNet, Ties::kReversed));
}

}  // namespace tal::eval
