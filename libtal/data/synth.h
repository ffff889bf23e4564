// Synthetic data with known truth: annotations, proposals of known quality, and feature streams. The same seed gives
// the same bytes on every machine: own generator, own normal distribution, only operations that IEEE 754 rounds
// exactly.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/features.h"
#include "libtal/io/record.h"

namespace tal {

// Counter-based generator, so that a value can be made again without those before it: value i of a stream is
// splitmix64's mix of key + i steps (libtal/base/random.h). The key comes from the seed and a name: what is drawn for
// one video does not depend on the others.
class SynthRandom {
 public:
  SynthRandom(std::uint64_t seed, std::string_view name);
  std::uint64_t next();
  double uniform();  // [0, 1), 53 bits
  double uniform(double low, double high) { return low + uniform() * (high - low); }
  std::int64_t integer(std::int64_t low, std::int64_t high);  // both included, unbiased
  double normal();                                            // mean 0, variance 1 (Marsaglia's polar method)

 private:
  std::uint64_t key_, counter_ = 0;
  bool spare_given_ = false;
  double spare_ = 0;
};

// Natural logarithm by +, *, / alone (std::log differs in the last bit between machines); x > 0.
double portable_log(double x);

struct SynthAnnotationOptions {
  int videos = 10, classes = 5;  // class_00, class_01, ...
  std::string prefix = "synth_", subset;
  double fps = 25;
  double min_duration = 30, max_duration = 120;  // seconds
  int min_instances = 1, max_instances = 5;      // per video; fewer when they do not fit
  double min_length = 2, max_length = 15;        // seconds
  double min_gap = 0.5;                          // seconds between instances, and to the video's ends
  double overlap = 0;                            // probability that an instance lies anywhere, over others too
  int proposals = 0;                             // per video; more when more truths than that are found
  double recall = 0.9;                           // probability that a truth is found
  double tiou = 0.7;                             // a found truth's proposal has a tIoU in [tiou, 1] with it
  double false_tiou = 0.3;                       // all others stay at or below this with every truth
  double separation = 2;      // of true and false scores, in standard deviations, before squashing to (0, 1)
  bool labelled = false;      // detections
  double label_accuracy = 1;  // probability that a true proposal carries its truth's label
};

struct SynthFeatureOptions {
  std::string out_dir, stream = "synth", kind = "signature";
  bool inline_data = false, half = false;
  int dim = 64;                      // columns (kind signature; scores has one column a class)
  double fps = 0;                    // sampled frames per second; 0 = the record's, else 25
  double stride = 8, window = 8;     // sampled frames
  double snr = 1;                    // RMS of a signature over the RMS of the noise
  double noise = 1;                  // RMS of the noise; 0 = none, the signature then has RMS `snr`
  double correlation = 0;            // of the noise from row to row (first-order autoregressive), [0, 1)
  std::vector<std::string> classes;  // kind scores: the columns; empty = the record's labels, sorted
};

// Video `index`: duration, fps, frames, annotations (boundaries on frame times k / fps) and, if asked for, proposals
// by falling score. Error when a false proposal finds no place.
Record make_annotations(const SynthAnnotationOptions& options, std::uint64_t seed, std::uint64_t index);

// A segment inside [0, duration] whose tIoU with `truth` is `quality` (0 < quality <= 1): shifted or shortened, as
// `random` decides.
Segment degrade(const Segment& truth, double duration, double quality, SynthRandom& random);

// The unit-RMS signature of a class: depends on seed, label and dim only, so that training and test sets agree.
std::vector<float> class_signature(std::uint64_t seed, std::string_view label, int dim);

// Rows floor((frames - window) / stride) + 1, at least one. Row g is the sum of the annotations' signatures, each times
// the part of the row's frames that it covers, plus noise (signature); or one column a class with that part plus noise
// / snr, clipped to [0, 1] (scores). Error without a duration, or labels where columns need them, and for more than 1
// GB.
FeatureMatrix make_features(const Record& record, const SynthFeatureOptions& options, std::uint64_t seed,
                            FeatureStream& stream);

}  // namespace tal
