#include "libtal/segment/suppress.h"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <unordered_map>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/cli/tool.h"

namespace tal {
namespace {

constexpr double kGone = -std::numeric_limits<double>::infinity();

// Segments of one group, bucketed by start (a counting sort, O(n)). `slot` order = bucket order.
struct Index {
  std::vector<double> start, end;       // by slot
  std::vector<std::uint32_t> input;     // slot -> position in the group (falling priority is decided by score, then this)
  std::vector<std::uint32_t> first;     // bucket -> first slot, one more at the end
  double origin = 0, scale = 0, longest = 0;

  explicit Index(const std::vector<Segment>& segments) {
    const std::size_t n = segments.size();
    double lowest = std::numeric_limits<double>::max(), highest = -lowest;
    for (const auto& s : segments) {
      lowest = std::min(lowest, s.start), highest = std::max(highest, s.start);
      longest = std::max(longest, s.length());
    }
    const std::size_t buckets = std::max<std::size_t>(1, n / 8);
    origin = lowest;
    scale = highest > lowest ? static_cast<double>(buckets - 1) / (highest - lowest) : 0;
    if (!std::isfinite(scale)) scale = 0;  // starts that differ by less than a double can divide: one bucket
    first.assign(buckets + 1, 0);
    std::vector<std::uint32_t> bucket(n);
    for (std::size_t i = 0; i < n; ++i) ++first[(bucket[i] = bucket_of(segments[i].start)) + 1];
    std::partial_sum(first.begin(), first.end(), first.begin());
    std::vector<std::uint32_t> next(first.begin(), first.end() - 1);
    start.resize(n), end.resize(n), input.resize(n);
    for (std::size_t i = 0; i < n; ++i) {
      const std::uint32_t slot = next[bucket[i]]++;
      start[slot] = segments[i].start, end[slot] = segments[i].end, input[slot] = static_cast<std::uint32_t>(i);
    }
  }
  std::uint32_t bucket_of(double x) const {
    const double at = (x - origin) * scale;
    const double last = static_cast<double>(first.size() - 2);
    return static_cast<std::uint32_t>(at <= 0 ? 0 : at >= last ? last : at);
  }
  // Slots of all segments that can overlap [s, e] (and some that do not): [begin, end).
  std::pair<std::uint32_t, std::uint32_t> reach(double s, double e) const {
    return {first[bucket_of(s - longest)], first[bucket_of(e) + 1]};
  }
};

double overlap(double s1, double e1, double s2, double e2) {
  const double inter = std::max(0.0, std::min(e1, e2) - std::max(s1, s2));
  const double both = (e1 - s1) + (e2 - s2) - inter;
  return both > 0 ? inter / both : 0.0;
}

struct Kept {
  std::uint32_t index;  // in the group
  double score;
};

// Soft suppression. decay(tiou, limit) -> new factor or 1; limit(length) is evaluated once for each kept segment.
template <class Limit, class Decay>
std::vector<Kept> soft(const std::vector<Segment>& segments, const std::vector<double>& scores, bool reversed,
                       std::size_t most, double min_score, Limit limit, Decay decay) {
  const std::size_t n = segments.size();
  const Index index(segments);
  std::vector<double> score(n);
  for (std::size_t slot = 0; slot < n; ++slot) score[slot] = scores[index.input[slot]];

  constexpr std::size_t kBlock = 64;
  const std::size_t blocks = (n + kBlock - 1) / kBlock;
  std::vector<double> block_score(blocks);
  std::vector<std::uint32_t> block_slot(blocks);
  const auto before = [&](std::uint32_t a, std::uint32_t b) {
    return reversed ? index.input[a] > index.input[b] : index.input[a] < index.input[b];
  };
  const auto refresh = [&](std::size_t block) {
    const std::size_t begin = block * kBlock, end = std::min(n, begin + kBlock);
    double best = kGone;
    for (std::size_t i = begin; i < end; ++i) best = score[i] > best ? score[i] : best;
    std::uint32_t slot = static_cast<std::uint32_t>(begin);
    bool found = false;
    for (std::size_t i = begin; i < end; ++i)
      if (score[i] == best && (!found || before(static_cast<std::uint32_t>(i), slot)))
        slot = static_cast<std::uint32_t>(i), found = true;
    block_score[block] = best, block_slot[block] = slot;
  };
  for (std::size_t block = 0; block < blocks; ++block) refresh(block);

  std::vector<Kept> kept;
  while (kept.size() < most) {
    double best = kGone;
    std::uint32_t slot = 0;
    for (std::size_t block = 0; block < blocks; ++block)
      if (block_score[block] > best || (block_score[block] == best && best != kGone && before(block_slot[block], slot)))
        best = block_score[block], slot = block_slot[block];
    // Scores only fall: below min_score nothing that follows can stay.
    if (best == kGone || best < min_score) break;
    kept.push_back({index.input[slot], best});
    score[slot] = kGone;
    const double s = index.start[slot], e = index.end[slot];
    const auto [begin, end] = index.reach(s, e);
    const double bound = limit(e - s);
    for (std::uint32_t i = begin; i < end; ++i) {
      if (score[i] == kGone || index.start[i] >= e || index.end[i] <= s) continue;
      decay(score[i], overlap(s, e, index.start[i], index.end[i]), bound);
    }
    for (std::size_t block = begin / kBlock; block < blocks && block * kBlock < end; ++block) refresh(block);
    if (slot < begin || slot >= end) refresh(slot / kBlock);
  }
  return kept;
}

// Positions by falling score; equal scores in input (or reversed input) order.
std::vector<std::uint32_t> ranking(const std::vector<double>& scores, bool reversed) {
  std::vector<std::uint32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0u);
  std::sort(order.begin(), order.end(), [&](std::uint32_t a, std::uint32_t b) {
    if (scores[a] != scores[b]) return scores[a] > scores[b];
    return reversed ? a > b : a < b;
  });
  return order;
}

std::vector<Kept> greedy(const std::vector<Segment>& segments, const std::vector<double>& scores, bool reversed,
                         double threshold, bool inclusive, std::size_t most, double min_score) {
  const std::size_t n = segments.size();
  double lowest = std::numeric_limits<double>::max(), highest = -lowest, longest = 0, total = 0;
  for (const auto& s : segments) {
    lowest = std::min(lowest, s.start), highest = std::max(highest, s.start), longest = std::max(longest, s.length());
    total += s.length();
  }
  // Kept segments by start; a bucket is about a mean length wide, so a query visits few of them.
  const double mean = total / static_cast<double>(n);
  const std::size_t buckets = mean > 0 ? static_cast<std::size_t>(std::clamp((highest - lowest) / mean, 1.0, static_cast<double>(n))) : 1;
  double scale = highest > lowest ? static_cast<double>(buckets - 1) / (highest - lowest) : 0;
  if (!std::isfinite(scale)) scale = 0;
  const auto bucket_of = [&](double x) {
    const double at = (x - lowest) * scale;
    return static_cast<std::size_t>(at <= 0 ? 0 : at >= static_cast<double>(buckets - 1) ? static_cast<double>(buckets - 1) : at);
  };
  std::vector<std::vector<Segment>> kept_at(buckets);
  std::vector<Kept> kept;
  for (const std::uint32_t i : ranking(scores, reversed)) {
    if (kept.size() >= most || scores[i] < min_score) break;
    const Segment& s = segments[i];
    bool free = !inclusive || threshold > 0 || kept.empty();  // < 0 keeps nothing but the first
    const std::size_t last = bucket_of(s.end);
    for (std::size_t bucket = bucket_of(s.start - longest); free && bucket <= last; ++bucket) {
      for (const Segment& other : kept_at[bucket]) {
        if (other.start >= s.end || other.end <= s.start) continue;
        const double t = overlap(other.start, other.end, s.start, s.end);
        if (inclusive ? t >= threshold : t > threshold) {
          free = false;
          break;
        }
      }
    }
    if (!free) continue;
    kept.push_back({i, scores[i]});
    kept_at[bucket_of(s.start)].push_back(s);
  }
  return kept;
}

}  // namespace

