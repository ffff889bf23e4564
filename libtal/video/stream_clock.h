// The clock of MPEG's transport and program streams. Where recordings were joined it jumps; what follows is put right
// behind what came before, in pictures and sound alike. That its 33 bits wrap around is no jump.
#pragma once

#include <cstdint>
#include <map>

#include "libtal/video/libav.h"

namespace tal {

class StreamClock {
 public:
  // The next packet of the file, of any stream: moves its time stamps. Seconds that the clock jumps there, back below
  // 0; 0: it goes on.
  double place(AVPacket& packet, const AVStream& stream);
  void restart() { tracks_.clear(), shift_ = 0; }  // where something else than the next packet comes

  // Packets, at most, from one of which pieces are missing to the next recording's first: parsers hold one back.
  static constexpr int kTornBefore = 2;

 private:
  struct Track {
    bool pictures = false;
    std::int64_t shift = 0, end = 0;  // ticks: of its time stamps; where its next packet is expected
    std::int64_t longest = 0;         // ticks between packets
    int torn = 0;                     // kTornBefore, less the packets since one of which pieces are missing
  };
  bool jumps(const Track& track, std::int64_t by, bool key) const;
  bool has_gone(const Track& track, std::int64_t by) const;
  bool others_reach(const Track& track, std::int64_t at) const;
  std::int64_t shared_shift(const Track& track, std::int64_t raw) const;
  std::map<int, Track> tracks_;
  bool pictures_ = false;   // whether any track has them
  std::int64_t shift_ = 0;  // of the last jump
};

}  // namespace tal
