// tal-synth: the subcommands annotations, features and videos.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/data/synth.h"
#include "libtal/data/synth_video.h"

namespace tal {

struct SynthVideosOptions {
  std::string out_dir = ".", prefix = "synth_";
  std::string container = "avi";  // or mp4
  int videos = 3;
  SynthVideoOptions video;  // each of them
};

void register_options(Options& table, SynthAnnotationOptions& options);
void register_options(Options& table, SynthFeatureOptions& options);
void register_options(Options& table, SynthVideosOptions& options);

// The subcommands. UsageError when options contradict each other; Error for files that cannot be written.
void write_annotations(Tool& tool, const SynthAnnotationOptions& options);
void write_features(Tool& tool, const SynthFeatureOptions& options);
void write_videos(Tool& tool, const SynthVideosOptions& options);

}  // namespace tal
