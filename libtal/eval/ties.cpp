#include "libtal/eval/ties.h"

#include <algorithm>
#include <map>
#include <numeric>

#include "libtal/eval/parallel.h"

namespace tal::eval {
namespace {

// Calls body(begin, end) for each run of equal scores.
template <class Body>
void for_groups(const Dataset& data, const std::vector<Ranked>& ranked, Body&& body) {
  const auto score = [&](std::size_t i) { return data.predictions[ranked[i].prediction].score; };
  for (std::size_t begin = 0, end = 0; begin < ranked.size(); begin = end) {
    while (end < ranked.size() && score(end) == score(begin)) ++end;
    body(begin, end);
  }
}

constexpr std::size_t kAllOrders = 6;  // competitors whose orders are all tried

// Equal detections of one video that compete for the same free instances, with these in the order each would take them.
struct Competitors {
  std::vector<std::vector<std::uint32_t>> wants;

  bool one_instance() const {
    return std::all_of(wants.begin(), wants.end(), [&](const auto& w) { return w.size() == 1 && w[0] == wants[0][0]; });
  }
};

// What an order of competitors comes to: after each true positive, how many false ones follow before the next.
struct Outcome {
  std::vector<std::size_t> misses;   // one entry a true positive
  std::vector<std::uint32_t> taken;  // instances
  std::size_t hits() const { return misses.size(); }
};

Outcome play(const Competitors& c, const std::vector<std::size_t>& order) {
  Outcome out;
  for (const auto i : order) {
    const auto free = std::find_if(c.wants[i].begin(), c.wants[i].end(), [&](auto g) {
      return std::find(out.taken.begin(), out.taken.end(), g) == out.taken.end();
    });
    if (free == c.wants[i].end()) ++out.misses.back();  // all it wants is taken, so that there was a true positive
    else out.taken.push_back(*free), out.misses.push_back(0);
  }
  return out;
}

std::vector<std::uint32_t> sorted(std::vector<std::uint32_t> values) {
  std::sort(values.begin(), values.end());
  return values;
}

// The order of most (fewest) true positives.
Outcome resolve(const Competitors& c, bool highest, bool& exact) {
  std::vector<std::size_t> order(c.wants.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  Outcome chosen = play(c, order);
  if (c.wants.size() == 1 || c.one_instance()) return chosen;
  if (c.wants.size() > kAllOrders) {
    exact = false;
    return chosen;
  }
  const auto taken = sorted(chosen.taken);
  bool same = true;
  while (std::next_permutation(order.begin(), order.end())) {
    Outcome other = play(c, order);
    same = same && sorted(other.taken) == taken;
    const bool better = highest ? other.hits() > chosen.hits() : other.hits() < chosen.hits();
    if (better) chosen = std::move(other);
  }
  const bool has_misses = chosen.hits() < c.wants.size();
  if (!same || (!highest && chosen.hits() > 1 && has_misses)) exact = false;
  return chosen;
}

// The extreme AP of one class at one threshold when detections are matched by rank.
class ExtremeByRank {
 public:
  ExtremeByRank(const Evaluated& run, const Matching& rules, std::size_t cls, double threshold)
      : s_(*run.selection),
        data_(*s_.data),
        ranked_(run.matched.classes[cls]),
        rules_(rules),
        cls_(cls),
        threshold_(threshold) {}

  double area(bool highest, bool& exact) {
    taken_.assign(data_.truths.size(), false);
    PrecisionCurve curve(worth_of(s_, rules_.normalised, cls_));
    for_groups(data_, ranked_,
               [&](std::size_t begin, std::size_t end) { add_group(begin, end, highest, exact, curve); });
    return curve.area(static_cast<double>(s_.class_instances[cls_]), rules_.envelope);
  }

 private:
  // Free instances that detection `entry` may take, in its order.
  std::vector<std::uint32_t> wants(const Ranked& entry) const {
    std::vector<std::pair<double, std::uint32_t>> near;
    const Video& video = data_.videos[entry.video];
    for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
      if (s_.truth_class[g] != static_cast<std::int32_t>(cls_) || taken_[g]) continue;
      const double overlap = kit_tiou(data_.truths[g].segment, data_.predictions[entry.prediction].segment);
      if (reaches(overlap, threshold_, rules_.strict))
        near.emplace_back(overlap != overlap ? 2 : overlap, g);  // NaN first
    }
    std::sort(near.rbegin(), near.rend());  // of equals the one listed last, as in match()
    std::vector<std::uint32_t> out;
    for (const auto& item : near) out.push_back(item.second);
    return out;
  }

  // The detections of a tied group that can still find something, as groups of competitors.
  std::vector<Competitors> competitors(std::size_t begin, std::size_t end, std::size_t& hopeless) const {
    std::vector<Competitors> out;
    std::map<std::uint32_t, std::size_t> of_instance;  // instance -> index in out
    for (std::size_t i = begin; i < end; ++i) {
      auto list = wants(ranked_[i]);
      if (list.empty()) {
        ++hopeless;
        continue;
      }
      std::size_t home = out.size();
      for (const auto g : list)
        if (const auto known = of_instance.find(g); known != of_instance.end()) home = std::min(home, known->second);
      if (home == out.size()) out.emplace_back();
      for (const auto g : list) {
        const auto [known, added] = of_instance.emplace(g, home);
        if (!added && known->second != home) merge(out, of_instance, known->second, home);
      }
      out[home].wants.push_back(std::move(list));
    }
    std::erase_if(out, [](const Competitors& c) { return c.wants.empty(); });
    return out;
  }
  static void merge(std::vector<Competitors>& all, std::map<std::uint32_t, std::size_t>& of_instance, std::size_t from,
                    std::size_t to) {
    for (auto& list : all[from].wants) all[to].wants.push_back(std::move(list));
    all[from].wants.clear();
    for (auto& [instance, home] : of_instance)
      if (home == from) home = to;
  }

  void add_group(std::size_t begin, std::size_t end, bool highest, bool& exact, PrecisionCurve& curve) {
    if (end - begin == 1) {
      const auto list = wants(ranked_[begin]);
      if (list.empty()) curve.miss();
      else taken_[list.front()] = true, curve.hit();
      return;
    }
    std::size_t hopeless = 0, hits = 0;
    std::vector<std::size_t> misses;
    for (const auto& c : competitors(begin, end, hopeless)) {
      Outcome outcome = resolve(c, highest, exact);
      hits += outcome.hits();
      misses.insert(misses.end(), outcome.misses.begin(), outcome.misses.end());
      for (const auto g : outcome.taken) taken_[g] = true;
    }
    if (highest) {
      for (std::size_t i = 0; i < hits; ++i) curve.hit();
      curve.miss(static_cast<double>(end - begin - hits));
      return;
    }
    curve.miss(static_cast<double>(hopeless));
    std::sort(misses.rbegin(), misses.rend());
    for (const auto after : misses) curve.hit(), curve.miss(static_cast<double>(after));
  }

  const Selection& s_;
  const Dataset& data_;
  const std::vector<Ranked>& ranked_;
  const Matching& rules_;
  std::size_t cls_;
  double threshold_;
  std::vector<bool> taken_;  // by index in Dataset::truths
};

// The extreme AP of one class at one threshold when the matching does not depend on the order.
double extreme_by_truth(const Evaluated& run, const Matched& m, std::size_t cls, std::size_t threshold, bool highest) {
  const Mask bit = Mask(1) << threshold;
  PrecisionCurve curve(worth_of(*run.selection, m.normalised, cls));
  for_groups(*run.selection->data, m.classes[cls], [&](std::size_t begin, std::size_t end) {
    std::size_t hits = 0, misses = 0;
    for (std::size_t i = begin; i < end; ++i)
      if (!(m.classes[cls][i].ignored & bit)) ((m.classes[cls][i].hit & bit) ? hits : misses) += 1;
    if (!highest) curve.miss(static_cast<double>(misses));
    for (std::size_t i = 0; i < hits; ++i) curve.hit();
    if (highest) curve.miss(static_cast<double>(misses));
  });
  return curve.area(static_cast<double>(run.selection->class_instances[cls]), m.envelope);
}

bool has_ties(const Dataset& data, const std::vector<Ranked>& ranked) {
  bool any = false;
  for_groups(data, ranked, [&](std::size_t begin, std::size_t end) { any = any || end - begin > 1; });
  return any;
}

// Extremes of one class at every threshold.
struct ClassRange {
  std::vector<double> lowest, highest;
  bool exact = true;
};

ClassRange class_range(const Evaluated& run, const Matching& rules, const Matched& reversed, std::size_t cls) {
  ClassRange range;
  const Matched& m = run.matched;
  const bool tied = has_ties(*run.selection->data, m.classes[cls]);
  for (std::size_t t = 0; t < m.tiou.size(); ++t) {
    if (!tied) {
      range.lowest.push_back(run.detection.ap[cls][t]), range.highest.push_back(range.lowest.back());
    } else if (rules.by_truth) {
      // Equal overlaps go to the first in rank; both orders are looked at.
      const double low[] = {extreme_by_truth(run, m, cls, t, false), extreme_by_truth(run, reversed, cls, t, false)};
      const double high[] = {extreme_by_truth(run, m, cls, t, true), extreme_by_truth(run, reversed, cls, t, true)};
      range.exact = range.exact && low[0] == low[1] && high[0] == high[1];
      range.lowest.push_back(std::min(low[0], low[1])), range.highest.push_back(std::max(high[0], high[1]));
    } else {
      ExtremeByRank extreme(run, rules, cls, m.tiou[t]);
      const double low = extreme.area(false, range.exact), high = extreme.area(true, range.exact);
      range.lowest.push_back(std::min(low, run.detection.ap[cls][t]));
      range.highest.push_back(std::max(high, run.detection.ap[cls][t]));
    }
  }
  return range;
}

TieRange detection_range(const Evaluated& run, const Protocol& p, int jobs) {
  const std::size_t count = p.tiou.size(), classes = run.matched.classes.size();
  Matched reversed;
  if (p.matching.by_truth)
    reversed =
        match(*run.selection, p.tiou, p.matching, p.ties == Ties::kReversed ? Ties::kInput : Ties::kReversed, jobs);
  std::vector<ClassRange> ranges(classes);
  parallel_for(classes, jobs, 1,
               [&] { return [&](std::size_t cls) { ranges[cls] = class_range(run, p.matching, reversed, cls); }; });
  TieRange out;
  out.map_lowest.assign(count, 0), out.map_highest.assign(count, 0);
  for (const auto& range : ranges) {
    out.exact = out.exact && range.exact;
    for (std::size_t t = 0; t < count; ++t)
      out.map_lowest[t] += range.lowest[t], out.map_highest[t] += range.highest[t];
  }
  for (std::size_t t = 0; t < count; ++t) {
    out.map_lowest[t] /= static_cast<double>(classes), out.map_highest[t] /= static_cast<double>(classes);
    out.lowest += out.map_lowest[t], out.highest += out.map_highest[t];
  }
  out.lowest /= static_cast<double>(count), out.highest /= static_cast<double>(count);
  return out;
}

TieRange proposal_range(const Evaluated& run, const Protocol& p, int jobs) {
  const auto extreme = [&](TieOrder order) {
    ProposalRules rules = rules_of(p, jobs);
    rules.ties = order;
    return score_of(curve_of(match_proposals(*run.selection, p.tiou, rules), p), p);
  };
  return {extreme(TieOrder::kLatest), extreme(TieOrder::kEarliest), {}, {}, run.proposal.tied == 0};
}

}  // namespace

TieRange tie_range(const Evaluated& run, const Protocol& p, int jobs) {
  return p.proposals ? proposal_range(run, p, jobs) : detection_range(run, p, jobs);
}

}  // namespace tal::eval
