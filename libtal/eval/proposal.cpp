#include "libtal/eval/proposal.h"

#include <algorithm>
#include <atomic>
#include <cmath>
#include <thread>

#include "libtal/base/error.h"

namespace tal::eval {

ProposalMatch match_proposals(const Selection& s, const std::vector<double>& thresholds, const ProposalRules& rules) {
  const Dataset& data = *s.data;
  if (thresholds.empty()) throw UsageError("--tiou: at least one threshold is needed");
  ProposalMatch m;
  m.tiou = thresholds;
  std::uint64_t rows = 0;
  const auto add = [&](std::uint32_t id) {
    ProposalMatch::Entry entry{id, static_cast<std::uint32_t>(data.predictions_of(id).size()), rows, rows};
    if (s.state[id] == State::kEvaluated)
      for (std::uint32_t g = data.videos[id].truth_begin; g < data.videos[id].truth_end; ++g)
        if (s.is_instance(data.truths[g])) m.truth.push_back(g), ++rows;
    entry.truth_end = rows;
    if (!rules.videos_from_proposals && entry.truth_begin == entry.truth_end) {
      m.outside += entry.proposals;
      return;
    }
    if (rules.inclusive_frames && entry.proposals > 0 && rows > entry.truth_begin && !(data.videos[id].fps > 0))
      throw Error("missing; this protocol counts in frames").at_field("fps").at_video(data.video_names.text(id));
    m.videos.push_back(entry);
  };
  if (rules.videos_from_proposals) {
    for (std::uint32_t id = 0; id < data.videos.size(); ++id)
      if (s.used(id) && !data.predictions_of(id).empty()) add(id);
  } else {
    for (const auto id : s.videos) add(id);
    for (std::uint32_t id = 0; id < data.videos.size(); ++id)
      if (s.used(id) && s.state[id] != State::kEvaluated) m.outside += data.predictions_of(id).size();
  }
  const std::size_t count = thresholds.size();
  m.first.assign(rows * count, ProposalMatch::kNever);

  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    struct Key {
      double score, overlap;
      std::uint32_t index;
    };
    std::vector<Key> keys;
    for (std::size_t block; (block = next.fetch_add(64)) < m.videos.size();) {
      for (std::size_t v = block; v < std::min(block + 64, m.videos.size()); ++v) {
        const auto& entry = m.videos[v];
        if (entry.truth_begin == entry.truth_end || entry.proposals == 0) continue;
        const double fps = rules.inclusive_frames ? data.videos[entry.video].fps : 1;
        const auto overlap = [&](const Segment& a, const Segment& b) {
          return rules.inclusive_frames ? tiou_inclusive({a.start * fps, a.end * fps}, {b.start * fps, b.end * fps}) : tiou(a, b);
        };
        keys.clear();
        for (const auto index : data.predictions_of(entry.video)) {
          Key key{data.predictions[index].score, 0, index};
          if (rules.ties == TieOrder::kBest || rules.ties == TieOrder::kWorst)
            for (auto row = entry.truth_begin; row < entry.truth_end; ++row)
              key.overlap = std::max(key.overlap, overlap(data.truths[m.truth[row]].segment, data.predictions[index].segment));
          keys.push_back(key);
        }
        std::sort(keys.begin(), keys.end(), [&](const Key& a, const Key& b) {
          if (a.score != b.score) return a.score > b.score;
          if (rules.ties == TieOrder::kReversed) return a.index > b.index;
          if (rules.ties != TieOrder::kInput && a.overlap != b.overlap)
            return rules.ties == TieOrder::kBest ? a.overlap > b.overlap : a.overlap < b.overlap;
          return a.index < b.index;
        });
        for (auto row = entry.truth_begin; row < entry.truth_end; ++row) {
          const Segment& truth = data.truths[m.truth[row]].segment;
          std::uint32_t* first = m.first.data() + row * count;
          double best = -1;
          std::size_t open = count;
          for (std::uint32_t rank = 0; rank < keys.size() && open > 0; ++rank) {
            const double value = overlap(truth, data.predictions[keys[rank].index].segment);
            if (value <= best) continue;
            best = value;
            for (std::size_t t = 0; t < count; ++t)
              if (first[t] == ProposalMatch::kNever && value >= thresholds[t]) first[t] = rank, --open;
          }
        }
      }
    }
  };
  std::vector<std::thread> threads;
  for (int i = 1; i < rules.jobs; ++i) threads.emplace_back(work);
  work();
  for (auto& thread : threads) thread.join();
  return m;
}

namespace {

// recall[threshold][point] when video v uses used(v, point) proposals, not falling over the points.
template <class Used>
void fill_recall(const ProposalMatch& m, std::size_t points, const std::vector<std::uint32_t>* weight, ProposalResult& r, Used&& used) {
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
    return static_cast<std::uint32_t>(std::min(std::floor(entry.proposals * ratio), static_cast<double>(entry.proposals)));
  };
  for (std::size_t i = 0; i < m.videos.size(); ++i) total += (weight ? (*weight)[m.videos[i].video] : 1.0) * keep(m.videos[i]);
  r.videos = static_cast<std::uint64_t>(v), r.predictions = static_cast<std::uint64_t>(n);
  const double scale = total > 0 ? max_avg * v / total : 0;
  std::vector<double> part(100);
  for (int j = 0; j < 100; ++j) part[static_cast<std::size_t>(j)] = (j + 1) / 100.0 * scale;
  fill_recall(m, 100, weight, r, [&](const auto& entry, std::size_t j) {
    const std::uint32_t kept = keep(entry);
    return static_cast<std::uint32_t>(std::min(std::floor(kept * part[j]), static_cast<double>(kept)));
  });
  for (std::size_t j = 0; j < 100; ++j) r.an.push_back(total > 0 ? part[j] * (total / v) : static_cast<double>(j + 1) / 100 * max_avg);
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

}  // namespace tal::eval
