#include "libtal/segment/anchors.h"

#include <algorithm>
#include <cmath>
#include <functional>
#include <queue>
#include <utility>

#include "libtal/base/random.h"

namespace tal {

std::vector<Segment> make_anchors(std::int64_t rows, std::span<const double> scales) {
  std::vector<Segment> anchors;
  anchors.reserve(static_cast<std::size_t>(rows) * scales.size());
  for (std::int64_t t = 0; t < rows; ++t)
    for (const double scale : scales) {
      const double centre = static_cast<double>(t) + 0.5, half = scale * static_cast<double>(rows) / 2;
      anchors.push_back({centre - half, centre + half});
    }
  return anchors;
}

Segment vicinity_of(const Segment& anchor) {
  const double d = anchor.length() / 2;
  return {anchor.start - d, anchor.end + d};
}

Segment clip_to_window(const Segment& anchor, double rows) {
  return {std::clamp(anchor.start, 0.0, rows), std::clamp(anchor.end, 0.0, rows)};
}

std::vector<std::int64_t> window_starts(std::int64_t rows, std::int64_t length, std::int64_t stride) {
  std::vector<std::int64_t> starts{0};
  if (stride > 0)
    while (starts.back() + length < rows) starts.push_back(starts.back() + stride);
  return starts;
}

AnchorLabels label_anchors(std::span<const Segment> anchors, std::span<const Segment> truths, const AnchorRule& rule) {
  AnchorLabels labels;
  labels.best_tiou.assign(anchors.size(), 0);
  labels.best_truth.assign(anchors.size(), truths.empty() ? -1 : 0);
  labels.role.assign(anchors.size(), AnchorRole::neither);
  labels.best_anchor.assign(truths.size(), -1);
  for (std::size_t g = 0; g < truths.size(); ++g) {
    double best = 0;  // an anchor that does not touch the truth is never its best
    for (std::size_t a = 0; a < anchors.size(); ++a) {
      const double t = tiou(anchors[a], truths[g]);
      if (t > best) best = t, labels.best_anchor[g] = static_cast<std::int64_t>(a);
      if (t > labels.best_tiou[a]) labels.best_tiou[a] = t, labels.best_truth[a] = static_cast<std::int32_t>(g);
    }
  }
  for (std::size_t a = 0; a < anchors.size(); ++a) {
    const double t = labels.best_tiou[a];
    if (truths.empty()) break;
    if (t >= rule.positive) labels.role[a] = AnchorRole::positive;
    else if (t >= rule.negative_low && t <= rule.negative_high) labels.role[a] = AnchorRole::hard_negative;
  }
  for (const std::int64_t a : labels.best_anchor)
    if (a >= 0) labels.role[static_cast<std::size_t>(a)] = AnchorRole::positive;
  return labels;
}

std::vector<AnchorPool> anchor_pools(const AnchorLabels& labels) {
  std::vector<AnchorPool> pools(labels.best_anchor.size());
  for (std::size_t a = 0; a < labels.role.size(); ++a) {
    if (labels.role[a] == AnchorRole::neither) continue;
    AnchorPool& pool = pools[static_cast<std::size_t>(labels.best_truth[a])];
    auto& side = labels.role[a] == AnchorRole::positive ? pool.positives : pool.negatives;
    side.push_back(static_cast<std::uint32_t>(a));
  }
  return pools;
}

std::vector<AnchorPool> draw_examples(std::vector<AnchorPool> pools, std::size_t most, Random& random) {
  for (auto& pool : pools) {
    pool.positives = random.choose(std::move(pool.positives), most);
    pool.negatives = random.choose(std::move(pool.negatives), most);
  }
  return pools;
}

UnitLabels unit_labels(const Segment& anchor, std::int64_t rows, std::span<const Segment> truths) {
  const auto n = static_cast<std::size_t>(rows);
  UnitLabels labels{std::vector<std::uint8_t>(n, 0), std::vector<std::uint8_t>(n, 0), std::vector<std::uint8_t>(n, 0)};
  const Segment vicinity = vicinity_of(anchor);
  const double last = static_cast<double>(rows - 1);
  const auto row_of = [&](double time) {
    return std::floor((time - vicinity.start) * static_cast<double>(rows) / vicinity.length());
  };
  // Clamped as doubles: a truth far away must not overflow an integer.
  const auto mark = [&](std::vector<std::uint8_t>& units, double first, double final) {
    for (double i = std::max(0.0, first); i <= std::min(last, final); ++i) units[static_cast<std::size_t>(i)] = 1;
  };
  for (const Segment& truth : truths) {
    if (std::min(truth.end, vicinity.end) - std::max(truth.start, vicinity.start) <= 0) continue;
    const double start = row_of(truth.start), end = row_of(truth.end);
    mark(labels.start, start - 1, start + 1);
    mark(labels.end, end - 1, end + 1);
    mark(labels.actionness, start, end);
  }
  return labels;
}

namespace {

// What one anchor reaches: a truth and how many thresholds.
struct Reach {
  std::uint32_t truth, levels;
};

// reached[n] = (truth, threshold) pairs after the n-th choice of the anchor that adds most; ends when nothing adds.
// Gains only fall as more is chosen, so a gain that is still the largest after being computed again is the largest of
// all (lazy greedy).
std::vector<std::uint64_t> greedy_choice(const std::vector<std::vector<Reach>>& candidates, std::size_t truths) {
  std::vector<std::uint32_t> have(truths, 0);
  const auto gain_of = [&](std::size_t c) {
    std::uint64_t gain = 0;
    for (const Reach& reach : candidates[c])
      gain += reach.levels > have[reach.truth] ? reach.levels - have[reach.truth] : 0;
    return gain;
  };
  std::priority_queue<std::pair<std::uint64_t, std::size_t>> queue;
  for (std::size_t c = 0; c < candidates.size(); ++c) queue.emplace(gain_of(c), c);
  std::vector<std::uint64_t> reached{0};
  while (!queue.empty()) {
    const auto [known, c] = queue.top();
    queue.pop();
    const std::uint64_t gain = gain_of(c);
    if (gain == 0) continue;
    if (gain < known) {
      queue.emplace(gain, c);
      continue;
    }
    for (const Reach& reach : candidates[c]) have[reach.truth] = std::max(have[reach.truth], reach.levels);
    reached.push_back(reached.back() + gain);
  }
  return reached;
}

}  // namespace

void add_ceiling(CeilingCounts& counts, std::span<const Segment> anchors, std::span<const Segment> truths,
                 std::span<const double> thresholds, std::span<const std::uint32_t> budgets) {
  counts.reached.resize(thresholds.size());
  counts.reached_at.resize(budgets.size());
  ++counts.videos;
  counts.truths += truths.size();
  counts.anchors += anchors.size();

  const auto levels_of = [&](double t) {
    return static_cast<std::uint32_t>(
        std::count_if(thresholds.begin(), thresholds.end(), [t](double threshold) { return t >= threshold; }));
  };
  std::vector<std::vector<Reach>> candidates;
  std::vector<double> best(truths.size(), 0);
  for (const Segment& anchor : anchors) {
    std::vector<Reach> reaches;
    for (std::size_t g = 0; g < truths.size(); ++g) {
      const double t = tiou(anchor, truths[g]);
      best[g] = std::max(best[g], t);
      if (const auto levels = t > 0 ? levels_of(t) : 0) reaches.push_back({static_cast<std::uint32_t>(g), levels});
    }
    if (!reaches.empty()) candidates.push_back(std::move(reaches));
  }

  std::vector<std::uint64_t> each;  // what each truth's own best anchor reaches, most first
  for (const double t : best) {
    for (std::size_t i = 0; i < thresholds.size(); ++i) counts.reached[i] += t > 0 && t >= thresholds[i];
    each.push_back(t > 0 ? levels_of(t) : 0);
  }
  std::sort(each.begin(), each.end(), std::greater<>());
  const auto greedy = greedy_choice(candidates, truths.size());
  for (std::size_t i = 0; i < budgets.size(); ++i) {
    std::uint64_t own = 0;
    for (std::size_t g = 0; g < std::min<std::size_t>(budgets[i], each.size()); ++g) own += each[g];
    counts.reached_at[i] += std::max(own, greedy[std::min<std::size_t>(budgets[i], greedy.size() - 1)]);
  }
}

void add_ceiling(CeilingCounts& counts, const CeilingCounts& other) {
  counts.reached.resize(other.reached.size());
  counts.reached_at.resize(other.reached_at.size());
  counts.videos += other.videos, counts.truths += other.truths, counts.anchors += other.anchors;
  for (std::size_t i = 0; i < other.reached.size(); ++i) counts.reached[i] += other.reached[i];
  for (std::size_t i = 0; i < other.reached_at.size(); ++i) counts.reached_at[i] += other.reached_at[i];
}

}  // namespace tal
