#include "libtal/segment/suppress.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <limits>
#include <numeric>
#include <unordered_map>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/score_check.h"
#include "libtal/segment/suppress_rule.h"

namespace tal {
namespace {

constexpr double kGone = -std::numeric_limits<double>::infinity();

// Where a segment starts that can have tIoU >= least with `own`: an offset d takes d from the intersection and nothing
// from the union, so d <= (1 - least) * (length of the earlier one), and neither is longer than the other divided by
// `least`.
Segment starts_near(const Segment& own, double longest, double least) {
  const double length = own.length(), other = least > 0 ? std::min(longest, length / least) : longest;
  const double slack = 1e-9 * (std::fabs(own.start) + std::fabs(own.end) + longest);  // far above rounding
  return {own.start - (1 - least) * other - slack, own.start + (1 - least) * length + slack};
}

// Equal buckets over the starts of a group's segments.
struct Buckets {
  double origin = 0, scale = 0, longest = 0, last = 0;

  // per_mean: buckets in a mean length, but no more of them than segments / 8.
  Buckets(const std::vector<Segment>& segments, double per_mean) {
    double lowest = std::numeric_limits<double>::max(), highest = -lowest, total = 0;
    for (const auto& s : segments) {
      lowest = std::min(lowest, s.start), highest = std::max(highest, s.start);
      longest = std::max(longest, s.length()), total += s.length();
    }
    const double n = static_cast<double>(segments.size()), wanted = per_mean * n * (highest - lowest) / total;
    last = std::floor(wanted < n / 8 ? wanted : n / 8);  // also when there is no length at all
    origin = lowest;
    scale = highest > lowest ? last / (highest - lowest) : 0;
    if (!std::isfinite(scale)) scale = 0;  // starts that differ by less than a double can divide: one bucket
  }
  std::size_t size() const { return static_cast<std::size_t>(last) + 1; }
  std::uint32_t operator()(double start) const {
    const double at = (start - origin) * scale;
    return static_cast<std::uint32_t>(at <= 0 ? 0 : at >= last ? last : at);
  }
};

// Segments of one group in the order of their buckets (a counting sort, O(n)). A slot is a position in that order.
struct Index {
  Buckets bucket;
  std::vector<double> start, end;    // by slot
  std::vector<std::uint32_t> input;  // slot -> position in the group
  std::vector<std::uint32_t> first;  // bucket -> first slot, one more at the end

  explicit Index(const std::vector<Segment>& segments) : bucket(segments, 1e9) {
    const std::size_t n = segments.size();
    first.assign(bucket.size() + 1, 0);
    std::vector<std::uint32_t> of(n);
    for (std::size_t i = 0; i < n; ++i) ++first[(of[i] = bucket(segments[i].start)) + 1];
    std::partial_sum(first.begin(), first.end(), first.begin());
    std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
    start.resize(n), end.resize(n), input.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t slot = next[of[i]]++;
      start[slot] = segments[i].start, end[slot] = segments[i].end, input[slot] = static_cast<std::uint32_t>(i);
    }
  }
  // Slots of all segments that can have tIoU >= least with `own` (and some that have not): [begin, end).
  std::pair<std::uint32_t, std::uint32_t> reach(const Segment& own, double least = 0) const {
    const Segment near = starts_near(own, bucket.longest, least);
    return {first[bucket(near.start)], first[bucket(near.end) + 1]};
  }
};

double overlap(double s1, double e1, double s2, double e2) {
  const double inter = std::max(0.0, std::min(e1, e2) - std::max(s1, s2));
  const double both = (e1 - s1) + (e2 - s2) - inter;
  return both > 0 ? inter / both : 0.0;
}

// The highest of many scores while they change: maxima of blocks, looked up again only when a block that leads has lost
// its maximum.
class Leader {
 public:
  // rank: which of equal scores comes first, the lower. Scores only fall.
  Leader(std::vector<double>& score, const std::vector<std::uint32_t>& rank) : score_(score), rank_(rank) {
    // About sqrt(n / 2): finding the leading block costs as much as looking into it.
    while (size_ * size_ * 2 < score.size()) size_ *= 2;
    blocks_.resize((score.size() + size_ - 1) / size_);
    for (std::size_t i = 0; i < blocks_.size(); ++i) refresh(i);
  }
  // Slot of the highest score; its score is kGone when none is left.
  std::uint32_t best() {
    while (true) {
      const Block* lead = &blocks_[0];
      for (const Block& block : blocks_)
        if (block.score > lead->score || (block.score == lead->score && before(block, *lead))) lead = &block;
      if (!lead->stale) return lead->slot;
      refresh(static_cast<std::size_t>(lead - blocks_.data()));
    }
  }
  // The scores of slots [begin, end) have changed.
  void changed(std::uint32_t begin, std::uint32_t end) {
    for (std::size_t i = begin / size_; i * size_ < end; ++i) {
      Block& block = blocks_[i];
      if (score_[block.slot] != block.score) block.stale = true;  // the old maximum is an upper bound still
    }
  }

