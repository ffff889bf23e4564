#include "libtal/segment/live_suppress.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <queue>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/segment/suppress_rule.h"

namespace tal {

std::string needs_whole_video(const SuppressOptions& o) {
  const auto best = [](const char* option, long long count) {
    return std::string(option) + " " + std::to_string(count) + " keeps the best of the whole video";
  };
  if (o.pre_top_k > 0) return best("--pre-top-k", o.pre_top_k);
  if (o.stop > 0) return best("--stop", o.stop);
  if (o.top_k > 0) return best("--top-k", o.top_k);
  if (o.voting && !(*o.voting > 0)) return "with --voting 0 segments vote that do not even touch";
  if (o.method == "greedy" && o.inclusive && !(o.threshold > 0))
    return "--inclusive --threshold 0 keeps one of the whole video";
  return "";
}

// A proposal with what has become of it.
struct LiveSuppressor::Item {
  enum class State { kWaiting, kTaken, kGone };
  // One that was taken before this one, and what its score is multiplied by.
  struct Decay {
    double score;
    std::uint64_t input;
    double factor;
  };

  Item(const Proposal& from, std::uint64_t number)
      : text(from.source.text),
        label(from.label),
        source_label(from.source.label),
        proposal(from),
        segment(from.segment),
        score(from.score),
        input(number) {
    proposal.source.text = text, proposal.label = label, proposal.source.label = source_label;
  }

  const std::string text, label, source_label;
  Proposal proposal;  // its views are of the texts above
  const Segment segment;
  double score;               // as it is now
  const std::uint64_t input;  // place among all proposals of the video
  std::vector<Decay> decays;  // in the order in which the whole stream takes them
  State state = State::kWaiting;
  bool doubtful = false;  // in this pass: one that cannot be taken yet may change it
};

// The proposals that can suppress one another: those of a label.
class LiveSuppressor::Group {
 public:
  explicit Group(const SuppressOptions& options) : o_(options), reversed_(options.ties == "reversed") {}

  void add(std::unique_ptr<Item> added, double duration) {
    Item& item = *added;
    longest_ = std::max(longest_, item.segment.length());
    const auto behind = [](const std::unique_ptr<Item>& a, double start) { return a->segment.start <= start; };
    items_.insert(std::lower_bound(items_.begin(), items_.end(), item.segment.start, behind), std::move(added));
    if (item.score < o_.min_score) item.state = Item::State::kGone;  // it still votes
    // Those that were taken for want of time.
    each_near(item, [&](Item& other) {
      if (other.state == Item::State::kTaken) apply(other, item, duration);
    });
  }

