// What libtal-video.so offers to the tools (libtal/stages/plugins.h).
#include "libtal/stages/plugins.h"
#include "libtal/stages/video/extract.h"
#include "libtal/video/frame_reader.h"
#include "libtal/video/opencv_info.h"
#include "libtal/video/synth_render.h"

namespace {
std::string versions() { return tal::opencv_version() + ", " + tal::libav_version(); }
}  // namespace

extern "C" const tal::VideoStages* tal_video_stages(int interface) {
  static const tal::VideoStages stages{versions, tal::extract_all, tal::write_video, tal::open_frames};
  return interface == tal::kPluginInterface ? &stages : nullptr;
}
