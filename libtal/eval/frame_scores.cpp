#include "libtal/eval/frame_scores.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal::eval {

const std::vector<std::string>& charades_classes() {
  static const std::vector<std::string> classes = [] {
    std::vector<std::string> names;
    for (int i = 0; i < 157; ++i) {
      char name[8];
      std::snprintf(name, sizeof name, "c%03d", i);
      names.emplace_back(name);
    }
    return names;
  }();
  return classes;
}

namespace {

constexpr double kSameTime = 1e-3;  // seconds; times in files are rounded

class FrameScores : public Measured {
 public:
  FrameScores(const Selection& s, const FrameScoreRules& rules)
      : s_(s), data_(*s.data), rules_(rules), classes_(data_, rules.classes, "Charades'") {
    const std::size_t rows = s.videos.size() * points();
    score_.assign(rules.classes.size(), std::vector<double>(rows, -std::numeric_limits<double>::infinity()));
    on_.assign(rules.classes.size(), std::vector<bool>(rows, false));
    for (std::size_t v = 0; v < s.videos.size(); ++v) add(v);
    for (const auto& scores : score_) {
      auto& order = order_.emplace_back(rows);
      for (std::uint32_t i = 0; i < rows; ++i) order[i] = i;
      std::stable_sort(order.begin(), order.end(), [&](auto a, auto b) { return scores[a] > scores[b]; });
    }
  }

  double score(const std::vector<std::uint32_t>* weight) const override {
    double sum = 0, classes = 0;
    for (std::size_t c = 0; c < order_.size(); ++c)
      if (const double n = positives(c, weight); n > 0) sum += precision(c, n, weight), ++classes;
    return classes > 0 ? sum / classes : 0;
  }

  std::string score_name() const override { return "map"; }

  void settings(nlohmann::ordered_json& out) const override {
    out["points_a_video"] = rules_.points;
    out["classes"] = rules_.classes.size();
    out["ap"] = "sum of precisions at positives", out["ties"] = "order of the ground truth";
  }

  void report(nlohmann::ordered_json& out) const override {
    double sum = 0, weighted = 0, all = 0, classes = 0;
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (std::size_t c = 0; c < order_.size(); ++c) {
      const double n = positives(c, nullptr), ap = precision(c, n, nullptr);
      list.push_back({{"label", rules_.classes[c]}, {"positives", static_cast<std::uint64_t>(n)}, {"ap", nullptr}});
      if (n == 0) continue;
      list.back()["ap"] = ap;
      sum += ap, ++classes, weighted += n * ap, all += n;
    }
    const bool complete = classes == static_cast<double>(order_.size());
    out["scores"] = {{"map", classes > 0 ? sum / classes : 0},
                     {"map_as_written", complete ? nlohmann::ordered_json(sum / classes) : nullptr},
                     {"weighted_ap", all > 0 ? weighted / all : 0}};
    out["points"] = s_.videos.size() * points();
    out["classes_with_positives"] = static_cast<std::uint64_t>(classes);
    out["without_score"] = unscored_;
    out["classes"] = std::move(list);
  }

 private:
  std::size_t points() const { return static_cast<std::size_t>(rules_.points); }

  void add(std::size_t v) {
    const std::uint32_t id = s_.videos[v];
    const double duration = data_.videos[id].duration;
    const auto wrong = [&](const std::string& what, const std::string& field) {
      return Error(what).at_field(field).at_video(data_.video_names.text(id));
    };
    if (!(duration > 0)) throw wrong("missing; the points in time are parts of it", "duration");
    std::vector<double> times;
    for (int j = 0; j < rules_.points; ++j) times.push_back(static_cast<double>(j) / rules_.points * duration);
    const auto truths = data_.truths_of(id);
    for (std::size_t i = 0; i < truths.size(); ++i) {
      const std::size_t cls = classes_.of_truth(id, i);
      for (std::size_t j = 0; j < times.size(); ++j)
        if (truths[i].segment.start <= times[j] && times[j] <= truths[i].segment.end) on_[cls][v * points() + j] = true;
    }
    std::vector<bool> scored(points(), false);
    for (const auto index : data_.predictions_of(id)) {
      const Prediction& p = data_.predictions[index];
      const std::size_t cls = classes_.of(p.label);
      std::size_t first = 0, last = times.size();
      if (p.segment.length() == 0) {
        const double j = std::round(p.segment.start / duration * rules_.points);
        if (!(j >= 0 && j < rules_.points) ||
            std::abs(times[static_cast<std::size_t>(j)] - p.segment.start) > kSameTime)
          throw wrong("a prediction at " + format_number(p.segment.start) + " s is at none of the " +
                          std::to_string(rules_.points) + " points j / " + std::to_string(rules_.points) + " of " +
                          format_number(duration) + " s",
                      "proposals");
        first = static_cast<std::size_t>(j), last = first + 1;
      } else {
        while (first < times.size() && times[first] < p.segment.start) ++first;
        while (last > first && times[last - 1] > p.segment.end) --last;
      }
      for (std::size_t j = first; j < last; ++j) {
        scored[j] = true;
        if (cls == ProtocolClasses::kNone) continue;
        double& best = score_[cls][v * points() + j];
        best = std::max(best, p.score);
      }
    }
    unscored_ += static_cast<std::uint64_t>(std::count(scored.begin(), scored.end(), false));
  }

  std::uint32_t video_of(std::size_t row) const { return s_.videos[row / points()]; }

  double positives(std::size_t cls, const std::vector<std::uint32_t>* weight) const {
    double n = 0;
    for (std::size_t row = 0; row < on_[cls].size(); ++row)
      if (on_[cls][row]) n += times(weight, video_of(row));
    return n;
  }

  double precision(std::size_t cls, double positives, const std::vector<std::uint32_t>* weight) const {
    double found = 0, seen = 0, sum = 0;
    for (const auto row : order_[cls]) {
      const double n = times(weight, video_of(row));
      seen += n;
      if (on_[cls][row] && n > 0) found += n, sum += n * (found / seen);
    }
    return positives > 0 ? sum / positives : 0;
  }

  const Selection& s_;
  const Dataset& data_;
  const FrameScoreRules rules_;
  const ProtocolClasses classes_;
  // [class][video * points + j]
  std::vector<std::vector<double>> score_;
  std::vector<std::vector<bool>> on_;
  std::vector<std::vector<std::uint32_t>> order_;  // rows by falling score
  std::uint64_t unscored_ = 0;                     // points without a prediction of any class
};

}  // namespace

std::unique_ptr<Measured> frame_scores(const Selection& s, const FrameScoreRules& rules) {
  return std::make_unique<FrameScores>(s, rules);
}

}  // namespace tal::eval