  // Takes what can be taken. later: where those to come start at the earliest.
  void decide(double later, double duration, std::vector<Item*>& taken) {
    std::priority_queue<Place, std::vector<Place>, Order> best(Order{reversed_});
    for (const auto& item : items_) {
      item->doubtful = false;
      if (waits(*item)) best.push({item->score, item->input, item.get()});
    }
    while (!best.empty()) {
      const Place place = best.top();
      best.pop();
      Item& item = *place.item;
      if (!waits(item) || item.score != place.score) continue;  // it has fallen, and stands further down
      const bool may_be_met = later < item.segment.end;
      if (!item.doubtful && !may_be_met) {
        take(item, duration, taken, [&](Item& other) { best.push({other.score, other.input, &other}); });
        continue;
      }
      each_near(item, [&](Item& other) {
        if (waits(other) && above(item, other) && meet(item, other, duration)) other.doubtful = true;
      });
    }
  }
  // Takes one on which the first proposal that ends before `bound` waits. False when there is none.
  bool take_overdue(double bound, double duration, std::vector<Item*>& taken) {
    const auto late = std::find_if(items_.begin(), items_.end(), [&](const std::unique_ptr<Item>& item) {
      return waits(*item) && item->segment.end < bound;
    });
    if (late == items_.end()) return false;
    Item* lead = late->get();
    for (Item* before = nullptr; before != lead;) {
      before = lead;
      each_near(*before, [&](Item& other) {
        if (waits(other) && above(other, *lead) && meet(other, *before, duration)) lead = &other;
      });
    }
    take(*lead, duration, taken, [](Item&) {});
    return true;
  }
  // Gives up the items that nothing needs any more: those that were taken to `given`.
  void drop(double later, std::vector<std::unique_ptr<Item>>& given) {
    const auto needed = [&](const Item& item) {
      if (waits(item)) return true;
      const bool votes = o_.voting.has_value();
      if (later < item.segment.end && (votes || item.state == Item::State::kTaken)) return true;
      bool waited_for = false;
      if (votes) each_near(item, [&](const Item& other) { waited_for |= waits(other); });
      return waited_for;
    };
    std::vector<bool> keep;  // of all before any leaves
    for (const auto& item : items_) keep.push_back(needed(*item));
    std::size_t left = 0;
    longest_ = 0;
    for (std::size_t i = 0; i < items_.size(); ++i) {
      if (keep[i]) {
        longest_ = std::max(longest_, items_[i]->segment.length());
        std::swap(items_[left++], items_[i]);
      } else if (items_[i]->state == Item::State::kTaken) {
        given.push_back(std::move(items_[i]));
      }
    }
    items_.resize(left);
  }
  Segment voted(const Item& own) const {
    std::vector<const Item*> voters{&own};
    each_near(own, [&](const Item& other) {
      if (tiou(own.segment, other.segment) >= *o_.voting) voters.push_back(&other);
    });
    std::sort(voters.begin(), voters.end(), [](const Item* a, const Item* b) { return a->input < b->input; });
    VotedSegment mean;
    for (const Item* voter : voters)
      mean.add(voter->segment, vote_weight(voter->proposal.score, tiou(own.segment, voter->segment), o_));
    return mean.mean(own.segment);
  }
  bool empty() const { return items_.empty(); }
  std::size_t size() const { return items_.size(); }

 private:
  struct Place {
    double score;
    std::uint64_t input;
    Item* item;
  };
  struct Order {
    bool reversed;
    bool operator()(const Place& a, const Place& b) const {  // whether b comes before a
      if (a.score != b.score) return a.score < b.score;
      return reversed ? a.input < b.input : a.input > b.input;
    }
  };

  static bool waits(const Item& item) { return item.state == Item::State::kWaiting; }
  bool above(const Item& a, const Item& b) const {
    return Order{reversed_}({b.score, b.input, nullptr}, {a.score, a.input, nullptr});
  }

  // fn(other) for the others that overlap it.
  template <class Fn>
  void each_near(const Item& item, Fn fn) const {
    const auto starts_before = [](const std::unique_ptr<Item>& a, double start) { return a->segment.start < start; };
    const double slack = 1e-9 * (std::fabs(item.segment.start) + longest_);  // far above rounding
    auto other = std::lower_bound(items_.begin(), items_.end(), item.segment.start - longest_ - slack, starts_before);
    for (; other != items_.end() && (*other)->segment.start < item.segment.end; ++other)
      if (other->get() != &item && (*other)->segment.end > item.segment.start) fn(**other);
  }

  // What the score of `other` is multiplied by when `own` is taken before it; 0: it goes.
  double factor(const Item& own, const Item& other, double duration) const {
    const double t = tiou(own.segment, other.segment);
    if (o_.method == "greedy") return (o_.inclusive ? t >= o_.threshold : t > o_.threshold) ? 0 : 1;
    if (o_.method == "gaussian") return gaussian_factor(t, o_.sigma);
    if (o_.method == "linear") return t >= o_.threshold ? linear_factor(t) : 1;
    return t > decay_bound(own.segment.length(), duration, o_) ? gaussian_factor(t, o_.alpha) : 1;
  }
  // Whether one of them taken first changes the other.
  bool meet(const Item& a, const Item& b, double duration) const {
    return factor(a, b, duration) != 1 || factor(b, a, duration) != 1;
  }
  // Whether the score of `other` has fallen.
  bool apply(const Item& own, Item& other, double duration) {
    const double by = factor(own, other, duration);
    if (by == 1) return false;
    if (o_.method == "greedy") {
      other.state = Item::State::kGone;
      return false;
    }
    const Item::Decay decay{own.score, own.input, by};
    const auto first = [&](const Item::Decay& a, const Item::Decay& b) {
      return Order{reversed_}({b.score, b.input, nullptr}, {a.score, a.input, nullptr});
    };
    other.decays.insert(std::upper_bound(other.decays.begin(), other.decays.end(), decay, first), decay);
    other.score = other.proposal.score;
    for (const auto& each : other.decays) other.score *= each.factor;
    if (other.score < o_.min_score) other.state = Item::State::kGone;  // scores only fall
    return waits(other);
  }
  template <class Fallen>
  void take(Item& item, double duration, std::vector<Item*>& taken, Fallen fallen) {
    item.state = Item::State::kTaken;
    taken.push_back(&item);
    each_near(item, [&](Item& other) {
      if (waits(other) && apply(item, other, duration)) fallen(other);
    });
  }

