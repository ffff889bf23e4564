// The manual of tal-anchors, beside its options.
#include "libtal/stages/anchors.h"

namespace tal {

ToolInfo anchors_info() {
  return {
      "tal-anchors",
      "Make anchor proposals, label them, and tell what they could reach",
      "Reads records with a duration and replaces their proposals by anchors: at every row of a window, one segment "
      "for each scale, "
      "SCALE times the window long, around the row's centre. Each anchor stands once, row by row, scales in the given "
      "order, with score 1, in "
      "seconds. It is not clipped, so it may begin before 0 or end after the video, unless --clip is given.\n\n"
      "rpn-activitynet makes the 900 anchors of a window of 100 rows over the whole video. rpn-thumos14 makes 11 for "
      "every row of windows of 256 "
      "rows, 128 rows apart, that together cover the video; its rows take their time from the record's feature stream "
      "or from --row-seconds. Rows of "
      "padding behind the last feature have anchors too. --length 128 --stride 64 gives the paper's second setting.\n\n"
      "--vicinity adds \"vicinity\", the anchor and half its length on both sides. --label adds \"tiou\", the largest "
      "overlap with an annotation, "
      "\"annotation\", its position in the list (null when nothing overlaps), and \"role\": positive (from tIoU 0.7 "
      "on, or the best anchor of "
      "an annotation), hard-negative (0.1 to 0.3), or null. Annotations labelled Ambiguous do not count.\n\n"
      "--ceiling writes no records but one report: the part of all annotations that some anchor reaches at each tIoU, "
      "and the average recall when "
      "each video may use AN anchors and they are chosen knowing the truth. The choice is exact where annotations do "
      "not overlap and "
      "from as many anchors as annotations on; else it is a greedy one.",
      {{"Anchors of ActivityNet with labels for training", "tal-anchors --label < annotations.jsonl"},
       {"What the THUMOS14 anchors could reach, rows of 16 frames at 30 per second",
        "tal-anchors --preset rpn-thumos14 --row-seconds 8/15 --ceiling < annotations.jsonl"},
       {"The best result that five anchors a video could have",
        "tal-anchors --label --score tiou < annotations.jsonl | tal-nms --threshold 0.8 --top-k 5 | tal-eval "
        "--protocol activitynet-proposal"},
       {"A picture of them", "tal-anchors --clip < annotations.jsonl | tal-plot anchors -o anchors.html"}},
      {"tal-propose(1)", "tal-nms(1)", "tal-eval(1)", "tal-plot(1)"}};
}

}  // namespace tal
