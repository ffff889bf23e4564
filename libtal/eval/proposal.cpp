#include "libtal/eval/proposal.h"

#include <algorithm>
#include <atomic>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/eval/parallel.h"

namespace tal::eval {

namespace {

// The videos that the protocol counts and the rows of their ground truths.
void choose_videos(const Selection& s, const ProposalRules& rules, ProposalMatch& m) {
  const Dataset& data = *s.data;
  const auto add = [&](std::uint32_t id) {
    ProposalMatch::Entry entry{id, static_cast<std::uint32_t>(data.predictions_of(id).size()), m.truth.size(), 0};
    for (std::uint32_t g = data.videos[id].truth_begin; g < data.videos[id].truth_end; ++g)
      if (s.is_instance(g)) m.truth.push_back(g);
    entry.truth_end = m.truth.size();
    const bool empty = entry.truth_begin == entry.truth_end;
    if (!rules.videos_from_proposals && empty) {
      m.outside += entry.proposals;
      return;
    }
    if (rules.inclusive_frames && entry.proposals > 0 && !empty && !(data.videos[id].fps > 0))
      throw Error("missing; this protocol counts in frames").at_field("fps").at_video(data.video_names.text(id));
    m.videos.push_back(entry);
  };
  if (rules.videos_from_proposals) {
    for (std::uint32_t id = 0; id < data.videos.size(); ++id)
      if (s.used(id) && !data.predictions_of(id).empty()) add(id);
    return;
  }
  for (const auto id : s.videos) add(id);
  for (std::uint32_t id = 0; id < data.videos.size(); ++id)
    if (s.used(id) && s.state[id] != State::kEvaluated) m.outside += data.predictions_of(id).size();
}

// Ranks the proposals of one video after another and notes when they find its ground truths.
class Finder {
 public:
  Finder(const Dataset& data, const ProposalRules& rules, ProposalMatch& m, std::atomic<std::uint64_t>& tied)
      : data_(data), rules_(rules), m_(m), tied_(tied) {}

  void operator()(std::size_t v) {
    const auto& entry = m_.videos[v];
    if (entry.proposals == 0) return;
    rank(entry.video);
    fps_ = rules_.inclusive_frames ? data_.videos[entry.video].fps : 1;
    for (auto row = entry.truth_begin; row < entry.truth_end; ++row) {
      const Segment& truth = data_.truths[m_.truth[row]].segment;
      std::uint32_t* first = m_.first.data() + row * m_.tiou.size();
      if (rules_.ties == TieOrder::kEarliest || rules_.ties == TieOrder::kLatest) find_bound(truth, first);
      else find(truth, first);
    }
  }

 private:
  struct Key {
    double score;
    std::uint32_t index;
  };

  void rank(std::uint32_t video) {
    keys_.clear();
    for (const auto index : data_.predictions_of(video)) keys_.push_back({data_.predictions[index].score, index});
    if (rules_.ties == TieOrder::kReversed)
      std::sort(keys_.begin(), keys_.end(),
                [](const Key& a, const Key& b) { return a.score != b.score ? a.score > b.score : a.index > b.index; });
    else
      std::sort(keys_.begin(), keys_.end(),
                [](const Key& a, const Key& b) { return a.score != b.score ? a.score > b.score : a.index < b.index; });
    std::uint64_t tied = 0;
    for (std::size_t i = 0; i < keys_.size(); ++i)
      tied += (i > 0 && keys_[i - 1].score == keys_[i].score) ||
              (i + 1 < keys_.size() && keys_[i + 1].score == keys_[i].score);
    if (tied > 0) tied_ += tied;
  }

  double overlap(const Segment& truth, std::size_t rank) const {
    const Segment& p = data_.predictions[keys_[rank].index].segment;
    if (!rules_.inclusive_frames) return tiou(truth, p);
    return tiou_inclusive({truth.start * fps_, truth.end * fps_}, {p.start * fps_, p.end * fps_});
  }