 private:
  struct Block {
    double score = kGone;
    std::uint32_t slot = 0;
    bool stale = false;
  };
  // Among equals a stale block goes first: it may hold an equal score of a lower rank.
  bool before(const Block& a, const Block& b) const {
    return a.stale != b.stale ? a.stale : rank_[a.slot] < rank_[b.slot];
  }
  void refresh(std::size_t i) {
    const std::size_t begin = i * size_, end = std::min(score_.size(), begin + size_);
    std::size_t slot = begin;
    for (std::size_t k = begin + 1; k < end; ++k)
      if (score_[k] > score_[slot] || (score_[k] == score_[slot] && rank_[k] < rank_[slot])) slot = k;
    blocks_[i] = {score_[slot], static_cast<std::uint32_t>(slot), false};
  }
  std::vector<double>& score_;
  const std::vector<std::uint32_t>& rank_;
  std::size_t size_ = 8;
  std::vector<Block> blocks_;
};

struct Kept {
  std::uint32_t index;  // in the group
  double score;
};

// What of a group is kept at most: `stop` segments; of the final result `top` segments with scores from `least` on.
struct Bounds {
  std::size_t stop, top;
  double least;
};
std::size_t count_or_all(long long count) {
  return count > 0 ? static_cast<std::size_t>(count) : std::numeric_limits<std::size_t>::max();
}

// Soft suppression. limit(length), evaluated once for each kept segment: the tIoU from which decay(score, tiou, limit)
// has an effect.
template <class Limit, class Decay>
std::vector<Kept> soft(const std::vector<Segment>& segments, const std::vector<double>& scores, bool reversed,
                       const Bounds& bounds, Limit limit, Decay decay) {
  const std::size_t n = segments.size();
  const Index index(segments);
  std::vector<double> score(n);
  std::vector<std::uint32_t> rank(n), hits(n);
  for (std::size_t slot = 0; slot < n; ++slot) {
    score[slot] = scores[index.input[slot]];
    rank[slot] = reversed ? static_cast<std::uint32_t>(n) - 1 - index.input[slot] : index.input[slot];
  }
  Leader leader(score, rank);
  const std::size_t most = std::min(bounds.stop, bounds.top);
  std::vector<Kept> kept;
  while (kept.size() < most) {
    const std::uint32_t slot = leader.best();
    // The plain loop ends here too.
    if (score[slot] == kGone || score[slot] < bounds.least) break;
    kept.push_back({index.input[slot], score[slot]});
    score[slot] = kGone;
    const Segment own{index.start[slot], index.end[slot]};
    const double bound = limit(own.length());
    const auto [begin, end] = index.reach(own, std::clamp(bound, 0.0, 1.0));
    std::size_t count = 0;  // collected without branches, which would be mispredicted
    for (std::uint32_t i = begin; i < end; ++i) {
      hits[count] = i;
      count += (index.start[i] < own.end) & (index.end[i] > own.start) & (score[i] != kGone);
    }
    for (std::size_t k = 0; k < count; ++k) {
      const std::uint32_t i = hits[k];
      decay(score[i], overlap(own.start, own.end, index.start[i], index.end[i]), bound);
    }
    leader.changed(begin, end);
    leader.changed(slot, slot + 1);
  }
  return kept;
}

// Positions by falling score; equal scores in input (or reversed input) order. A stable radix sort, byte by byte from
// the lowest: comparing random scores is mostly waiting for mispredicted branches.
std::vector<std::uint32_t> ranking(const std::vector<double>& scores, bool reversed) {
  struct Item {
    std::uint64_t key;  // ascending keys = falling scores
    std::uint32_t index;
  };
  constexpr std::size_t kBytes = 8;
  const std::size_t n = scores.size();
  std::vector<Item> items(n), sorted(n);
  std::array<std::array<std::uint32_t, 256>, kBytes> count{};
  for (std::size_t i = 0; i < n; ++i) {
    const std::size_t input = reversed ? n - 1 - i : i;
    const auto bits = std::bit_cast<std::uint64_t>(scores[input] + 0.0);  // -0 counts as 0
    const std::uint64_t key = bits >> 63 ? bits : ~(bits | 1ull << 63);
    items[i] = {key, static_cast<std::uint32_t>(input)};
    for (std::size_t byte = 0; byte < kBytes; ++byte) ++count[byte][key >> 8 * byte & 255];
  }
  for (std::size_t byte = 0; byte < kBytes; ++byte) {
    auto& place = count[byte];
    if (n == 0 || place[items[0].key >> 8 * byte & 255] == n) continue;  // the same in all
    std::exclusive_scan(place.begin(), place.end(), place.begin(), 0u);
    for (const Item& item : items) sorted[place[item.key >> 8 * byte & 255]++] = item;
    items.swap(sorted);
  }
  std::vector<std::uint32_t> order(n);
  for (std::size_t i = 0; i < n; ++i) order[i] = items[i].index;
  return order;
}

// Whether a tIoU reaches a threshold: as the division decides it, which only close cases need.
class Threshold {
 public:
  Threshold(double value, bool inclusive) : value_(value), inclusive_(inclusive) {}
  double value() const { return value_; }
  // False only when reached() is.
  bool may_reach(const Segment& own, double start, double end) const {
    const double inter = std::min(own.end, end) - std::max(own.start, start);
    return (inter > 0) & (inter * (1 + 1e-9) >= value_ * ((own.end - own.start) + (end - start) - inter));
  }
  bool reached(const Segment& own, double start, double end) const {
    const double t = overlap(start, end, own.start, own.end);
    return inclusive_ ? t >= value_ : t > value_;
  }

