#include "libtal/segment/action_stages.h"

#include <algorithm>
#include <cmath>
#include <queue>

#include "libtal/base/error.h"

namespace tal {
namespace {

// The order of the stages falls back: the next action begins.
bool next_action(std::uint8_t before, std::uint8_t after) {
  return before >= kConfirm && (after == kReady || after == kStart);
}

bool inside_action(std::uint8_t stage) { return stage == kStart || stage == kConfirm || stage == kEnd; }

// What an instance says of the snippet with this centre.
std::uint8_t stage_at(const Segment& instance, double centre) {
  const double d = instance.length();
  if (centre < instance.start - d / 2 || centre >= instance.end + d / 2) return kBackground;
  if (centre < instance.start) return kReady;
  if (centre >= instance.end) return kFollow;
  if (centre < instance.start + d / 3) return kStart;
  return centre < instance.end - d / 3 ? kConfirm : kEnd;
}

// Strength of a claim on a snippet; the smaller one wins.
struct Claim {
  int outside = 2;  // 0: from inside the action, 1: Ready or Follow, 2: none
  double distance = 0, start = 0;
  bool operator<(const Claim& other) const {
    if (outside != other.outside) return outside < other.outside;
    if (distance != other.distance) return distance < other.distance;
    return start < other.start;
  }
};

// One run of a decoded sequence, prepared for pairing. Positions are snippets of the whole sequence.
class Run {
 public:
  Run(std::span<const std::uint8_t> stages, const RowRange& run, double decay) : decay_(decay) {
    find_ends(stages, run);
    next_proof_.resize(openings_.size());
    std::int64_t proof = run.end, o = static_cast<std::int64_t>(openings_.size()) - 1;
    for (std::int64_t t = run.end - 1; t >= run.first; --t) {
      if (const auto s = at(stages, t); s == kStart || s == kConfirm || s == kFollow) proof = t;
      if (o >= 0 && openings_[static_cast<std::size_t>(o)] == t) next_proof_[static_cast<std::size_t>(o--)] = proof;
    }
  }

  void all_pairs(std::vector<ActionCandidate>& out) const {
    for (std::size_t o = 0; o < openings_.size(); ++o)
      for (auto c = first_closing(o); c < closings_.size(); ++c) out.push_back(pair(o, c));
  }

  // Best first: each opening offers its best closing that is not taken yet.
  void best_pairs(std::int64_t cap, std::vector<ActionCandidate>& out) const {
    const auto worse = [](const Offer& a, const Offer& b) {
      if (a.best.preset != b.best.preset) return a.best.preset < b.best.preset;
      return a.best.first != b.best.first ? a.best.first > b.best.first : a.best.end > b.best.end;
    };
    std::vector<Offer> offers;
    for (std::size_t o = 0; o < openings_.size(); ++o)
      if (Offer offer = open(o); advance(offer)) offers.push_back(offer);
    std::priority_queue<Offer, std::vector<Offer>, decltype(worse)> queue(worse, std::move(offers));
    const std::size_t from = out.size();
    for (; cap > 0 && !queue.empty(); --cap) {
      Offer offer = queue.top();
      queue.pop();
      out.push_back(offer.best);
      if (advance(offer)) queue.push(offer);
    }
    std::sort(out.begin() + static_cast<std::ptrdiff_t>(from), out.end(),
              [](const ActionCandidate& a, const ActionCandidate& b) {
                return a.first != b.first ? a.first < b.first : a.end < b.end;
              });
  }

 private:
  // The closings of one opening in falling order of preset: untaken ones are [low, left] and [right, end), those next
  // to the last End first. Once a side's factor is 0 all that is left there is 0, and it goes by position.
  struct Offer {
    ActionCandidate best;
    std::size_t opening = 0, low = 0, left = 0, right = 0;  // left: one past the last untaken
  };

  static std::uint8_t at(std::span<const std::uint8_t> stages, std::int64_t t) {
    return stages[static_cast<std::size_t>(t)];
  }

  void find_ends(std::span<const std::uint8_t> stages, const RowRange& run) {
    for (std::int64_t t = run.first; t < run.end; ++t) {
      const auto stage = at(stages, t);
      if (stage == kConfirm) {
        std::int64_t stop = t;
        while (stop < run.end && at(stages, stop) == kConfirm) ++stop;
        const std::int64_t half = t + (stop - t + 1) / 2;
        for (; t < half; ++t) openings_.push_back(t);
        for (; t < stop; ++t) closings_.push_back(t);
        --t;
        continue;
      }
      (stage == kReady || stage == kStart ? openings_ : closings_).push_back(t);
      if (stage == kStart && first_start_ < 0) first_start_ = t;
      if (stage == kEnd) last_end_ = t;
    }
  }

  double factor(std::int64_t t, std::int64_t reference) const {
    return reference < 0 ? 1.0 : std::max(0.0, 1.0 - decay_ * static_cast<double>(std::abs(t - reference)));
  }
  double start_factor(std::size_t o) const { return factor(openings_[o], first_start_); }
  double end_factor(std::size_t c) const { return factor(closings_[c], last_end_); }
  ActionCandidate pair(std::size_t o, std::size_t c) const {
    return {openings_[o], closings_[c] + 1, start_factor(o) * end_factor(c)};
  }