  void find(const Segment& truth, std::uint32_t* first) const {
    double best = -1;
    std::size_t open = m_.tiou.size();
    for (std::uint32_t rank = 0; rank < keys_.size() && open > 0; ++rank) {
      const double value = overlap(truth, rank);
      if (value <= best) continue;
      best = value;
      for (std::size_t t = 0; t < m_.tiou.size(); ++t)
        if (first[t] == ProposalMatch::kNever && value >= m_.tiou[t]) first[t] = rank, --open;
    }
  }

  // Among equal scores those that reach the threshold come first (kEarliest), or last.
  void find_bound(const Segment& truth, std::uint32_t* first) {
    for (std::uint32_t begin = 0, end = 0; begin < keys_.size(); begin = end) {
      while (end < keys_.size() && keys_[end].score == keys_[begin].score) ++end;
      overlaps_.clear();
      for (auto i = begin; i < end; ++i) overlaps_.push_back(overlap(truth, i));
      for (std::size_t t = 0; t < m_.tiou.size(); ++t) {
        if (first[t] != ProposalMatch::kNever) continue;
        const auto good = static_cast<std::uint32_t>(
            std::count_if(overlaps_.begin(), overlaps_.end(), [&](double value) { return value >= m_.tiou[t]; }));
        if (good > 0) first[t] = rules_.ties == TieOrder::kEarliest ? begin : end - good;
      }
    }
  }

