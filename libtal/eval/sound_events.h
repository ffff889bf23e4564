// Sound event detection: events by collars, by segments of time, and the polyphonic sound detection score, in one
// report.
#pragma once

#include "libtal/eval/collars.h"
#include "libtal/eval/measure.h"
#include "libtal/eval/psds.h"

namespace tal::eval {

struct SoundRules {
  CollarRules collars;
  std::vector<PsdsSetting> psds;
  PsdsVersion psds_version = PsdsVersion::k030;
  std::vector<double> thresholds;  // of scores, for the score's operating points where the data set has none
};

// Events of the stream against those of the ground truth; videos without ground truth count in what sed_eval has. The
// operating points of the score are the stream and the data set's further ones; where there is none, the detections
// above each threshold, and the stream as it is only where a threshold is below every score.
std::unique_ptr<Measured> sound_events(const Selection& selection, const SoundRules& rules, int jobs);

}  // namespace tal::eval
