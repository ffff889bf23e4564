#include "libtal/eval/spotting.h"

#include <algorithm>
#include <cmath>
#include <map>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal::eval {

const std::vector<std::string>& soccernet_classes() {
  static const std::vector<std::string> classes = {"Penalty",
                                                   "Kick-off",
                                                   "Goal",
                                                   "Substitution",
                                                   "Offside",
                                                   "Shots on target",
                                                   "Shots off target",
                                                   "Clearance",
                                                   "Ball out of play",
                                                   "Throw-in",
                                                   "Foul",
                                                   "Indirect free-kick",
                                                   "Direct free-kick",
                                                   "Corner",
                                                   "Yellow card",
                                                   "Red card",
                                                   "Yellow->red card"};
  return classes;
}

namespace {

constexpr double kFrameRate = 2;
constexpr int kLastFrame = 120 * 60 * 2 - 1;
constexpr std::size_t kScoreThresholds = 200;
constexpr int kTolerances[] = {1, 2, 3, 4, 5, 10, 15, 20, 25, 30, 35, 40, 45, 50, 55, 60};  // seconds
constexpr std::size_t kTight = 5;  // the first so many; loose begins with the last of them
constexpr std::size_t kCount = std::size(kTolerances);

enum Kind3 { kAll, kVisible, kUnshown, kKinds3 };
constexpr const char* kSuffix[] = {"", "_visible", "_unshown"};

struct Spot {
  double score;
  std::uint32_t video;
  bool shown;          // kind of the nearest ground truth
  std::uint32_t hits;  // bit t: at kTolerances[t]
};

struct SpotClass {
  std::vector<Spot> spots;                             // by falling score
  std::vector<std::pair<std::uint32_t, bool>> truths;  // video, shown
};

int frame_of(double seconds) {
  return static_cast<int>(std::clamp(std::trunc(kFrameRate * seconds), 0.0, static_cast<double>(kLastFrame)));
}

// The number of AP or of ground truths of a class under some kind.
struct SpotScores {
  std::vector<std::vector<double>> ap[kKinds3];  // [class][tolerance]
};

// Mean over tolerances [first, last] by the trapezoid rule; of one, itself.
double trapezoid(const std::vector<double>& values, std::size_t first, std::size_t last) {
  if (first == last) return values[first];
  double sum = 0;
  for (std::size_t i = first; i < last; ++i) sum += (values[i] + values[i + 1]) / 2;
  return sum / static_cast<double>(last - first);
}

class Spotting : public Measured {
 public:
  Spotting(const Selection& s, const SpottingRules& rules)
      : s_(s),
        data_(*s.data),
        rules_(rules),
        names_(data_, rules.classes, "SoccerNet-v2's"),
        classes_(rules.classes.size()) {
    for (const auto id : s.videos) add(id);
    for (auto& cls : classes_)
      std::stable_sort(cls.spots.begin(), cls.spots.end(), [](auto& a, auto& b) { return a.score > b.score; });
  }

  double score(const std::vector<std::uint32_t>* weight) const override {
    std::vector<double> means(kTight, 0);  // over classes, then over tolerances: as report() does, to the last digit
    for (std::size_t t = 0; t < kTight; ++t) {
      for (const auto& cls : classes_) means[t] += precision(cls, t, kAll, weight);
      means[t] /= static_cast<double>(classes_.size());
    }
    return trapezoid(means, 0, kTight - 1);
  }

  std::string score_name() const override { return "tight_map"; }

  void settings(nlohmann::ordered_json& out) const override {
    out["frame_rate"] = kFrameRate;
    out["loose"] = "5 to 60 s by 5", out["tight"] = "1 to 5 s by 1";
    out["score_thresholds"] = kScoreThresholds;
    out["ap"] = "11 points of recall";
    out["classes"] = rules_.classes.size();
    out["unshown_factor"] = rules_.unshown_factor;
  }

  void report(nlohmann::ordered_json& out) const override {
    std::vector<std::vector<double>> ap[kKinds3];
    for (int kind = kAll; kind < kKinds3; ++kind)
      for (const auto& cls : classes_) {
        auto& row = ap[kind].emplace_back();
        for (std::size_t t = 0; t < kCount; ++t) row.push_back(precision(cls, t, static_cast<Kind3>(kind), nullptr));
      }
    const auto each = [&](auto&& body) {
      body("loose", kTight - 1, kCount - 1), body("tight", std::size_t{0}, kTight - 1);
      for (std::size_t t = 0; t < kTight; ++t) body("at" + std::to_string(kTolerances[t]), t, t);
    };
    auto& scores = out["scores"];
    each([&](const std::string& name, std::size_t first, std::size_t last) {
      for (int kind = kAll; kind < kKinds3; ++kind) {
        std::vector<double> means(kCount, 0);  // over classes, then over tolerances
        for (const auto& row : ap[kind])
          for (std::size_t t = 0; t < kCount; ++t) means[t] += row[t];
        for (auto& mean : means) mean /= static_cast<double>(classes_.size());
        const double factor = kind == kUnshown && first != last ? rules_.unshown_factor : 1;
        scores[name + "_map" + kSuffix[kind]] = trapezoid(means, first, last) * factor;
      }
    });
    out["not_counted"] = not_counted_;
    out["classes"] = nlohmann::ordered_json::array();
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      const auto& truths = classes_[c].truths;
      nlohmann::ordered_json entry = {
          {"label", rules_.classes[c]},
          {"instances", truths.size()},
          {"unshown", std::count_if(truths.begin(), truths.end(), [](const auto& t) { return !t.second; })},
          {"predictions", classes_[c].spots.size()}};
      each([&](const std::string& name, std::size_t first, std::size_t last) {
        for (int kind = kAll; kind < kKinds3; ++kind) entry[name + kSuffix[kind]] = trapezoid(ap[kind][c], first, last);
      });
      out["classes"].push_back(std::move(entry));
    }
  }

