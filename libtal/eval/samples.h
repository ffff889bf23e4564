// Detections judged sample by sample, as recognition of activities from sensors is: every sample of a video has one
// class, or none (null).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libtal/eval/dataset.h"
#include "libtal/eval/measure.h"

namespace tal::eval {

struct SampleRules {
  std::optional<double> rate;  // samples per second; none: the frame rate of each video
  double score_above = 0.3;    // detections that take part have a higher score
  bool highest_wins = true;    // of several detections of a sample; else the lowest score does. Equal scores: the later
                               // one of the stream
  double undefined = 0;        // precision, recall or F1 of a class where it is 0/0 (scikit-learn's zero_division)
  std::vector<std::string> classes;  // in the table and the means whether or not a sample has them
};

struct SampleScores {
  double precision = 0, recall = 0, f1 = 0;
};
struct SampleClass {
  std::string label;
  bool null = false;
  std::uint64_t samples = 0, predicted = 0;  // with this class in the ground truth, by the detections
  SampleScores scores;
};
struct SampleMeans {  // as scikit-learn's `average` calls them
  SampleScores macro, micro, weighted;
};
struct SampleVideo {
  std::uint32_t id = 0;
  std::uint64_t samples = 0;
  double accuracy = 0, f1 = 0;  // mean over all classes of the table
};
struct SampleResult {
  // null, where a sample has it or is given it; the rules' classes; those of the ground truth; those of detections
  // alone.
  std::vector<SampleClass> classes;
  std::vector<std::vector<std::uint64_t>> confusion;  // [class of the ground truth][class of the detections]: samples
  std::uint64_t samples = 0;
  std::uint64_t contested = 0;   // samples under annotations of several classes; the last one of the file counts
  std::uint64_t detections = 0;  // that took part
  double accuracy = 0;
  double balanced_accuracy = 0;         // mean recall of the classes of the ground truth
  std::optional<double> cohen_kappa;    // none: 0/0, all samples have one class
  double matthews = 0;                  // Gorodkin's correlation; 0 where it is 0/0
  SampleMeans with_null, without_null;  // over classes. Without null, its samples still are misses and false alarms.
  std::vector<SampleVideo> videos;
};

// Over the evaluated videos of the ground truth, whose annotations and detections outside a video's duration are cut
// off. A sample has an annotation's class when its middle lies in it (times that were made of samples give these back);
// a detection covers every sample that it touches, from floor(start * rate) to ceil(end * rate). Error with video and
// field for a video without a duration (or a rate, where the rules have none), or of more than 2^31 samples.
SampleResult evaluate_samples(const Selection& selection, const SampleRules& rules);

// The same as a protocol; its score is the mean F1 over classes, null too.
std::unique_ptr<Measured> samples_protocol(const Selection& selection, const SampleRules& rules);

}  // namespace tal::eval
