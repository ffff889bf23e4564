// tal-propose: records with features -> the same records with proposals.
#include "libtal/stages/propose.h"
#include "libtal/stream/video_records.h"
#ifdef TAL_HAVE_TORCH
#include "libtal/nn/torch_info.h"
#include "libtal/stages/networks/models.h"
#endif
#ifdef TAL_HAVE_VIDEO
#include "libtal/video/frame_reader.h"
#include "libtal/video/opencv_info.h"
#endif

int main(int argc, char** argv) {
  tal::ToolInfo info = tal::propose_info();
#ifdef TAL_HAVE_TORCH
  info.libraries = {tal::torch_version()};
#ifdef TAL_HAVE_VIDEO
  info.libraries.push_back(tal::opencv_version());
  tal::set_frame_opener(tal::open_frames);
#endif
#endif
  tal::Tool tool(info);
  tal::ProposeOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] {
    if (!options.by_models()) return tal::propose_by_grouping(tool, options);
    if (!options.videos.empty()) tal::read_videos_as_records(options.videos);
#ifdef TAL_HAVE_TORCH
    tal::run_propose(tool, options);
#else
    throw tal::Error("this build has no LibTorch, so no models");
#endif
  });
}
