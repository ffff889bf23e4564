// What a run does, second by second, as JSON lines (--stats): rates, waits, memory. Their members: tal(7).
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <mutex>
#include <string>
#include <thread>

#include "libtal/io/stream_meter.h"

namespace tal {

// Writes a line a second from a thread of its own, so that it goes on while the run waits, and never holds the run up:
// a line that a pipe cannot take at once is left out and counted. Lines are appended, each by one write(), so that all
// stages of a pipe, and runs on several machines, may share a file.
class Stats {
 public:
  // path: a file, which is made when there is none, a pipe or a device. Error with the path when it cannot be opened.
  Stats(std::string tool, std::string path);
  ~Stats();
  Stats(const Stats&) = delete;
  Stats& operator=(const Stats&) = delete;

  StreamMeter& meter() { return meter_; }
  // The last line, which has the run's exit status. "" when every line was written; else what became of them.
  std::string end(int status);

 private:
  using Clock = std::chrono::steady_clock;
  void run();
  void write_line(const int* status);
  bool open();  // false: a named pipe that nobody reads yet
  void put(const std::string& line);
  void stop();

  const std::string tool_, path_;
  std::string host_;
  double began_;  // seconds since 1970
  const Clock::time_point start_ = Clock::now();
  Clock::time_point last_ = start_;
  StreamCounts before_;
  StreamMeter meter_;
  int fd_ = -1;
  std::uint64_t left_out_ = 0;
  std::string fault_;  // after which no line is written
  bool gone_ = false;  // the reader went away
  std::mutex mutex_;
  std::condition_variable wake_;
  bool ended_ = false;
  std::thread thread_;
};

}  // namespace tal