 private:
  double value_;
  bool inclusive_;
};

// The segments kept so far, side by side in the buckets of their starts.
class KeptSegments {
 public:
  KeptSegments(const std::vector<Segment>& all, Threshold threshold)
      : threshold_(threshold), bucket_(all, 2), begin_(bucket_.size() + 1), start_(all.size()), end_(all.size()) {
    for (const auto& s : all) ++begin_[bucket_(s.start) + 1];
    std::partial_sum(begin_.begin(), begin_.end(), begin_.begin());
    filled_.assign(begin_.begin(), begin_.end() - 1);
  }
  bool suppress(const Segment& s) const {
    const Segment near = starts_near(s, bucket_.longest, threshold_.value());
    const std::uint32_t last = bucket_(near.end);
    for (std::uint32_t b = bucket_(near.start); b <= last; ++b) {
      bool may = false;  // without branches in the loop
      for (std::uint32_t k = begin_[b]; k < filled_[b]; ++k) may |= threshold_.may_reach(s, start_[k], end_[k]);
      if (!may) continue;
      for (std::uint32_t k = begin_[b]; k < filled_[b]; ++k)
        if (threshold_.reached(s, start_[k], end_[k])) return true;
    }
    return false;
  }
  void add(const Segment& s) {
    const std::uint32_t k = filled_[bucket_(s.start)]++;
    start_[k] = s.start, end_[k] = s.end;
  }

