// What is wrong with detections, after DETAD (Alwassel, Caba Heilbron, Escorcia, Ghanem: Diagnosing Error in Temporal
// Action Detectors, ECCV 2018): kinds of false positives, what each kind costs, and how the score depends on the
// instances' properties.
#pragma once

#include <array>
#include <string>

#include "libtal/eval/evaluate.h"

namespace tal::eval {

// By the instance of largest tIoU in the video (of equals the first of the file): tIoU >= threshold is a double
// detection (own label) or a wrong label, tIoU >= 0.1 a localization error (own label) or a confusion, less is
// background.
enum class Kind : std::uint8_t {
  kTruePositive,
  kDoubleDetection,
  kWrongLabel,
  kLocalization,
  kConfusion,
  kBackground,
  kIgnored
};
inline constexpr std::size_t kKinds = 7;
inline constexpr std::array<const char*, kKinds> kKindNames = {
    "true positive", "double detection", "wrong label", "localization", "confusion", "background", "ignored"};
inline constexpr double kLeastOverlap = 0.1;
inline constexpr double kLeastPrecision = 0.05;  // DETAD's, of the detections that keep an instance from being missed
inline constexpr std::size_t kProfile = 10;  // ranges of the profile; predictions behind them do not count in the costs

struct Bucket {
  std::string name;
  std::uint64_t instances = 0;
  std::vector<double> recall;  // [threshold]
  // Mean over thresholds of the share that no detection finds while the normalised precision of its class, down to it,
  // is above kLeastPrecision. 0 without instances.
  double false_negatives = 0;
  // Mean over the classes with instances here, and thresholds, of AP with normalised precision; detections matched to
  // instances of other buckets are left out. 0 without instances.
  double average_map_n = 0;
};
struct Characteristic {
  std::string name;
  std::vector<Bucket> buckets;
  std::uint64_t unknown = 0;  // instances without the property (coverage without a duration)
};

struct Diagnosis {
  std::vector<std::vector<Kind>> kinds;  // [threshold][prediction]; kIgnored: not ranked, or excused
  // [k - 1][kind]: predictions ranked from (k - 1) n + 1 to k n in their class of n instances, mean over thresholds.
  std::array<std::array<double, kKinds>, kProfile> profile{};
  // Average mAP_N: precision is R N / (R N + F) with recall R, F false positives and N instances a class on average
  // (DETAD, section 3).
  double average_map_n = 0;                              // of the first kProfile n predictions of each class
  std::array<double, kKinds> gain{};                     // what it gains without the predictions of a kind
  std::vector<Characteristic> sensitivity;               // coverage, length, instances; over all predictions
  double sensitivity_base = 0;                           // average mAP_N of all predictions
  double false_negatives = 0;                            // of all instances, as Bucket has them
  std::vector<double> threshold, f1, precision, recall;  // [threshold]: the score threshold of the best F1 over all
                                                         // classes
};
Diagnosis diagnose(const Evaluated& run, const Scales& scales, int jobs);

// Recall of all proposals by length of the instance.
Characteristic recall_by_length(const Evaluated& run, const Scale& scale);

}  // namespace tal::eval
