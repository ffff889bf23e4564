#include "libtal/video/stream_clock.h"

#include <algorithm>
#include <cstdlib>

namespace tal {
namespace {

constexpr std::int64_t kClockSecond = 90000, kClockWrap = std::int64_t{1} << 33;
constexpr std::int64_t kClockJump = 10 * kClockSecond;     // as ffmpeg's -dts_delta_threshold
constexpr std::int64_t kLongestPause = 60 * kClockSecond;  // no longer pause is taken for one, if all was well before
constexpr std::int64_t kInterleaved = 5 * kClockSecond;    // streams of one recording are interleaved that closely

// The way around the clock that is shorter: libavformat, too, takes what lies far back for what comes after the wrap.
std::int64_t shorter_way(std::int64_t ticks) {
  const std::int64_t rest = ((ticks % kClockWrap) + kClockWrap) % kClockWrap;
  return rest >= kClockWrap / 2 ? rest - kClockWrap : rest;
}

}  // namespace

// Forwards it may be a pause of the pictures, or a loss whose gap shows: a joined recording begins with a key picture
// behind the torn end of the last one. Sound beside pictures does not pause before them.
bool StreamClock::jumps(const Track& track, std::int64_t by, bool key) const {
  if (by < 0 || has_gone(track, by)) return std::abs(by) > kClockJump;
  const bool joined = track.pictures ? track.torn > 0 && key : pictures_;
  return by > (joined ? kClockJump : kLongestPause) && by > 4 * track.longest &&
         !others_reach(track, track.end + by - kClockJump);
}

// Whether another stream has jumped by as much.
bool StreamClock::has_gone(const Track& track, std::int64_t by) const {
  return std::any_of(tracks_.begin(), tracks_.end(), [&](const auto& other) {
    return other.second.shift != track.shift && std::abs(by + other.second.shift - track.shift) < kInterleaved;
  });
}

// Whether another stream has come there on the same clock, so that only this one pauses.
bool StreamClock::others_reach(const Track& track, std::int64_t at) const {
  return std::any_of(tracks_.begin(), tracks_.end(), [&](const auto& other) {
    return &other.second != &track && other.second.shift == track.shift && other.second.end >= at;
  });
}

// That of a stream which has jumped already, so that both stay together; else what puts the packet right behind.
std::int64_t StreamClock::shared_shift(const Track& track, std::int64_t raw) const {
  for (const auto& [number, other] : tracks_)
    if (other.shift != track.shift && std::abs(raw + other.shift - track.end) < kInterleaved) return other.shift;
  return track.end - raw;
}

double StreamClock::place(AVPacket& packet, const AVStream& stream) {
  const auto type = stream.codecpar->codec_type;
  if (stream.pts_wrap_bits != 33 || (type != AVMEDIA_TYPE_VIDEO && type != AVMEDIA_TYPE_AUDIO)) return 0;
  // Where a packet states none, libavformat makes one of the packets before, from where the clock has jumped.
  if (packet.pts != AV_NOPTS_VALUE && packet.dts != AV_NOPTS_VALUE &&
      std::abs(shorter_way(packet.pts - packet.dts)) > kClockJump)
    packet.dts = packet.pts;
  const std::int64_t raw = packet.dts != AV_NOPTS_VALUE ? packet.dts : packet.pts;
  if (raw == AV_NOPTS_VALUE) return 0;
  const auto [found, fresh] = tracks_.try_emplace(packet.stream_index);
  Track& track = found->second;
  std::int64_t jump = 0;
  if (fresh) {
    track.shift = shift_, track.pictures = type == AVMEDIA_TYPE_VIDEO, pictures_ = pictures_ || track.pictures;
  } else {
    const std::int64_t by = raw + track.shift - track.end, way = shorter_way(by);
    if (jumps(track, way, (packet.flags & AV_PKT_FLAG_KEY) != 0))
      jump = way, track.shift = shift_ = shared_shift(track, raw);
    else if (std::abs(way) < kClockJump)
      track.shift += way - by;  // around the clock, where libavformat has not seen it
    if (jump == 0) track.longest = std::max(track.longest, std::abs(way));
  }
  if (packet.pts != AV_NOPTS_VALUE) packet.pts += track.shift;
  if (packet.dts != AV_NOPTS_VALUE) packet.dts += track.shift;
  track.end = raw + track.shift + packet.duration;
  track.torn = (packet.flags & AV_PKT_FLAG_CORRUPT) != 0 ? kTornBefore : std::max(0, track.torn - 1);
  return static_cast<double>(jump) / kClockSecond;
}

}  // namespace tal