 private:
  Threshold threshold_;
  Buckets bucket_;
  std::vector<std::uint32_t> begin_, filled_;  // by bucket
  std::vector<double> start_, end_;
};

std::vector<Kept> greedy(const std::vector<Segment>& segments, const std::vector<double>& scores, bool reversed,
                         double threshold, bool inclusive, const Bounds& bounds) {
  const std::size_t most = std::min(bounds.stop, bounds.top);
  const bool only_one = inclusive && threshold <= 0;  // every tIoU reaches it, 0 included
  KeptSegments taken(segments, Threshold(threshold, inclusive));
  std::vector<Kept> kept;
  for (const std::uint32_t i : ranking(scores, reversed)) {
    if (kept.size() >= most || scores[i] < bounds.least || (only_one && !kept.empty())) break;
    if (taken.suppress(segments[i])) continue;
    taken.add(segments[i]);
    kept.push_back({i, scores[i]});
  }
  return kept;
}

using Members = std::vector<std::uint32_t>;  // positions in the record

// Proposals with the same label belong together; groups in order of first appearance.
std::vector<Members> groups_of(const std::vector<Proposal>& proposals, const SuppressOptions& options) {
  std::vector<Members> groups;
  std::unordered_map<std::string_view, std::size_t> group_of;
  std::string_view last;
  std::size_t group = 0;
  const auto same = [](std::string_view a, std::string_view b) {  // most labels are shared or empty: no bytes to
                                                                  // compare
    return a.size() == b.size() && (a.data() == b.data() || a.empty() || a == b);
  };
  const std::string factors = needs_factors(options);
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    if (!takes_part(proposals[i], i, factors, options)) continue;
    const auto label = options.class_agnostic ? std::string_view() : proposals[i].label;
    if (groups.empty() || !same(label, last)) {  // labels come in runs
      group = group_of.emplace(label, groups.size()).first->second;
      if (group == groups.size()) groups.emplace_back();
      last = label;
    }
    groups[group].push_back(static_cast<std::uint32_t>(i));
  }
  return groups;
}

// The members with the highest scores, still in input order.
void keep_strongest(Members& members, const std::vector<Proposal>& proposals, std::size_t most, bool reversed) {
  if (members.size() <= most) return;
  std::vector<double> scores;
  for (const auto i : members) scores.push_back(proposals[i].score);
  auto order = ranking(scores, reversed);
  order.resize(most);
  std::sort(order.begin(), order.end());
  for (std::size_t k = 0; k < most; ++k) members[k] = members[order[k]];
  members.resize(most);
}

std::vector<Kept> apply_rule(const std::vector<Segment>& segments, const std::vector<double>& scores, double duration,
                             const SuppressOptions& o) {
  const bool reversed = o.ties == "reversed";
  const Bounds bounds{count_or_all(o.stop), count_or_all(o.top_k), o.min_score};
  if (o.method == "greedy") return greedy(segments, scores, reversed, o.threshold, o.inclusive, bounds);
  if (o.method == "gaussian")
    return soft(
        segments, scores, reversed, bounds, [](double) { return 0.0; },
        [sigma = o.sigma](double& score, double t, double) { score *= gaussian_factor(t, sigma); });
  if (o.method == "linear")  // threshold 0 decays what does not even touch, by a factor of 1: no change
    return soft(
        segments, scores, reversed, bounds, [&](double) { return o.threshold; },
        [](double& score, double t, double threshold) {
          if (t >= threshold) score *= linear_factor(t);
        });
  if (o.method == "bsn" || o.method == "rpn")
    return soft(
        segments, scores, reversed, bounds, [&](double length) { return decay_bound(length, duration, o); },
        [alpha = o.alpha](double& score, double t, double bound) {
          if (t > bound) score *= gaussian_factor(t, alpha);
        });
  throw UsageError("--method: unknown method '" + o.method + "'");
}

// Each kept segment becomes the weighted mean of all segments that overlap it enough.
std::vector<Segment> vote(const std::vector<Segment>& segments, const std::vector<double>& scores,
                          const std::vector<Kept>& kept, const SuppressOptions& options) {
  const Index index(segments);
  const double bound = *options.voting;
  std::vector<Segment> out;
  std::vector<std::uint32_t> voters;
  for (const auto& k : kept) {
    const Segment& own = segments[k.index];
    const auto [begin, end] = bound > 0 ? index.reach(own, bound)
                                        : std::pair(0u, static_cast<std::uint32_t>(segments.size()));  // from 0 on,
                                                                                                       // segments apart
                                                                                                       // vote too
    // Summed in input order, whatever the buckets are, so that the sums do not depend on the index.
    voters.clear();
    for (std::uint32_t i = begin; i < end; ++i)
      if (overlap(own.start, own.end, index.start[i], index.end[i]) >= bound) voters.push_back(index.input[i]);
    std::sort(voters.begin(), voters.end());
    VotedSegment voted;
    for (const auto i : voters)
      voted.add(segments[i],
                vote_weight(scores[i], overlap(own.start, own.end, segments[i].start, segments[i].end), options));
    out.push_back(voted.mean(own));
  }
  return out;
}

}  // namespace

