// What libtal-video.so offers to the tools (libtal/stages/plugins.h).
#include "libtal/base/error.h"
#include "libtal/stages/plugins.h"
#include "libtal/stages/video/extract.h"
#include "libtal/video/decoder.h"
#include "libtal/video/frame_reader.h"
#include "libtal/video/opencv_info.h"
#include "libtal/video/player_clock.h"
#include "libtal/video/sound_decoder.h"
#include "libtal/video/synth_render.h"
#include "libtal/video/thumbnails.h"

namespace tal {
namespace {

std::string versions() { return opencv_version() + ", " + libav_version(); }

VideoFacts claims_of(const std::string& path) {
  try {
    const VideoDecoder decoder(path);
    return {decoder.claimed_duration(), decoder.fps(), decoder.claimed_count()};
  } catch (const Error&) {
    if (const auto sound = open_sound_alone(path)) return {sound->claimed_duration(), 0, 0};
    throw;
  }
}

}  // namespace
}  // namespace tal

extern "C" const tal::VideoStages* tal_video_stages(int interface) {
  static const tal::VideoStages stages{
      tal::versions,  tal::extract_all,     tal::write_video,           tal::open_frames,
      tal::claims_of, tal::make_thumbnails, tal::first_on_players_clock};
  return interface == tal::kPluginInterface ? &stages : nullptr;
}