 private:
  // By class: frame -> what the last event there says.
  template <class Value>
  using ByFrame = std::vector<std::map<int, Value>>;

  void add(std::uint32_t id) {
    ByFrame<bool> truth(classes_.size());
    ByFrame<double> found(classes_.size());
    const auto truths = data_.truths_of(id);
    for (std::size_t i = 0; i < truths.size(); ++i) {
      truth[names_.of_truth(id, i)][frame_of(truths[i].segment.start)] = truths[i].shown;
    }
    for (const auto index : data_.predictions_of(id)) {
      const Prediction& p = data_.predictions[index];
      const std::size_t cls = names_.of(p.label);
      if (cls == ProtocolClasses::kNone || p.score < 0) ++not_counted_;
      else found[cls][frame_of(p.segment.start)] = p.score;
    }
    for (std::size_t c = 0; c < classes_.size(); ++c) {
      for (const auto& [frame, shown] : truth[c]) classes_[c].truths.emplace_back(id, shown);
      match(id, truth[c], found[c], classes_[c].spots);
    }
  }

  static void match(std::uint32_t id, const std::map<int, bool>& truth, const std::map<int, double>& found,
                    std::vector<Spot>& out) {
    const std::size_t begin = out.size();
    std::vector<int> frames;
    for (const auto& [frame, score] : found) {
      out.push_back({score, id, shown_near(truth, frame), 0});
      frames.push_back(frame);
    }
    for (std::size_t t = 0; t < kCount; ++t) {
      const double reach = kTolerances[t] * kFrameRate / 2;
      for (const auto& [centre, shown] : truth) {
        auto i = static_cast<std::size_t>(
            std::lower_bound(frames.begin(), frames.end(), static_cast<double>(centre) - reach) - frames.begin());
        Spot* best = nullptr;
        for (; i < frames.size() && frames[i] <= centre + reach; ++i) {
          Spot& spot = out[begin + i];
          if (!(spot.hits >> t & 1) && (!best || spot.score > best->score)) best = &spot;
        }
        if (best) best->hits |= 1u << t;
      }
    }
  }

  // Whether the nearest ground truth is shown; the middle between two belongs to the later one.
  static bool shown_near(const std::map<int, bool>& truth, int frame) {
    if (truth.empty()) return false;
    const auto next = truth.upper_bound(frame);
    if (next == truth.begin()) return next->second;
    const auto before = std::prev(next);
    if (next == truth.end()) return before->second;
    return frame < (before->first + next->first) / 2 ? before->second : next->second;
  }

  double precision(const SpotClass& cls, std::size_t tolerance, Kind3 kind,
                   const std::vector<std::uint32_t>* weight) const {
    static const std::vector<double> thresholds = linspace(0, 1, kScoreThresholds);
    const auto counts = [&](bool shown) { return kind == kAll || shown == (kind == kVisible); };
    double instances = 0;
    for (const auto& [video, shown] : cls.truths)
      if (counts(shown)) instances += times(weight, video);
    if (instances == 0) return 0;
    double best[11] = {};  // precision at a recall of i / 10 or more
    double hits = 0, found = 0;
    std::size_t next = 0;
    for (std::size_t k = kScoreThresholds; k-- > 0;) {
      for (; next < cls.spots.size() && cls.spots[next].score >= thresholds[k]; ++next) {
        const Spot& spot = cls.spots[next];
        if (!counts(spot.shown)) continue;
        found += times(weight, spot.video);
        if (spot.hits >> tolerance & 1) hits += times(weight, spot.video);
      }
      const double here = found > 0 ? hits / found : 0, recall = hits / instances;
      for (int i = 0; i <= 10; ++i)
        if (recall >= i / 10.0) best[i] = std::max(best[i], here);
    }
    double sum = 0;
    for (const double value : best) sum += value;
    return sum / 11;
  }

  const Selection& s_;
  const Dataset& data_;
  const SpottingRules rules_;
  const ProtocolClasses names_;
  std::vector<SpotClass> classes_;
  std::uint64_t not_counted_ = 0;  // predictions of other classes, or with a score below 0
};

}  // namespace

std::unique_ptr<Measured> spotting(const Selection& s, const SpottingRules& rules) {
  return std::make_unique<Spotting>(s, rules);
}

}  // namespace tal::eval