std::string needs_factors(const SuppressOptions& options) {
  if (options.method != "greedy") return "the rule '" + options.method + "', which lowers scores by factors,";
  return options.voting ? "voting, which weighs segments by their scores," : "";
}

bool takes_part(const Proposal& proposal, std::size_t index, const std::string& factors,
                const SuppressOptions& options) {
  if (proposal.segment.length() < options.min_duration) return false;
  if (factors.empty() || !(proposal.score < 0)) return true;
  if (options.drop_negative && proposal.score < options.min_score) return false;  // scores only fall
  check_factor(proposal, index, factors);
  return true;
}

std::vector<Proposal> suppress(const std::vector<Proposal>& proposals, double duration,
                               const SuppressOptions& options) {
  const bool reversed = options.ties == "reversed";
  const bool windowed = options.method == "bsn" || options.method == "rpn";
  if (windowed && !(duration > 0))
    throw Error("missing; --method " + options.method + " needs the video's length in seconds").at_field("duration");

  if (options.clip && !(duration > 0))
    throw Error("missing; --clip needs the video's length in seconds").at_field("duration");

  struct Result {
    std::uint32_t input;
    double score;
    Segment segment;
  };
  std::vector<Result> results;
  std::vector<Segment> segments;
  std::vector<double> scores;
  for (auto& members : groups_of(proposals, options)) {
    if (options.pre_top_k > 0)
      keep_strongest(members, proposals, static_cast<std::size_t>(options.pre_top_k), reversed);
    segments.clear(), scores.clear();
    for (const auto i : members) segments.push_back(proposals[i].segment), scores.push_back(proposals[i].score);
    const auto kept = apply_rule(segments, scores, duration, options);
    const auto voted = options.voting ? vote(segments, scores, kept, options) : std::vector<Segment>();
    for (std::size_t k = 0; k < kept.size(); ++k)
      results.push_back({members[kept[k].index], kept[k].score, voted.empty() ? segments[kept[k].index] : voted[k]});
  }

  const auto before = [&](const Result& a, const Result& b) {
    if (a.score != b.score) return a.score > b.score;
    return reversed ? a.input > b.input : a.input < b.input;
  };
  // One group comes in order already.
  if (!std::is_sorted(results.begin(), results.end(), before)) std::sort(results.begin(), results.end(), before);
  if (options.top_k > 0 && results.size() > static_cast<std::size_t>(options.top_k))
    results.resize(static_cast<std::size_t>(options.top_k));
  std::vector<Proposal> out;
  out.reserve(results.size());
  for (const auto& result : results) {
    if (result.score < options.min_score) break;
    out.push_back(proposals[result.input]);
    out.back().score = result.score;
    out.back().segment = result.segment;
    if (!options.clip) continue;
    out.back().segment = {std::max(result.segment.start, 0.0), std::min(result.segment.end, duration)};
    if (!(out.back().segment.length() > 0)) out.pop_back();
  }
  return out;
}

SuppressOptions defaults_of(const std::string& method) {
  SuppressOptions options;
  options.method = method;
  options.min_score = -std::numeric_limits<double>::max();  // no bound: scores may be logits
  if (method == "gaussian") options.min_score = 0.001;
  if (method == "linear") options.threshold = 0.5;
  if (method == "bsn" || method == "rpn") options.stop = 100;
  if (method == "rpn") options.low = 0.8;
  return options;
}

namespace {

SuppressOptions rule_of(const std::string& method, void (*constants)(SuppressOptions&) = nullptr) {
  SuppressOptions rule = defaults_of(method);
  if (constants) constants(rule);
  return rule;
}

// Of the points detectors: per class, or one group with voting; cut to the video afterwards.
SuppressOptions points_rule(double sigma, long long top_k, std::optional<double> voting = {},
                            const std::string& weight = "score-iou") {
  SuppressOptions rule = defaults_of("gaussian");
  rule.sigma = sigma, rule.top_k = top_k, rule.voting = voting, rule.voting_weight = weight;
  rule.class_agnostic = voting.has_value(), rule.clip = true;
  return rule;
}

SuppressOptions tal_rule() {
  SuppressOptions rule = points_rule(0.5, 200);
  rule.voting = 0.85;
  return rule;
}

SuppressOptions adatad_rule() {  // its configuration names no least score
  SuppressOptions rule = points_rule(0.7, 2000);
  rule.min_score = 0;
  return rule;
}

}  // namespace

