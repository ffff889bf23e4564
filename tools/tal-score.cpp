// tal-score: records with proposals -> the same records with final scores, and labels where a model gives them.
#include "libtal/stages/score.h"
#ifdef TAL_HAVE_TORCH
#include "libtal/nn/torch_info.h"
#include "libtal/stages/networks/models.h"
#endif
#ifdef TAL_HAVE_VIDEO
#include "libtal/video/frame_reader.h"
#include "libtal/video/opencv_info.h"
#endif

int main(int argc, char** argv) {
  tal::ToolInfo info = tal::score_info();
#ifdef TAL_HAVE_TORCH
  info.libraries = {tal::torch_version()};
#ifdef TAL_HAVE_VIDEO
  info.libraries.push_back(tal::opencv_version());
  tal::set_frame_opener(tal::open_frames);
#endif
#endif
  tal::Tool tool(info);
  tal::ScoreOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] {
    if (options.model.models.empty()) return tal::score_by_fusion(tool, options);
#ifdef TAL_HAVE_TORCH
    tal::run_model_stage(tool, options.model, tal::Stage::kScore);
#else
    throw tal::Error("this build has no LibTorch, so no models");
#endif
  });
}
