// The suppression rules as plain double loops: what the fast forms must equal bit for bit, and the baseline of the
// bench. The soft rules are for scores from 0 on, which only fall.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "libtal/base/segment.h"
#include "libtal/segment/suppress.h"

namespace tal::reference {

struct Item {
  Segment segment;
  double score;
  bool done = false;
};

// One group. Returns (index, score) in the order taken.
inline std::vector<std::pair<std::size_t, double>> suppress(std::vector<Item> items, double duration,
                                                            const SuppressOptions& o) {
  std::vector<std::pair<std::size_t, double>> kept;
  const bool reversed = o.ties == "reversed";
  while (o.stop <= 0 || static_cast<long long>(kept.size()) < o.stop) {
    std::size_t best = items.size();
    for (std::size_t i = 0; i < items.size(); ++i)
      if (!items[i].done && (best == items.size() || items[i].score > items[best].score ||
                             (reversed && items[i].score == items[best].score)))
        best = i;
    if (best == items.size() || items[best].score < o.min_score) break;
    items[best].done = true;
    kept.emplace_back(best, items[best].score);
    const Segment taken = items[best].segment;
    const double bound = o.low + (o.high - o.low) * (taken.length() / duration);
    for (auto& item : items) {
      if (item.done) continue;
      const double t = tiou(taken, item.segment);
      if (o.method == "greedy") item.done = o.inclusive ? t >= o.threshold : t > o.threshold;
      else if (o.method == "gaussian") item.score *= std::exp(-(t * t) / o.sigma);
      else if (o.method == "linear") item.score *= t >= o.threshold ? 1 - t : 1;
      else if (t > bound) item.score *= std::exp(-(t * t) / o.alpha);
    }
  }
  return kept;
}

}  // namespace tal::reference
