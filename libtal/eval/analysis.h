// Beyond the official scripts: intervals, paired comparison, kinds of false positives, oracles, two protocols against each other.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "libtal/eval/options.h"

namespace tal::eval {

// One evaluated result. The data set must outlive it.
struct Run {
  std::unique_ptr<Selection> selection;
  Matched matched;            // detection protocols
  DetectionResult detection;
  ProposalMatch proposal;     // proposal protocols
  ProposalResult curve;
  double score = 0;           // average_map; auc; AR@50 for thumos14-proposal
};
Run evaluate(const Dataset& data, const Protocol& protocol, int jobs);
// The score when video id v counts weight[v] times.
double resampled_score(const Run& run, const Protocol& protocol, const std::vector<std::uint32_t>& weight);

// Predictions that share their score with another one they are ranked with (class, or video for proposals).
std::uint64_t count_ties(const Run& run, const Protocol& protocol);
TieRange tie_range(const Run& run, const Protocol& protocol);

struct Interval {
  double low = 0, high = 0;  // 2.5 and 97.5 percent
};
// Scores of `samples` draws with replacement of the evaluated videos; the same seed draws the same videos, whatever `jobs`.
std::vector<double> bootstrap(const Run& run, const Protocol& protocol, int samples, std::uint64_t seed, int jobs);
Interval interval(std::vector<double> values);
// Two-sided: twice the smaller share of differences on either side of zero, (k + 1) / (n + 1).
double bootstrap_p_value(const std::vector<double>& a, const std::vector<double>& b);

// Kinds of predictions after DETAD (Alwassel et al., ECCV 2018): with the tIoU to any instance of the right or another label.
enum class Kind { kTruePositive, kDoubleDetection, kWrongLabel, kLocalization, kConfusion, kBackground, kIgnored };
inline constexpr std::array<const char*, 7> kKindNames = {"true positive", "double detection", "wrong label", "localization",
                                                          "confusion", "background", "ignored"};
struct Bucket {
  std::string name;
  std::uint64_t instances = 0;
  std::vector<double> recall;  // [threshold]
};
struct Diagnosis {
  std::vector<Kind> kinds;                                  // by prediction; kIgnored: not ranked
  std::array<std::array<std::uint64_t, 7>, 10> top{};       // [k - 1][kind]: the first k * instances of every class
  std::vector<Bucket> length, coverage, instances;
  std::vector<double> threshold, f1, precision, recall;     // [tiou]: the score threshold of the best F1 over all classes
};
// Kinds at matched.tiou[0].
Diagnosis diagnose(const Run& run);

// The data set with one step made perfect: boundaries (a prediction takes the instance of its label that it overlaps most, by 0.1 at
// least), labels (takes the label of the instance that it overlaps most, 0.1 at least), ranking (scores are overlaps), or all.
Dataset oracle(const Selection& selection, const std::string& step, bool labels_matter);

// Instances that one matching finds at a threshold and the other does not.
struct Disagreement {
  std::uint32_t video = 0, truth = 0;  // truth: index in Dataset::truths
  std::size_t threshold = 0;
  bool first_finds = false;
  std::string why;
};
std::vector<Disagreement> disagreements(const Run& a, const Run& b);

}  // namespace tal::eval