const std::vector<SuppressionPreset>& suppression_presets() {
  static const std::vector<SuppressionPreset> presets = {
      {"bsn", "BSN's Soft-NMS on ActivityNet", rule_of("bsn")},
      {"bmn", "BMN on ActivityNet: --alpha 0.4 --low 0.5",
       rule_of("bsn", [](SuppressOptions& o) { o.alpha = 0.4, o.low = 0.5, o.high = 0.9; })},
      {"rpn", "RPN on ActivityNet (Table 1)", rule_of("rpn")},
      {"rpn-thumos14", "RPN on THUMOS14 (Table 3): --low 0.55",
       rule_of("rpn", [](SuppressOptions& o) { o.low = 0.55; })},
      {"rpn-thumos14-2", "RPN of two multi-head attention units on THUMOS14 (Table 3, **): --low 0.65",
       rule_of("rpn", [](SuppressOptions& o) { o.low = 0.65; })},
      {"etp", "ETP: greedy", rule_of("greedy")},
      {"cmsn", "CMSN: gaussian", rule_of("gaussian")},
      {"sptad", "SP-TAD: gaussian", rule_of("gaussian")},
      {"actionformer", "ActionFormer and TemporalMaxer on THUMOS14: gaussian, 200 of a video", points_rule(0.5, 200)},
      {"actionformer-activitynet", "ActionFormer on ActivityNet: one group, --sigma 0.75 --voting 0.9, 100 of a video",
       points_rule(0.75, 100, 0.9)},
      {"actionformer-epic", "ActionFormer and TriDet on EPIC-Kitchens: --sigma 0.4, 2000 of a video",
       points_rule(0.4, 2000)},
      {"actionformer-ego4d", "ActionFormer on Ego4D: --sigma 0.9, 2000 of a video", points_rule(0.9, 2000)},
      {"tridet", "TriDet and DyFADet on THUMOS14: gaussian, 2000 of a video", points_rule(0.5, 2000)},
      {"tridet-activitynet",
       "TriDet and DyFADet on ActivityNet: one group, --sigma 0.7 --voting 0.95 --voting-weight score, 200 of a video",
       points_rule(0.7, 200, 0.95, "score")},
      {"tridet-hacs", "TriDet on HACS: --sigma 0.75, 250 of a video", points_rule(0.75, 250)},
      {"dyfadet-hacs", "DyFADet on HACS: one group, --sigma 0.75 --voting 0.95 --voting-weight score, 250 of a video",
       points_rule(0.75, 250, 0.95, "score")},
      {"tal", "The preset tal of model points: --voting 0.85 within each label, 200 of a video", tal_rule()},
      {"temporalmaxer-multithumos", "TemporalMaxer on MultiTHUMOS: gaussian, 300 of a video", points_rule(0.5, 300)},
      {"opentad", "OpenTAD's detectors on THUMOS14: gaussian, 2000 of a video", points_rule(0.5, 2000)},
      {"opentad-activitynet",
       "OpenTAD's on ActivityNet: one group, --sigma 0.75 --voting 0.9 --voting-weight score, 100 of a video",
       points_rule(0.75, 100, 0.9, "score")},
      {"opentad-hacs", "OpenTAD's on HACS: one group, --sigma 0.75 --voting 0.7 --voting-weight score, 100 of a video",
       points_rule(0.75, 100, 0.7, "score")},
      {"adatad", "AdaTAD on THUMOS14: --sigma 0.7 --min-score 0, 2000 of a video", adatad_rule()},
      {"adatad-activitynet",
       "AdaTAD on ActivityNet: one group, --sigma 0.7 --voting 0.9 --voting-weight score, 100 of a video",
       points_rule(0.7, 100, 0.9, "score")},
      {"opentad-epic", "OpenTAD's on EPIC-Kitchens: --sigma 0.4, 3000 of a video", points_rule(0.4, 3000)},
  };
  return presets;
}

SuppressOptions preset_of(const std::string& preset) {
  for (const auto& row : suppression_presets())
    if (row.name == preset) return row.rule;
  throw UsageError("--preset: unknown preset '" + preset + "'");
}

}  // namespace tal