std::vector<Proposal> suppress(const std::vector<Proposal>& proposals, double duration, const SuppressOptions& options) {
  const bool reversed = options.ties == "reversed";
  const bool windowed = options.method == "bsn" || options.method == "rpn";
  if (windowed && !(duration > 0)) throw Error("missing; --method " + options.method + " needs the video's length in seconds").at_field("duration");

  // Groups in order of first appearance; members by position in the record.
  std::vector<std::vector<std::uint32_t>> groups;
  std::unordered_map<std::string_view, std::size_t> group_of;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    if (proposals[i].segment.length() < options.min_duration) continue;
    const auto key = options.class_agnostic ? std::string_view() : proposals[i].label;
    const auto [found, added] = group_of.emplace(key, groups.size());
    if (added) groups.emplace_back();
    groups[found->second].push_back(static_cast<std::uint32_t>(i));
  }

  struct Result {
    std::uint32_t input;
    double score;
    Segment segment;
  };
  std::vector<Result> results;
  std::vector<Segment> segments;
  std::vector<double> scores;
  for (auto& members : groups) {
    segments.clear(), scores.clear();
    for (const auto i : members) scores.push_back(proposals[i].score);
    if (options.pre_top_k > 0 && members.size() > static_cast<std::size_t>(options.pre_top_k)) {
      auto order = ranking(scores, reversed);
      order.resize(static_cast<std::size_t>(options.pre_top_k));
      std::sort(order.begin(), order.end());  // back to input order
      std::vector<std::uint32_t> chosen;
      for (const auto k : order) chosen.push_back(members[k]);
      members.swap(chosen);
      scores.clear();
      for (const auto i : members) scores.push_back(proposals[i].score);
    }
    for (const auto i : members) segments.push_back(proposals[i].segment);

    std::size_t most = std::numeric_limits<std::size_t>::max();
    if (options.stop > 0) most = static_cast<std::size_t>(options.stop);
    if (options.top_k > 0) most = std::min(most, static_cast<std::size_t>(options.top_k));
    const double lowest = options.min_score;
    std::vector<Kept> kept;
    if (options.method == "greedy") {
      kept = greedy(segments, scores, reversed, options.threshold, options.inclusive, most, lowest);
    } else if (options.method == "gaussian") {
      const double sigma = options.sigma;
      kept = soft(segments, scores, reversed, most, lowest, [](double) { return 0.0; },
                  [sigma](double& score, double t, double) { score *= std::exp(-(t * t) / sigma); });
    } else if (options.method == "linear") {
      // Threshold 0 decays what does not even touch, by a factor of 1: no change.
      kept = soft(segments, scores, reversed, most, lowest, [&](double) { return options.threshold; },
                  [](double& score, double t, double threshold) { if (t >= threshold) score *= 1 - t; });
    } else if (windowed) {
      const double alpha = options.alpha, low = options.low, high = options.high;
      kept = soft(segments, scores, reversed, most, lowest,
                  [=](double length) { return low + (high - low) * (length / duration); },
                  [alpha](double& score, double t, double bound) { if (t > bound) score *= std::exp(-(t * t) / alpha); });
    } else {
      throw UsageError("--method: unknown method '" + options.method + "'");
    }

    if (options.voting > 0 && !kept.empty()) {
      const Index index(segments);
      const bool plain = options.voting_weight == "score";
      for (const auto& k : kept) {
        const Segment& own = segments[k.index];
        const auto [begin, end] = index.reach(own.start, own.end);
        // Summed in input order, whatever the buckets are, so that the sums do not depend on the index.
        std::vector<std::uint32_t> voters;
        for (std::uint32_t i = begin; i < end; ++i)
          if (overlap(own.start, own.end, index.start[i], index.end[i]) >= options.voting) voters.push_back(index.input[i]);
        std::sort(voters.begin(), voters.end());
        double weight = 0, start = 0, finish = 0;
        for (const auto i : voters) {
          const double w = scores[i] * (plain ? 1.0 : overlap(own.start, own.end, segments[i].start, segments[i].end));
          weight += w, start += w * segments[i].start, finish += w * segments[i].end;
        }
        const Segment voted = weight != 0 ? Segment{start / weight, finish / weight} : own;
        results.push_back({members[k.index], k.score, voted});
      }
    } else {
      for (const auto& k : kept) results.push_back({members[k.index], k.score, segments[k.index]});
    }
  }

  std::sort(results.begin(), results.end(), [&](const Result& a, const Result& b) {
    if (a.score != b.score) return a.score > b.score;
    return reversed ? a.input > b.input : a.input < b.input;
  });
  if (options.top_k > 0 && results.size() > static_cast<std::size_t>(options.top_k)) results.resize(static_cast<std::size_t>(options.top_k));
  std::vector<Proposal> out;
  out.reserve(results.size());
  for (const auto& result : results) {
    if (result.score < options.min_score) break;
    out.push_back(proposals[result.input]);
    out.back().score = result.score;
    out.back().segment = result.segment;
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

void register_options(CLI::App& app, SuppressOptions& o) {
  const std::string rule = "Rule", choice = "Which proposals";
  app.add_option("--method", o.method, "Suppression rule")->group(rule)->check(CLI::IsMember({"greedy", "gaussian", "linear", "bsn", "rpn"}));
  app.add_option("--preset", o.preset, "A paper's rule and constants; flags win")->group(rule)
      ->check(CLI::IsMember({"bsn", "bmn", "rpn", "etp", "cmsn", "sptad", "actionformer"}));
  app.add_option("--threshold", o.threshold, "tIoU: greedy keeps up to it (0.36), linear decays from it on (0.5)")->group(rule)->check(CLI::Range(0.0, 1.0));
  app.add_flag("--inclusive", o.inclusive, "greedy: a tIoU equal to the threshold suppresses")->group(rule);
  app.add_option("--sigma", o.sigma, "gaussian: score *= exp(-tIoU^2 / SIGMA)")->group(rule)->check(CLI::PositiveNumber);
  app.add_option("--alpha", o.alpha, "bsn, rpn: score *= exp(-tIoU^2 / ALPHA)")->group(rule)->check(CLI::PositiveNumber);
  app.add_option("--low", o.low, "bsn, rpn: tIoU above LOW + (HIGH - LOW) w decays, w = width / duration (bsn 0.65, rpn 0.8)")->group(rule)->check(CLI::Range(0.0, 1.0));
  app.add_option("--high", o.high, "bsn, rpn: see --low")->group(rule)->check(CLI::Range(0.0, 1.0));
  app.add_option("--stop", o.stop, "Stop when N of a group are kept (bsn, rpn: 100; 0: never)")->group(rule)->type_name("N")->check(CLI::NonNegativeNumber);
  app.add_option("--voting", o.voting, "Each kept segment becomes the weighted mean of all with tIoU from T on")->group(rule)->type_name("T")->check(CLI::Range(0.0, 1.0));
  app.add_option("--voting-weight", o.voting_weight, "Weights of the votes: score x tIoU, or score")->group(rule)->check(CLI::IsMember({"score-iou", "score"}));
  app.add_option("--ties", o.ties, "Which of several equal scores comes first")->group(choice)->check(CLI::IsMember({"input", "reversed"}));
  app.add_option("--pre-top-k", o.pre_top_k, "Use only the N highest scores of each label")->group(choice)->type_name("N")->check(CLI::NonNegativeNumber);
  app.add_option("--top-k", o.top_k, "Keep at most N of a record")->group(choice)->type_name("N")->check(CLI::NonNegativeNumber);
  app.add_option("--min-score", o.min_score, "Drop final scores below X (gaussian 0.001; else no bound)")->group(choice)->type_name("X");
  app.add_option("--min-duration", o.min_duration, "Drop segments shorter than SECONDS first")->group(choice)->type_name("SECONDS")->check(CLI::NonNegativeNumber);
  app.add_flag("--class-agnostic", o.class_agnostic, "Labels do not matter (default: each label by itself)")->group(choice);
}

SuppressOptions preset_of(const std::string& preset) {
  static const std::map<std::string, const char*> methods = {{"bsn", "bsn"}, {"bmn", "bsn"}, {"rpn", "rpn"}, {"etp", "greedy"},
      {"cmsn", "gaussian"}, {"sptad", "gaussian"}, {"actionformer", "gaussian"}};
  const auto method = methods.find(preset);
  if (method == methods.end()) throw UsageError("--preset: unknown preset '" + preset + "'");
  SuppressOptions o = defaults_of(method->second);
  if (preset == "bmn") o.alpha = 0.4, o.low = 0.5, o.high = 0.9;
  if (preset == "actionformer") o.voting = 0.75;
  return o;
}

void settle_options(Tool& tool, SuppressOptions& o) {
  SuppressOptions standard = o.preset.empty() ? defaults_of(o.method) : preset_of(o.preset);
  // A flag that changes the method leaves the preset's constants, which belong to another rule.
  if (!o.preset.empty() && tool.given("--method") && o.method != standard.method) standard = defaults_of(o.method);
  const auto settle = [&](const char* name, auto& value, const auto& from) {
    if (tool.given(name)) return;
    value = from;
    if constexpr (std::is_arithmetic_v<std::decay_t<decltype(from)>>) {
      if (!o.preset.empty() && std::isfinite(static_cast<double>(from)) && from > -1e300) tool.preset(name, format_number(static_cast<double>(from)));
    } else {
      if (!o.preset.empty()) tool.preset(name, from);
    }
  };
  settle("--method", o.method, standard.method);
  const bool windowed = o.method == "bsn" || o.method == "rpn";
  const bool bounded = o.method == "greedy" || o.method == "linear";
  if (bounded) settle("--threshold", o.threshold, standard.threshold);
  if (o.method == "gaussian") settle("--sigma", o.sigma, standard.sigma);
  if (windowed) settle("--alpha", o.alpha, standard.alpha), settle("--low", o.low, standard.low), settle("--high", o.high, standard.high);
  settle("--stop", o.stop, standard.stop);
  settle("--voting", o.voting, standard.voting);
  settle("--min-score", o.min_score, standard.min_score);
  const std::string why = "--method " + o.method;
  if (o.method != "greedy") tool.refuse({"--inclusive"}, why);
  if (!bounded) tool.refuse({"--threshold"}, why);
  if (o.method != "gaussian") tool.refuse({"--sigma"}, why);
  if (!windowed) tool.refuse({"--alpha", "--low", "--high"}, why);
  if (!(o.voting > 0)) tool.refuse({"--voting-weight"}, "no --voting");
}

}  // namespace tal
