#include "libtal/segment/grouping.h"

#include <algorithm>
#include <cmath>
#include <queue>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/time_rows.h"
#include "libtal/segment/suppress.h"

namespace tal {
namespace {

// A component is known by its outermost seeds; in round r it covers [a - r, b + r], clipped to the curve.
struct Component {
  std::int64_t a, b;
  int left, right;        // neighbours in the set, -1 at the ends
  std::int64_t born = 0;  // round of its last merge
  bool alive = true;
  int version = 0;
};

struct Event {
  std::int64_t round;
  int kind;  // 0 merge before 1 leave, as the loop does
  int component, version;
  bool operator>(const Event& other) const {
    if (round != other.round) return round > other.round;
    if (kind != other.kind) return kind > other.kind;
    return component > other.component;
  }
};

// The paper's loop over one curve, from event to event.
class Grouping {
 public:
  Grouping(const std::vector<double>& curve, std::int64_t min, std::int64_t max, double threshold, bool keep_growing)
      : rows_(static_cast<std::int64_t>(curve.size())), min_(min), max_(max), keep_growing_(keep_growing) {
    for (std::int64_t i = 0; i < rows_; ++i)
      if (curve[static_cast<std::size_t>(i)] >= threshold) {
        const int id = static_cast<int>(set_.size());
        set_.push_back({i, i, id - 1, id + 1});
      }
    if (!set_.empty()) set_.back().right = -1;
  }

  // Extents as they were emitted, some perhaps twice; without scores.
  std::vector<Extent> run() {
    for (int id = 0; id < static_cast<int>(set_.size()); ++id) plan_merge(id), plan_leave(id, 1);
    alive_ = set_.size();
    while (alive_ > 1 && !events_.empty()) {
      round_ = events_.top().round;
      while (!events_.empty() && events_.top().round == round_) {
        const Event event = events_.top();
        events_.pop();
        const auto& c = at(event.component);
        if (!c.alive || c.version != event.version) continue;
        if (event.kind == 1) leave(event.component);
        else merge(event.component);
      }
    }
    for (const auto& c : set_) {
      if (!c.alive) continue;
      if (keep_growing_ && round_ > 0) emit_life(c, round_);
      if (const auto rows = length(c, round_); alive_ == 1 && rows > min_ && rows < max_)
        out_.push_back(extent(c, round_));
    }
    return std::move(out_);
  }

  std::int64_t rounds() const { return round_; }  // of the paper's loop

 private:
  Component& at(int id) { return set_[static_cast<std::size_t>(id)]; }

  Extent extent(const Component& c, std::int64_t round) const {
    return {{std::max<std::int64_t>(0, c.a - round), std::min(rows_, c.b + round + 1)}};
  }

  std::int64_t length(const Component& c, std::int64_t round) const { return extent(c, round).count(); }

  // First round >= from in which the component is longer than min; -1: never (it covers the curve before).
  std::int64_t leaving(const Component& c, std::int64_t from) const {
    std::int64_t low = from, high = std::max(from, rows_);
    if (length(c, high) <= min_) return -1;
    while (low < high) {
      const std::int64_t middle = low + (high - low) / 2;
      if (length(c, middle) > min_) high = middle;
      else low = middle + 1;
    }
    return low;
  }

  // Everything that a component emits, from its last merge to round `to`, when emitted components stay.
  void emit_life(const Component& c, std::int64_t to) {
    const std::int64_t first = leaving(c, std::max<std::int64_t>(1, c.born));
    if (first < 0) return;
    for (std::int64_t round = first; round <= to && length(c, round) < max_; ++round) {
      out_.push_back(extent(c, round));
      if (out_.back().count() == rows_) break;  // it cannot grow any more
    }
  }

  void plan_merge(int left) {
    const int right = at(left).right;
    if (right < 0) return;
    const std::int64_t gap = at(right).a - at(left).b;
    events_.push({(gap + 1) / 2, 0, left, at(left).version});
  }

  void plan_leave(int id, std::int64_t from) {
    if (keep_growing_) return;
    const auto& c = at(id);
    const std::int64_t round = leaving(c, from);
    if (round >= 0 && length(c, round) < max_) events_.push({round, 1, id, c.version});
  }

  void leave(int id) {
    auto& c = at(id);
    out_.push_back(extent(c, round_));
    c.alive = false, --alive_;
    if (c.left >= 0) at(c.left).right = c.right;
    if (c.right >= 0) at(c.right).left = c.left;
    if (c.left >= 0) plan_merge(c.left);
  }

  // With its right neighbour, if they meet in this round.
  void merge(int id) {
    auto& c = at(id);
    if (c.right < 0) return;
    auto& other = at(c.right);
    // A partner that changed its inner side is another gap; one that only grew on its far side has the same.
    if (!other.alive || (other.a - c.b + 1) / 2 != round_) return;
    if (keep_growing_) emit_life(c, round_ - 1), emit_life(other, round_ - 1);
    other.alive = false, --alive_;
    c.b = other.b, c.right = other.right, c.born = round_, ++c.version;
    if (c.right >= 0) at(c.right).left = id;
    plan_merge(id);
    if (c.left >= 0) plan_merge(c.left);
    plan_leave(id, round_);
  }

