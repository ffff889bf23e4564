// Average precision of detections: matching (specs: eval, protocols 1 and 4) and what is computed from it.
#pragma once

#include "libtal/eval/dataset.h"

namespace tal::eval {

inline constexpr std::size_t kMaxThresholds = 64;  // one bit each
using Mask = std::uint64_t;

enum class Matching {
  kActivityNet,  // by rank; each detection takes the free ground truth of largest tIoU, tIoU >= threshold; all-point envelope
  kThumosOfficial,  // ground truths in file order take the free detection of largest tIoU, strictly greater; Ambiguous excuses
};

// One ranked detection: what it is at every threshold. `overlap`: largest tIoU with an instance of its class (NaN for 0/0).
struct Ranked {
  std::uint32_t prediction = 0, video = 0;
  Mask hit = 0, ignored = 0;
  double overlap = 0;
};

struct Matched {
  const Selection* selection = nullptr;
  std::vector<double> tiou;
  bool envelope = true;
  std::vector<std::vector<Ranked>> classes;  // by class, in rank order
  std::vector<Mask> found;                   // by index in Dataset::truths: thresholds at which it was matched
};

// thresholds: 1 to kMaxThresholds values, any order. jobs: threads over classes.
Matched match(const Selection& selection, const std::vector<double>& thresholds, Matching matching, Ties ties, int jobs = 1);

// AP of one class with `positives` instances. weight: multiplicity by video id (bootstrap), null: 1 each. 0 without instances.
double average_precision(const Matched& matched, std::size_t cls, std::size_t threshold, double positives,
                         const std::vector<std::uint32_t>* weight = nullptr);

struct DetectionResult {
  std::vector<std::vector<double>> ap;  // [class][threshold]
  std::vector<double> map;              // [threshold]
  double average = 0;
};
DetectionResult detection_result(const Matched& matched, const std::vector<std::uint32_t>* weight = nullptr);

// Lowest and highest mean that the order of equal scores allows, every threshold at its own worst and best order:
// among equals, detections without a ground truth above the threshold come first (last); among the rest, input order.
struct TieRange {
  double lowest = 0, highest = 0;
};
TieRange detection_tie_range(const Selection& selection, const std::vector<double>& thresholds, Matching matching);

// Recall@kx: the first k * n predictions of a video and class, n = its ground truths there (specs: eval, protocol 5).
struct RecallAtK {
  std::vector<int> k;
  std::vector<std::vector<double>> recall, class_mean;             // [k][threshold]
  std::vector<std::vector<std::vector<double>>> classes;           // [class][k][threshold]
};
RecallAtK recall_at_k(const Selection& selection, const std::vector<double>& thresholds, const std::vector<int>& k, Ties ties);

}  // namespace tal::eval
