// The manual of tal-plot, beside its options.
#include "libtal/stages/plot.h"
#include "libtal/stages/plugins.h"

namespace tal::plot {

ToolInfo plot_info() {
  return {
      "tal-plot",
      "Draw segments, curves and maps",
      "Draws one picture from a stream of records (timeline, anchors, compare, heatmap), or from results of tal-eval "
      "and "
      "training logs (curves). The extension of --output chooses SVG, HTML or PNG; each is one file that needs nothing "
      "else. HTML shows details under the pointer and zooms along the time axis. view makes a page that plays the "
      "videos.\n\n"
      "timeline and compare draw a panel for each video, with a row for each label: ground truth as solid bars, "
      "proposals or detections as "
      "bars whose colour is the fuller the higher the score. Where more overlap than five lanes can hold, height is "
      "the score. anchors draws each "
      "segment at the height of its length and marks those that cover a ground truth. What is left out for want of "
      "room is counted in the "
      "picture.\n\n"
      "view writes one HTML page, to be kept where the videos are reached by the same relative paths: they play above "
      "a "
      "timeline of labels (the ground truth) and what was found. A click seeks, a slider chooses scores, edges are "
      "dragged, what was found is accepted as a "
      "label; everything can be undone, done by keys (? lists them), and exported as records, for ELAN or for Label "
      "Studio. In the records that it exports, annotations are the labels; all other members are what they were, byte "
      "for byte, and history has a step more where annotations differ. Dense maps and inline features are in neither. "
      "ELAN's and Label Studio's files are those of tal-convert --to; what they round or leave out is said. "
      "All times are the record's, whose time 0 is the first picture, even where a player begins to count before it. "
      "Browsers play MP4 with H.264, WebM and sound; of other videos the page shows the timeline, and says so.\n\n"
      "heatmap draws the dense maps of a record (inline, or arrays in files), or its feature streams with time to the "
      "right, or .npy files.\n\n"
      "stats draws what --stats of any tools wrote: a row a process, on one axis of time, with the shares of its time "
      "that it was at work, waited for its input, and waited for its output to be taken. The stage that waits least is "
      "the one that the others wait for.\n\n"
      "curves understands what tal-eval writes (--format json and --curves) and JSON lines with epoch or step. Colours "
      "are told apart with "
      "colour blindness (Okabe and Ito; viridis for maps), and SVG and HTML follow the viewer's light or dark setting. "
      "PNG has a font of its own for Latin letters, and the same bytes everywhere; texts with other "
      "characters are set by Pango in the fonts of the system (libtal-text.so; tal-plot --version -v says whether it "
      "is "
      "there). Without it, or without a font, boxes stand for them, which a warning names.",
      {{"Look at detections beside their videos, and correct them", "tal-plot view -i detections.jsonl -o view.html"},
       {"Detections against ground truth, as a page to zoom in",
        "tal-plot timeline -i detections.jsonl --gt truth.jsonl -o timeline.html"},
       {"One video as a bitmap", "tal-plot timeline -i detections.jsonl --video v_1 -o v_1.png"},
       {"The recall curves of two proposal methods", "tal-plot curves bsn.json grouping.json -o recall.svg"},
       {"What the features of a video look like", "tal-plot heatmap -i features.jsonl --each-row -o features.png"},
       {"Which stage holds the pipe up",
        "TAL_STATS=stats.jsonl tal-detect a.mp4 > found.jsonl; tal-plot stats stats.jsonl -o stats.svg"},
       {"Where two results differ", "tal-plot compare -i before.jsonl --with after.jsonl -o difference.html"}},
      {"tal-eval(1)", "tal-anchors(1)", "tal-synth(1)"},
      {text_library, video_library}};
}

}  // namespace tal::plot
