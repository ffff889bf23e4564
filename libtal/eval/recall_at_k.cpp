// Recall@kx: recall of the first k * n predictions of a video and class with n ground truths.
#include <algorithm>

#include "libtal/eval/detection.h"

namespace tal::eval {
namespace {

// The instances and ranked predictions of one class in one video.
struct Cell {
  std::vector<const Truth*> truths;
  std::vector<std::uint32_t> predictions;
};

// Rank of the first prediction that reaches each threshold; predictions.size() when none does.
std::vector<std::size_t> first_ranks(const Dataset& data, const Truth& truth, const std::vector<std::uint32_t>& ranked,
                                     const std::vector<double>& thresholds, bool strict) {
  std::vector<std::size_t> first(thresholds.size(), ranked.size());
  double best = -1;
  for (std::size_t i = 0; i < ranked.size(); ++i) {
    const double overlap = tiou(truth.segment, data.predictions[ranked[i]].segment);
    if (overlap <= best) continue;
    best = overlap;
    for (std::size_t t = 0; t < thresholds.size(); ++t)
      if (strict ? overlap > thresholds[t] : overlap >= thresholds[t]) first[t] = std::min(first[t], i);
  }
  return first;
}

void count_hits(const Dataset& data, Cell& cell, const std::vector<double>& thresholds, Ties ties,
                const RecallRules& rules, RecallAtK& r, std::size_t cls) {
  if (!rules.input_order)
    std::sort(cell.predictions.begin(), cell.predictions.end(), [&](auto a, auto b) {
      const double x = data.predictions[a].score, y = data.predictions[b].score;
      return x != y ? x > y : ties == Ties::kReversed ? a > b : a < b;
    });
  for (const Truth* truth : cell.truths) {
    const auto first = first_ranks(data, *truth, cell.predictions, thresholds, rules.strict);
    for (std::size_t i = 0; i < r.k.size(); ++i) {
      const std::size_t limit =
          std::min(cell.predictions.size(), static_cast<std::size_t>(r.k[i]) * cell.truths.size());
      for (std::size_t t = 0; t < thresholds.size(); ++t) r.classes[cls][i][t] += first[t] < limit;
    }
  }
}

// Counts of found instances become shares.
void finish(const Selection& s, RecallAtK& r) {
  for (std::size_t i = 0; i < r.k.size(); ++i)
    for (std::size_t t = 0; t < r.recall[i].size(); ++t) {
      for (std::size_t c = 0; c < r.classes.size(); ++c) {
        r.recall[i][t] += r.classes[c][i][t];
        r.classes[c][i][t] /= static_cast<double>(s.class_instances[c]);
        r.class_mean[i][t] += r.classes[c][i][t];
      }
      r.recall[i][t] /= static_cast<double>(s.counts.instances);
      r.class_mean[i][t] /= static_cast<double>(r.classes.size());
    }
}

}  // namespace

RecallAtK recall_at_k(const Selection& s, const std::vector<double>& thresholds, const std::vector<int>& k, Ties ties,
                      const RecallRules& rules) {
  const Dataset& data = *s.data;
  const std::vector zeros(k.size(), std::vector<double>(thresholds.size(), 0));
  RecallAtK r{k, zeros, zeros, std::vector(s.class_label.size(), zeros)};
  std::vector<Cell> cells(s.class_label.size());
  std::vector<std::size_t> touched;
  for (const auto id : s.videos) {
    for (std::uint32_t g = data.videos[id].truth_begin; g < data.videos[id].truth_end; ++g) {
      if (!s.is_instance(g)) continue;
      const auto cls = static_cast<std::size_t>(s.truth_class[g]);
      if (cells[cls].truths.empty()) touched.push_back(cls);
      cells[cls].truths.push_back(&data.truths[g]);
    }
    for (const auto index : data.predictions_of(id)) {
      const auto cls = s.class_of_label(data.predictions[index].label);
      if (cls >= 0 && !cells[static_cast<std::size_t>(cls)].truths.empty())
        cells[static_cast<std::size_t>(cls)].predictions.push_back(index);
    }
    for (const auto cls : touched) {
      count_hits(data, cells[cls], thresholds, ties, rules, r, cls);
      cells[cls] = {};
    }
    touched.clear();
  }
  finish(s, r);
  return r;
}

}  // namespace tal::eval
