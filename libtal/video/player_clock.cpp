#include "libtal/video/player_clock.h"

#include <cmath>

#include "libtal/base/error.h"
#include "libtal/video/media_reader.h"

namespace tal {
namespace {

double first_frame_of(const std::string& path, bool sound) {
  DecodeOptions options;
  options.threads = 1, options.sound = sound;
  MediaReader reader(path, 0, options);
  const AVFrame* frame = reader.next();
  if (!frame) throw Error("'" + path + "': nothing of it can be decoded");
  const double stamp = reader.stamp(*frame);
  return std::isfinite(stamp) ? stamp - reader.claims().zero : 0;
}

}  // namespace

double first_on_players_clock(const std::string& path) {
  constexpr double kDelay = 0.1;  // seconds: what an encoder of sound puts in front, players take off
  try {
    return first_frame_of(path, false);
  } catch (const Error&) {
    try {
      const double at = first_frame_of(path, true);
      return at < kDelay ? 0 : at;
    } catch (const Error&) {  // no sound either: what is wrong with the pictures is said
    }
    throw;
  }
}

}  // namespace tal
