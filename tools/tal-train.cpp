// tal-train: records with features (or videos) and annotations -> a model file.
#include "libtal/nn/torch_info.h"
#include "libtal/stages/networks/train.h"
#ifdef TAL_HAVE_VIDEO
#include "libtal/video/frame_reader.h"
#include "libtal/video/opencv_info.h"
#endif

int main(int argc, char** argv) {
  tal::ToolInfo info = tal::train_info();
  info.libraries = {tal::torch_version()};
#ifdef TAL_HAVE_VIDEO
  info.libraries.push_back(tal::opencv_version());
  tal::set_frame_opener(tal::open_frames);
#endif
  tal::Tool tool(info);
  tal::TrainCommand options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::train_command(tool, options); });
}
