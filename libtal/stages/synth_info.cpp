// The manual of tal-synth, beside its options.
#include "libtal/stages/plugins.h"
#include "libtal/stages/synth.h"

namespace tal {

ToolInfo synth_info() {
  return {"tal-synth",
          "Make synthetic annotations, features or videos of known truth",
          "annotations writes records with durations and labelled segments, and on request proposals or detections of "
          "known recall, overlap and "
          "score quality. features reads records with annotations and adds a feature stream in which every class "
          "leaves its own signature under "
          "noise. videos renders small videos in which the motion of a shape is the action.\n\n"
          "Everything follows from --seed: the same seed gives the same bytes, whatever --jobs, and what one video "
          "holds does not depend "
          "on the others. Boundaries lie on frame times.",
          {{"A whole data set in one pipe",
            "tal-synth annotations -n 100 --seed 1 | tal-synth features --out-dir features --snr 0.5 > train.jsonl"},
           {"Detections whose quality is known, evaluated",
            "tal-synth annotations --proposals 50 --labelled --tiou 0.8 | tal-eval --protocol activitynet-detection"},
           {"Videos with actions", "tal-synth videos -n 3 --out-dir videos > videos.jsonl"}},
          {"tal-eval(1)", "tal-extract(1)", "tal-plot(1)"},
          {video_library}};
}

}  // namespace tal