  // Closings must lie behind the opening, and at or behind the first snippet that makes the pair a candidate.
  std::size_t first_closing(std::size_t o) const {
    return static_cast<std::size_t>(
        std::lower_bound(closings_.begin(), closings_.end(), std::max(openings_[o] + 1, next_proof_[o])) -
        closings_.begin());
  }

  Offer open(std::size_t o) const {
    Offer offer;
    offer.opening = o, offer.low = first_closing(o);
    // All presets alike: by position alone, as one right side.
    const bool flat = decay_ == 0 || last_end_ < 0 || start_factor(o) == 0;
    const auto centre = flat ? offer.low
                             : static_cast<std::size_t>(
                                   std::upper_bound(closings_.begin(), closings_.end(), last_end_) - closings_.begin());
    offer.left = offer.right = std::max(offer.low, centre);
    return offer;
  }

  bool advance(Offer& offer) const {
    const bool has_left = offer.left > offer.low, has_right = offer.right < closings_.size();
    if (!has_left && !has_right) return false;
    const double left = has_left ? end_factor(offer.left - 1) : -1, right = has_right ? end_factor(offer.right) : -1;
    std::size_t chosen;
    if (left < right) chosen = offer.right++;
    else if (left > 0) chosen = --offer.left;
    else chosen = offer.low++;
    offer.best = pair(offer.opening, chosen);
    return true;
  }

  double decay_;
  std::int64_t first_start_ = -1, last_end_ = -1;
  std::vector<std::int64_t> openings_, closings_, next_proof_;
};

}  // namespace

std::vector<std::uint8_t> action_stage_labels(const std::vector<Segment>& instances, std::int64_t snippets) {
  std::vector<std::uint8_t> labels(static_cast<std::size_t>(snippets), kBackground);
  std::vector<Claim> claims(static_cast<std::size_t>(snippets));
  for (const auto& instance : instances) {
    const double d = instance.length(), middle = (instance.start + instance.end) / 2;
    if (!(d > 0)) continue;
    // One snippet more on each side: the exact half-open bounds are stage_at's.
    const double last = static_cast<double>(snippets);
    const auto from = static_cast<std::int64_t>(std::floor(std::clamp(instance.start - d / 2 - 1.5, 0.0, last)));
    const auto to = static_cast<std::int64_t>(std::ceil(std::clamp(instance.end + d / 2 + 1.5, 0.0, last)));
    for (std::int64_t t = from; t < to; ++t) {
      const double centre = static_cast<double>(t) + 0.5;
      const auto stage = stage_at(instance, centre);
      if (stage == kBackground) continue;
      const Claim claim{inside_action(stage) ? 0 : 1, std::fabs(middle - centre), instance.start};
      auto& standing = claims[static_cast<std::size_t>(t)];
      if (claim < standing) standing = claim, labels[static_cast<std::size_t>(t)] = stage;
    }
  }
  return labels;
}

ActionStageMargins action_stage_margins(MarginForm form, double m, double n) {
  static constexpr int kValues[kActionStages][2] = {{0, 8}, {1, 9}, {3, 11}, {4, 12}, {5, 13}, {7, 15}};  // Fig. 4
  ActionStageMargins margins{};
  for (std::size_t j = 0; j < kActionStages; ++j)
    for (std::size_t i = 0; i < kActionStages; ++i) {
      if (i == j) continue;
      int nearest = std::abs(kValues[j][0] - kValues[i][0]);
      for (const int a : kValues[j])
        for (const int b : kValues[i]) nearest = std::min(nearest, std::abs(a - b));
      margins[j][i] = (form == MarginForm::kWorked ? nearest - 1 : nearest) * m + n;
    }
  return margins;
}

std::vector<RowRange> action_runs(std::span<const std::uint8_t> stages, RunEnd ends) {
  std::vector<RowRange> runs;
  std::uint8_t before = kBackground;
  for (std::int64_t t = 0; t < static_cast<std::int64_t>(stages.size()); ++t) {
    const auto stage = stages[static_cast<std::size_t>(t)];
    if (stage != kBackground) {
      if (before == kBackground || (ends == RunEnd::kOrder && next_action(before, stage))) runs.push_back({t, t});
      runs.back().end = t + 1;
    }
    before = stage;
  }
  return runs;
}

std::vector<ActionCandidate> action_candidates(std::span<const std::uint8_t> stages, double decay, std::int64_t cap,
                                               RunEnd ends) {
  if (!(decay == 0 || (decay >= 1e-9 && decay <= 1)))
    throw Error("the decay rate of preset scores must be 0 or 1e-9 to 1");
  for (const auto stage : stages)
    if (stage >= kActionStages)
      throw Error("stage " + std::to_string(stage) + ": there are " + std::to_string(kActionStages));
  std::vector<ActionCandidate> candidates;
  for (const auto& extent : action_runs(stages, ends)) {
    const Run run(stages, extent, decay);
    if (cap > 0) run.best_pairs(cap, candidates);
    else run.all_pairs(candidates);
  }
  return candidates;
}

}  // namespace tal
