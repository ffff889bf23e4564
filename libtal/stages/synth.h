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

struct SynthOptions {
  SynthAnnotationOptions annotations;
  SynthFeatureOptions features;
  SynthVideosOptions videos;
};
ToolInfo synth_info();                                               // of tal-synth
void register_options(const Options& table, SynthOptions& options);  // one subcommand each
// What the chosen subcommand says. UsageError when options contradict each other; Error for files that cannot be
// written.
void synthesize(Tool& tool, const SynthOptions& options);

void register_options(const Options& table, SynthVideosOptions& options);
void write_videos(Tool& tool, const SynthVideosOptions& options);

}  // namespace tal
