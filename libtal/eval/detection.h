// Average precision of detections: matching by ActivityNet's and THUMOS14's rules, and what is computed from it.
#pragma once

#include "libtal/eval/dataset.h"

namespace tal::eval {

inline constexpr std::size_t kMaxThresholds = 64;  // one bit each
using Mask = std::uint64_t;

// The rules in which the detection protocols differ; the two that are in use have names.
struct Matching {
  bool strict = false;    // a match needs tIoU > threshold instead of >=
  bool by_truth = false;  // instances in file order take the free detection of largest tIoU; else detections, by rank,
                          // the free instance
  bool ambiguous_excuses = false;  // an unmatched detection that overlaps an Ambiguous segment is left out instead of a
                                   // false positive
  bool envelope = true;     // AP is the all-point envelope (VOC 2011); else the sum of precisions at true positives /
                            // instances
  bool normalised = false;  // precision is as if each class had the mean number of instances (DETAD, section 3)
  static const Matching kActivityNet, kThumosOfficial;
};
inline constexpr Matching Matching::kActivityNet{};
inline constexpr Matching Matching::kThumosOfficial{true, true, true, false};

// One ranked detection: at which thresholds it is a true positive, and at which it is left out.
struct Ranked {
  std::uint32_t prediction = 0, video = 0;
  Mask hit = 0, ignored = 0;
};

struct Matched {
  static constexpr std::uint32_t kNobody = 0xffffffffu;
  const Selection* selection = nullptr;
  std::vector<double> tiou;
  bool envelope = true, normalised = false;
  std::vector<std::vector<Ranked>> classes;  // by class, in rank order
  std::uint64_t tied = 0;                    // predictions whose score another one of their class has too
  std::vector<std::uint32_t> finder;  // [index in Dataset::truths][threshold]: the prediction that was matched, or
                                      // kNobody
  std::uint32_t found_by(std::uint32_t truth, std::size_t threshold) const {
    return finder[truth * tiou.size() + threshold];
  }
  bool found(std::uint32_t truth, std::size_t threshold) const { return found_by(truth, threshold) != kNobody; }
};

// thresholds: 1 to kMaxThresholds values, any order (UsageError otherwise). jobs: threads over classes.
Matched match(const Selection& selection, const std::vector<double>& thresholds, const Matching& matching, Ties ties,
              int jobs = 1);

// tIoU as the official code divides: 0/0 is NaN, which it sorts before all others and which is "not below" a threshold.
inline double kit_tiou(const Segment& a, const Segment& b) {
  const double inter = std::max(0.0, std::min(a.end, b.end) - std::max(a.start, b.start));
  return inter / (a.length() + b.length() - inter);
}
inline bool reaches(double overlap, double threshold, bool strict) {
  return strict ? overlap > threshold : !(overlap < threshold);
}

// Precision at every true positive of a ranked list, which is all that its AP needs. worth: what a true positive counts
// beside a false one; other than 1 for DETAD's normalised precision.
class PrecisionCurve {
 public:
  explicit PrecisionCurve(double worth = 1) : worth_(worth) {}
  void clear() { precision_.clear(), hits_ = misses_ = 0; }
  void hit() { hits_ += worth_, precision_.push_back(hits_ / (hits_ + misses_)); }
  void miss(double times = 1) { misses_ += times; }
  void set_misses(double misses) { misses_ = misses; }
  // AP with `positives` instances (0: 0): the all-point envelope, or the sum of precisions / positives. Call once.
  double area(double positives, bool envelope);

 private:
  std::vector<double> precision_;
  double worth_ = 1, hits_ = 0, misses_ = 0;
};

// AP of one class with `positives` instances at each threshold. worth: that of PrecisionCurve. weight: multiplicity by
// video id (bootstrap), null: 1 each. 0 without instances.
std::vector<double> average_precisions(const Matched& matched, std::size_t cls, double positives, double worth = 1,
                                       const std::vector<std::uint32_t>* weight = nullptr);
// What a true positive of the class counts beside a false one: 1, or, where precision is normalised, the mean number of
// instances of a class / that of this one.
double worth_of(const Selection& selection, bool normalised, std::size_t cls);

struct DetectionResult {
  std::vector<std::vector<double>> ap;  // [class][threshold]
  std::vector<double> positives;        // [class]: instances, as the videos count
  std::vector<double> map;              // [threshold]
  double average = 0;
};
DetectionResult detection_result(const Matched& matched, const std::vector<std::uint32_t>* weight = nullptr);
// ActivityNet's protocol as it stands, tIoU 0.5:0.05:0.95. What a training is validated and an ensemble weighed by.
DetectionResult activitynet_precision(const Dataset& data);

struct RecallRules {
  bool input_order = false;  // predictions count in the order of the input, not of their scores
  bool strict = false;       // tIoU > threshold instead of >=
};

// Recall@kx: the first k * n predictions of a video and class, n = its ground truths there.
struct RecallAtK {
  std::vector<int> k;
  std::vector<std::vector<double>> recall, class_mean;    // [k][threshold]
  std::vector<std::vector<std::vector<double>>> classes;  // [class][k][threshold]
};
RecallAtK recall_at_k(const Selection& selection, const std::vector<double>& thresholds, const std::vector<int>& k,
                      Ties ties, const RecallRules& rules = {});

}  // namespace tal::eval