  const std::int64_t rows_, min_, max_;
  const bool keep_growing_;
  std::vector<Component> set_;
  std::priority_queue<Event, std::vector<Event>, std::greater<>> events_;
  std::vector<Extent> out_;
  std::size_t alive_ = 0;
  std::int64_t round_ = 0;
};

// Each extent once, by first, then end, with the mean of the curve.
void sort_and_score(std::vector<Extent>& extents, const std::vector<double>& curve) {
  std::vector<double> sums(curve.size() + 1, 0.0);
  for (std::size_t i = 0; i < curve.size(); ++i) sums[i + 1] = sums[i] + curve[i];
  const auto place = [](const Extent& e) { return std::pair(e.first, e.end); };
  std::sort(extents.begin(), extents.end(), [&](const Extent& x, const Extent& y) { return place(x) < place(y); });
  const auto same = [&](const Extent& x, const Extent& y) { return place(x) == place(y); };
  extents.erase(std::unique(extents.begin(), extents.end(), same), extents.end());
  for (auto& e : extents) {
    const double sum = sums[static_cast<std::size_t>(e.end)] - sums[static_cast<std::size_t>(e.first)];
    e.score = sum / static_cast<double>(e.count());
  }
}

}  // namespace

std::vector<Extent> group_components(const std::vector<double>& curve, std::int64_t min, std::int64_t max,
                                     double threshold, bool keep_growing, std::int64_t* rounds) {
  Grouping grouping(curve, min, max, threshold, keep_growing);
  std::vector<Extent> out = grouping.run();
  if (rounds) *rounds = grouping.rounds();
  sort_and_score(out, curve);
  return out;
}

std::vector<double> smooth_curve(const std::vector<double>& curve, double sigma) {
  if (!(sigma > 0) || curve.empty()) return curve;
  const auto radius = static_cast<std::int64_t>(std::ceil(3 * sigma));
  std::vector<double> weights(static_cast<std::size_t>(2 * radius + 1));
  double total = 0;
  for (std::int64_t k = -radius; k <= radius; ++k)
    total += weights[static_cast<std::size_t>(k + radius)] =
        std::exp(-static_cast<double>(k * k) / (2 * sigma * sigma));
  const auto n = static_cast<std::int64_t>(curve.size());
  std::vector<double> out(curve.size());
  for (std::int64_t i = 0; i < n; ++i) {
    double sum = 0;
    for (std::int64_t k = -radius; k <= radius; ++k)
      sum += weights[static_cast<std::size_t>(k + radius)] *
             curve[static_cast<std::size_t>(std::clamp<std::int64_t>(i + k, 0, n - 1))];
    out[static_cast<std::size_t>(i)] = sum / total;
  }
  return out;
}

void check_options(const GroupingOptions& o, const std::string& mark) {
  if (o.max > 0 && o.max <= o.min + 1)
    throw UsageError(mark + "max " + std::to_string(o.max) + " leaves no length longer than " + mark + "min " +
                     std::to_string(o.min));
  try {
    (void)parse_number_list(o.threshold);
  } catch (const std::exception& error) {
    throw UsageError(mark + "threshold: " + error.what());
  }
}

std::vector<Curve> select_curves(const FeatureStream& stream, const FeatureMatrix& matrix,
                                 const GroupingOptions& options) {
  const std::string field = "features." + stream.name;
  if (!stream.classes.empty() && static_cast<std::int64_t>(stream.classes.size()) != matrix.dim)
    throw Error(std::to_string(stream.classes.size()) + " names for " + std::to_string(matrix.dim) + " columns")
        .at_field(field + ".classes");
  const auto column = [&](std::int64_t c) {
    std::vector<double> values(static_cast<std::size_t>(matrix.rows));
    for (std::int64_t r = 0; r < matrix.rows; ++r) values[static_cast<std::size_t>(r)] = matrix.at(r, c);
    return values;
  };
  const auto find = [&](std::string_view name) {
    const auto found = std::find(stream.classes.begin(), stream.classes.end(), name);
    return found == stream.classes.end() ? std::int64_t{-1} : found - stream.classes.begin();
  };
  const std::string wanted = !options.curve.empty() ? options.curve : find("motion") >= 0 ? "motion" : "all";
  std::vector<Curve> curves;
  bool scale = options.normalize == "minmax";
  if (wanted == "all" || wanted == "mean") {
    if (wanted == "all")
      for (std::int64_t c = 0; c < matrix.dim; ++c)
        curves.push_back({stream.classes.empty() ? "" : stream.classes[static_cast<std::size_t>(c)], column(c)});
    Curve mean{"", std::vector<double>(static_cast<std::size_t>(matrix.rows), 0.0)};
    for (std::int64_t r = 0; r < matrix.rows; ++r) {
      double sum = 0;
      for (std::int64_t c = 0; c < matrix.dim; ++c) sum += matrix.at(r, c);
      mean.values[static_cast<std::size_t>(r)] = matrix.dim > 0 ? sum / static_cast<double>(matrix.dim) : 0;
    }
    curves.push_back(std::move(mean));
  } else {
    std::string_view rest = wanted;
    while (true) {
      const auto comma = rest.find(',');
      const std::string_view name = rest.substr(0, comma);
      const std::int64_t c = find(name);
      if (c < 0) {
        const auto near = nearest(name, stream.classes);
        throw Error("no column '" + std::string(name) + "'" +
                    (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"))
            .at_field(field + ".classes");
      }
      if (name == "motion" && options.normalize == "auto") scale = true;
      curves.push_back({name == "motion" ? "" : std::string(name), column(c)});
      if (comma == std::string_view::npos) break;
      rest.remove_prefix(comma + 1);
    }
  }
  if (scale)
    for (auto& curve : curves) {
      if (curve.values.empty()) continue;
      const auto [low, high] = std::minmax_element(curve.values.begin(), curve.values.end());
      const double from = *low, range = *high - *low;
      for (double& v : curve.values) v = range > 0 ? (v - from) / range : 0;
    }
  return curves;
}

std::vector<GroupedExtent> group_curves(const std::vector<Curve>& curves, const GroupingOptions& options) {
  std::vector<GroupedExtent> out;
  const auto thresholds = parse_number_list(options.threshold);
  for (std::size_t k = 0; k < curves.size(); ++k) {
    const auto& raw = curves[k].values;
    const std::int64_t max = options.max > 0 ? options.max : static_cast<std::int64_t>(raw.size()) + 1;
    for (const double threshold : thresholds) {
      for (const auto& e : group_components(raw, options.min, max, threshold, options.keep_growing))
        out.push_back({e, k});
      if (!(options.sigma > 0)) continue;
      for (const auto& e :
           group_components(smooth_curve(raw, options.sigma), options.min, max, threshold, options.keep_growing))
        out.push_back({e, k});
    }
  }
  return out;
}

std::vector<Proposal> propose_from_curves(Record& record, const std::vector<Curve>& curves, const RowTime& time,
                                          const GroupingOptions& options) {
  const auto duration = record.duration();
  std::vector<Proposal> proposals;
  for (const auto& [extent, curve] : group_curves(curves, options)) {
    Proposal p;
    p.segment = time.seconds(Segment{static_cast<double>(extent.first), static_cast<double>(extent.end)});
    if (duration) p.segment = {std::clamp(p.segment.start, 0.0, *duration), std::clamp(p.segment.end, 0.0, *duration)};
    if (!(p.segment.end > p.segment.start)) continue;
    p.score = extent.score;
    if (!curves[curve].label.empty()) p.label = record.keep(curves[curve].label);
    proposals.push_back(p);
  }
  auto merge = defaults_of("greedy");
  merge.threshold = options.merge_nms, merge.class_agnostic = options.merge_nms_by == "all";
  return suppress(proposals, 0, merge);
}

void GroupingTally::add(const std::vector<Curve>& curves, std::size_t proposals) {
  double highest = -std::numeric_limits<double>::infinity();
  for (const auto& curve : curves)
    for (const double value : curve.values) highest = std::max(highest, value);
  const std::lock_guard lock(mutex_);
  ++records_, proposals_ += proposals, highest_ = std::max(highest_, highest);
}

void GroupingTally::require_proposals(const GroupingOptions& options) const {
  const std::lock_guard lock(mutex_);
  if (records_ == 0 || proposals_ > 0) return;
  const auto thresholds = parse_number_list(options.threshold);
  const double lowest = *std::min_element(thresholds.begin(), thresholds.end());
  std::string why = "there are no rows";
  if (std::isfinite(highest_)) {
    why = "the highest score is " + format_number(std::round(1e4 * highest_) / 1e4);
    if (highest_ < lowest) why += ", the threshold " + format_number(lowest);
    else
      why += " and reaches the threshold " + format_number(lowest) + ", but no component has more than " +
             std::to_string(options.min) + (options.max > 0 ? " and fewer than " + std::to_string(options.max) : "") +
             " rows";
  }
  throw Error("no proposal in " +
              (records_ == 1 ? "the only record" : "any of " + std::to_string(records_) + " records") + ": " + why +
              " (--allow-empty accepts that)");
}

void propose_by_grouping(Record& record, const GroupingOptions& options, GroupingTally& tally) {
  FeatureStream stream = select_stream(record, options.stream);
  const FeatureMatrix matrix = load_features(stream);
  stream.rows = matrix.rows;
  std::vector<Curve> curves;
  std::vector<Proposal> proposals;
  if (matrix.rows > 0) {
    const RowTime time = row_time(stream, record.duration());
    curves = select_curves(stream, matrix, options);
    proposals = propose_from_curves(record, curves, time, options);
  }
  tally.add(curves, proposals.size());
  record.set_proposals(proposals);
}

}  // namespace tal
