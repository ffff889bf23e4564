// The polyphonic sound detection score (Bilen et al., A Framework for the Robust Evaluation of Sound Event Detection,
// ICASSP 2020), as psds_eval computes it.
#pragma once

#include <string>
#include <vector>

#include "libtal/eval/dataset.h"

namespace tal::eval {

// The versions of psds_eval whose numbers differ. 0.5.3 divides a class's cross triggers by the number of the other
// classes, as the paper does, where 0.3.0 divides by all; in it segments that only touch do not meet, and events and
// detections of no length do not count.
enum class PsdsVersion { k030, k053 };

struct PsdsSetting {
  std::string name;
  double detection = 0.5;    // DTC: a detection is right if events of its class fill so much of it
  double truth = 0.5;        // GTC: an event is found if right detections of its class fill so much of it
  double cross = 0.3;        // CTTC: a wrong detection triggers on another class whose events fill so much of it
  double cross_weight = 0;   // alpha_CT, of cross triggers among false positives
  double spread_weight = 0;  // alpha_ST, of the spread over classes
  double max_rate = 100;     // effective false positives an hour
};
// Scenarios 1 and 2 of DCASE's task 4, since 2021.
const std::vector<PsdsSetting>& dcase_scenarios();

// One set of detections against the ground truth; all by class, in the order of the names.
struct SoundOperatingPoint {
  // [detected class][class of the ground truth]: found events on the diagonal, detections with cross triggers off it;
  // the last column counts false positives, the last row is 0.
  std::vector<std::vector<double>> counts;
  std::vector<double> found_share, false_rate;  // of events; an hour of all videos
  std::vector<std::vector<double>> cross_rate;  // [detected][other]: an hour of the other class's events
};

struct PsdsCurve {
  std::vector<double> rate, share;  // effective false positives an hour, effective share of found events
  double score = 0;                 // area up to max_rate / max_rate, of rectangles. NaN where 0.5.3 has 0/0: of one
                                    // class there are no others
};

// Classes and events of the ground truth, and how long all of it is.
class PsdsTruth {
 public:
  // Error with video and field when a video of the selection has no duration.
  explicit PsdsTruth(const Selection& selection, PsdsVersion version = PsdsVersion::k030);
  const std::vector<std::string>& classes() const { return classes_; }  // by name
  // Detections of other videos and classes do not count.
  SoundOperatingPoint judge(const std::vector<Prediction>& detections, const PsdsSetting& setting) const;

 private:
  bool counts(const Segment& segment) const { return version_ == PsdsVersion::k030 || segment.length() > 0; }
  bool meet(const Segment& a, const Segment& b) const;
  const Selection& s_;
  const PsdsVersion version_;
  std::vector<std::string> classes_;
  std::vector<std::int32_t> of_label_;
  std::vector<double> events_, hours_;  // by class
  double all_hours_ = 0;
};

PsdsCurve psds_curve(const std::vector<SoundOperatingPoint>& points, const PsdsSetting& setting,
                     PsdsVersion version = PsdsVersion::k030);

// Of each class at one operating point; NaN for a class of which no event is found, which the source leaves out of its
// mean.
std::vector<double> psds_f1(const SoundOperatingPoint& point);

}  // namespace tal::eval