  const SuppressOptions& o_;
  const bool reversed_;
  std::vector<std::unique_ptr<Item>> items_;  // by start; equal ones as they came
  double longest_ = 0;
};

LiveSuppressor::LiveSuppressor(const SuppressOptions& options, double max_wait)
    : options_(options), max_wait_(max_wait), later_(-std::numeric_limits<double>::infinity()) {}
LiveSuppressor::~LiveSuppressor() = default;

void LiveSuppressor::add(const std::vector<Proposal>& proposals, double later, double duration) {
  if (options_.method == "bsn" || options_.method == "rpn" || options_.clip)
    if (!(duration > 0)) throw Error("missing; the rule needs the video's length in seconds").at_field("duration");
  const std::string factors = needs_factors(options_);
  std::vector<std::size_t> used;
  for (std::size_t i = 0; i < proposals.size(); ++i) {
    if (proposals[i].segment.start < later_)
      throw Error("starts at " + format_number(proposals[i].segment.start) + ", before " + format_number(later_) +
                  ": up to there all was decided with the window before (--early)")
          .at_field("proposals[" + std::to_string(i) + "].segment");
    if (takes_part(proposals[i], i, factors, options_)) used.push_back(i);
  }
  duration_ = duration;
  for (const std::size_t i : used) {
    const auto label = options_.class_agnostic ? std::string_view() : proposals[i].label;
    auto group = groups_.find(label);
    if (group == groups_.end()) group = groups_.emplace(label, std::make_unique<Group>(options_)).first;
    group->second->add(std::make_unique<Item>(proposals[i], count_ + i), duration_);
  }
  count_ += proposals.size();
  later_ = std::max(later_, later);
  decide();
}

void LiveSuppressor::end() {
  later_ = std::numeric_limits<double>::infinity();
  decide();
}

void LiveSuppressor::decide() {
  struct Taken {
    Item* item;
    Segment segment;
  };
  std::vector<Taken> results;
  given_.clear();
  for (auto group = groups_.begin(); group != groups_.end();) {
    Group& here = *group->second;
    std::vector<Item*> taken;
    here.decide(later_, duration_, taken);
    while (max_wait_ > 0 && here.take_overdue(later_ - max_wait_, duration_, taken)) {
      ++overdue_;
      here.decide(later_, duration_, taken);
    }
    for (Item* item : taken) results.push_back({item, options_.voting ? here.voted(*item) : item->segment});
    here.drop(later_, given_);
    group = here.empty() ? groups_.erase(group) : std::next(group);
  }
  const bool reversed = options_.ties == "reversed";
  std::sort(results.begin(), results.end(), [&](const Taken& a, const Taken& b) {
    if (a.item->score != b.item->score) return a.item->score > b.item->score;
    return reversed ? a.item->input > b.item->input : a.item->input < b.item->input;
  });
  decided_.clear();
  for (const auto& [item, segment] : results) {
    Proposal out = item->proposal;
    out.score = item->score, out.segment = segment;
    if (options_.clip) {
      out.segment = {std::max(segment.start, 0.0), std::min(segment.end, duration_)};
      if (!(out.segment.length() > 0)) continue;
    }
    decided_.push_back(out);
  }
}

std::size_t LiveSuppressor::held() const {
  std::size_t count = 0;
  for (const auto& [label, group] : groups_) count += group->size();
  return count;
}

}  // namespace tal
