// What one run has read and written so far, and how long it has waited for that (libtal/stream/stats.h writes it down).
#pragma once

#include <array>
#include <chrono>
#include <cstdint>
#include <mutex>
#include <string_view>

namespace tal {

struct StreamCounts {
  std::uint64_t records_in = 0, bytes_in = 0, lines_out = 0, bytes_out = 0;
  double wait_in = 0, wait_out = 0;  // seconds in reading and in writing, a wait that goes on included
};

// One thread reads and writes; any thread may look at the counts. A reader or writer without a meter counts nothing and
// asks for no time.
class StreamMeter {
 public:
  enum Side : std::size_t { kIn, kOut };

  void record() { add(1, 0); }                       // one more was read
  void read(std::uint64_t bytes) { add(0, bytes); }  // from the input
  void wrote(std::string_view bytes);                // to the output, where its lines are counted
  StreamCounts counts() const;

  // From here to the end of the scope the run waits for its input or its output. Not to be nested.
  class Wait {
   public:
    Wait(StreamMeter* meter, Side side) : meter_(meter), side_(side) {
      if (meter_) meter_->begin(side_);
    }
    ~Wait() {
      if (meter_) meter_->end(side_);
    }
    Wait(const Wait&) = delete;
    Wait& operator=(const Wait&) = delete;

   private:
    StreamMeter* meter_;
    Side side_;
  };

 private:
  using Clock = std::chrono::steady_clock;
  struct Waited {
    double seconds = 0;
    Clock::time_point since{};
    bool now = false;
  };
  void add(std::uint64_t records, std::uint64_t bytes);
  void begin(Side side);
  void end(Side side);

  mutable std::mutex mutex_;
  StreamCounts counts_;
  std::array<Waited, 2> waited_;
};

}  // namespace tal
