// tal-synth: nothing, or records with annotations -> records with synthetic annotations, features or videos of known truth.
#include "libtal/stages/plugins.h"
#include "libtal/stages/synth.h"

int main(int argc, char** argv) {
  tal::SynthAnnotationOptions truth;
  tal::SynthFeatureOptions features;
  tal::SynthVideosOptions videos;
  tal::Tool tool({"tal-synth", "Make synthetic annotations, features or videos of known truth",
                  "annotations writes records with durations and labelled segments, and on request proposals or detections of known recall, overlap and "
                  "score quality. features reads records with annotations and adds a feature stream in which every class leaves its own signature under "
                  "noise. videos renders small videos in which the motion of a shape is the action.\n\n"
                  "Everything follows from --seed: the same seed gives the same bytes, whatever --jobs, and what one video holds does not depend "
                  "on the others. Boundaries lie on frame times.",
                  {{"A whole data set in one pipe", "tal-synth annotations -n 100 --seed 1 | tal-synth features --out-dir features --snr 0.5 > train.jsonl"},
                   {"Detections whose quality is known, evaluated", "tal-synth annotations --proposals 50 --labelled --tiou 0.8 | tal-eval --protocol activitynet-detection"},
                   {"Videos with actions", "tal-synth videos -n 3 --out-dir videos > videos.jsonl"}},
                  {"tal-eval(1)", "tal-extract(1)", "tal-plot(1)"}, {tal::video_library}});
  tal::Options& table = tool.command_line();
  table.require_subcommand();
  tal::Options of_truth = table.subcommand("annotations", "Records with segments, and proposals of known quality"), of_features = table.subcommand("features", "Feature streams for records with annotations"),
               of_videos = table.subcommand("videos", "Video files with actions of known times");
  tal::register_options(of_truth, truth);
  tal::register_options(of_features, features);
  tal::register_options(of_videos, videos);
  return tool.run(argc, argv, [&] {
    const std::string chosen = table.chosen();
    if (chosen != "features") tool.refuse({"--input", "--jobs"}, chosen + ", which reads nothing");
    if (chosen == "annotations") tal::write_annotations(tool, truth);
    if (chosen == "features") tal::write_features(tool, features);
    if (chosen == "videos") tal::write_videos(tool, videos);
  });
}