  const Dataset& data_;
  const ProposalRules& rules_;
  ProposalMatch& m_;
  std::atomic<std::uint64_t>& tied_;
  std::vector<Key> keys_;
  std::vector<double> overlaps_;
  double fps_ = 1;
};

}  // namespace

ProposalMatch match_proposals(const Selection& s, const std::vector<double>& thresholds, const ProposalRules& rules) {
  if (thresholds.empty()) throw UsageError("--tiou: at least one threshold is needed");
  ProposalMatch m;
  m.tiou = thresholds;
  choose_videos(s, rules, m);
  m.first.assign(m.truth.size() * thresholds.size(), ProposalMatch::kNever);
  std::atomic<std::uint64_t> tied{0};
  parallel_for(m.videos.size(), rules.jobs, 64, [&] { return Finder(*s.data, rules, m, tied); });
  m.tied = tied;
  return m;
}

namespace {

// recall[threshold][point] when video v uses used(v, point) proposals, not falling over the points.
template <class Used>
void fill_recall(const ProposalMatch& m, std::size_t points, const std::vector<std::uint32_t>* weight,
                 ProposalResult& r, Used&& used) {
  const std::size_t count = m.tiou.size();
  r.recall.assign(count, std::vector<double>(points, 0));
  std::vector<std::uint32_t> limit(points);
  double positives = 0;
  for (std::size_t v = 0; v < m.videos.size(); ++v) {
    const std::uint32_t times = weight ? (*weight)[m.videos[v].video] : 1;
    const auto& entry = m.videos[v];
    if (!times || entry.truth_begin == entry.truth_end) continue;
    positives += static_cast<double>(times) * static_cast<double>(entry.truth_end - entry.truth_begin);
    for (std::size_t j = 0; j < points; ++j) limit[j] = used(entry, j);
    for (auto row = entry.truth_begin; row < entry.truth_end; ++row)
      for (std::size_t t = 0; t < count; ++t) {
        const auto first = m.first[row * count + t];
        if (first == ProposalMatch::kNever) continue;
        const auto j = static_cast<std::size_t>(std::upper_bound(limit.begin(), limit.end(), first) - limit.begin());
        if (j < points) r.recall[t][j] += times;
      }
  }
  r.instances = static_cast<std::uint64_t>(positives);
  r.ar.assign(points, 0);
  for (std::size_t t = 0; t < count; ++t) {
    double sum = 0;
    for (std::size_t j = 0; j < points; ++j) {
      sum += r.recall[t][j];
      r.recall[t][j] = positives > 0 ? sum / positives : 0;
      r.ar[j] += r.recall[t][j];
    }
  }
  for (auto& value : r.ar) value /= static_cast<double>(count);
}

}  // namespace

ProposalResult activitynet_curve(const ProposalMatch& m, double max_avg, const std::vector<std::uint32_t>* weight) {
  ProposalResult r;
  double n = static_cast<double>(m.outside), v = 0, total = 0;
  for (std::size_t i = 0; i < m.videos.size(); ++i) {
    const double times = weight ? (*weight)[m.videos[i].video] : 1;
    n += times * m.videos[i].proposals, v += times;
  }
  const double ratio = n > 0 ? max_avg * v / n : 0;
  const auto keep = [&](const ProposalMatch::Entry& entry) {
    return static_cast<std::uint32_t>(
        std::min(std::floor(entry.proposals * ratio), static_cast<double>(entry.proposals)));
  };
  for (std::size_t i = 0; i < m.videos.size(); ++i)
    total += (weight ? (*weight)[m.videos[i].video] : 1.0) * keep(m.videos[i]);
  r.videos = static_cast<std::uint64_t>(v), r.predictions = static_cast<std::uint64_t>(n);
  const double scale = total > 0 ? max_avg * v / total : 0;
  std::vector<double> part(100);
  for (int j = 0; j < 100; ++j) part[static_cast<std::size_t>(j)] = (j + 1) / 100.0 * scale;
  fill_recall(m, 100, weight, r, [&](const auto& entry, std::size_t j) {
    const std::uint32_t kept = keep(entry);
    return static_cast<std::uint32_t>(std::min(std::floor(kept * part[j]), static_cast<double>(kept)));
  });
  for (std::size_t j = 0; j < 100; ++j)
    r.an.push_back(total > 0 ? part[j] * (total / v) : static_cast<double>(j + 1) / 100 * max_avg);
  double area = 0;
  for (std::size_t j = 1; j < 100; ++j) area += (r.an[j] - r.an[j - 1]) * (r.ar[j] + r.ar[j - 1]) / 2;
  r.auc = 100 * area / r.an.back();
  return r;
}

ProposalResult thumos_curve(const ProposalMatch& m, const std::vector<std::uint32_t>* weight) {
  ProposalResult r;
  double n = 0, v = 0;
  for (std::size_t i = 0; i < m.videos.size(); ++i) {
    const double times = weight ? (*weight)[m.videos[i].video] : 1;
    n += times * m.videos[i].proposals, v += times;
  }
  r.videos = static_cast<std::uint64_t>(v), r.predictions = static_cast<std::uint64_t>(n);
  fill_recall(m, 200, weight, r, [&](const auto& entry, std::size_t j) {
    return static_cast<std::uint32_t>(entry.proposals * (static_cast<double>(j + 1) / 200));
  });
  for (int j = 1; j <= 200; ++j) r.an.push_back(v > 0 ? j / 200.0 * (n / v) : 0);
  return r;
}

double interpolate(const std::vector<double>& x, const std::vector<double>& y, double at) {
  if (x.size() < 2) return y.empty() ? 0 : y.front();
  auto i = static_cast<std::size_t>(std::lower_bound(x.begin(), x.end(), at) - x.begin());
  i = std::clamp<std::size_t>(i, 1, x.size() - 1);
  const double run = x[i] - x[i - 1];
  return run > 0 ? y[i - 1] + (y[i] - y[i - 1]) / run * (at - x[i - 1]) : y[i];
}

ProposalResult activitynet_recall(const Dataset& data) {
  Filter filter;
  filter.class_agnostic = true;
  const Selection selection = select(data, filter);
  return activitynet_curve(match_proposals(selection, linspace(0.5, 0.95, 10), {}), 100);
}

}  // namespace tal::eval
