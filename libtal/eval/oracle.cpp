#include "libtal/eval/oracle.h"

#include "libtal/eval/diagnosis.h"

#include <algorithm>

namespace tal::eval {
namespace {

// The instance of the prediction's video that it overlaps most, of its label unless any_label.
std::pair<double, const Truth*> nearest(const Dataset& data, const Selection& s, const Prediction& p, bool any_label) {
  std::pair<double, const Truth*> best{0, nullptr};
  const Video& video = data.videos[p.video];
  for (std::uint32_t g = video.truth_begin; g < video.truth_end; ++g) {
    const Truth& truth = data.truths[g];
    if (!s.is_instance(g) || !(any_label || s.class_agnostic || truth.label == p.label)) continue;
    if (const double overlap = tiou(truth.segment, p.segment); overlap > best.first) best = {overlap, &truth};
  }
  return best;
}

// One instance and one prediction of its label.
struct Pair {
  double overlap;
  std::uint32_t truth, prediction;
};

std::vector<Pair> pairs_of(const Dataset& data, const Selection& s, std::uint32_t video) {
  std::vector<Pair> pairs;
  for (std::uint32_t g = data.videos[video].truth_begin; g < data.videos[video].truth_end; ++g)
    for (const auto index : data.predictions_of(video)) {
      const Prediction& p = data.predictions[index];
      if (!s.is_instance(g) || !(s.class_agnostic || data.truths[g].label == p.label)) continue;
      if (const double overlap = tiou(data.truths[g].segment, p.segment); overlap > 0)
        pairs.push_back({overlap, g, index});
    }
  std::stable_sort(pairs.begin(), pairs.end(), [](const Pair& a, const Pair& b) { return a.overlap > b.overlap; });
  return pairs;
}

void rank_perfectly(Dataset& data, const Selection& s) {
  for (auto& p : data.predictions) p.score = 0;
  std::vector<bool> found(data.truths.size(), false), chosen(data.predictions.size(), false);
  for (const auto video : s.videos)
    for (const auto& pair : pairs_of(data, s, video)) {
      double& score = data.predictions[pair.prediction].score;
      if (chosen[pair.prediction]) continue;
      if (!found[pair.truth]) found[pair.truth] = chosen[pair.prediction] = true, score = 1 + pair.overlap;
      else score = std::max(score, pair.overlap);
    }
}

}  // namespace

void make_perfect(Dataset& data, const Selection& s, const std::string& step) {
  if (step == "ranking") return rank_perfectly(data, s);
  for (auto& p : data.predictions) {
    const auto [overlap, truth] = nearest(data, s, p, step == "labels");
    if (overlap < kLeastOverlap) continue;
    if (step == "labels") p.label = truth->label;
    else p.segment = truth->segment;
  }
}

std::vector<OracleStep> oracle(const Evaluated& run, const Protocol& p, const std::string& step, int jobs) {
  Dataset data = *run.selection->data;
  std::vector<OracleStep> out;
  double before = run.score;
  for (const std::string name : kOracleSteps) {
    if (step != "all" ? step != name : name == "labels" && p.filter.class_agnostic) continue;
    make_perfect(data, *run.selection, name);
    const double score = evaluate(data, p, jobs).score;
    out.push_back({name, score, score - before});
    before = score;
  }
  return out;
}

}  // namespace tal::eval
