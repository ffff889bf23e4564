// What the stages of a pipe did with their time (--stats): at work, waiting for input, waiting for output.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libtal/plot/canvas.h"

namespace tal::plot {

// One process, as its lines of --stats tell it.
struct StageStats {
  struct Sample {                                   // since the process began
    double elapsed = 0, wait_in = 0, wait_out = 0;  // seconds
    double records_in = 0, bytes_in = 0, lines_out = 0, memory = 0;
    double working() const { return elapsed - wait_in - wait_out; }
  };
  std::string tool, host;
  std::uint64_t pid = 0;
  double started = 0;  // seconds since 1970
  double peak_memory = 0;
  std::optional<int> status;  // none: there is no last line
  std::vector<Sample> samples;
};

// Adds the processes of JSON lines that --stats wrote; several may share a file. Error with the place of a line that is
// no such line.
void read_stats(const std::string& text, const std::string& source, std::vector<StageStats>& stages);

// A row each, on one axis of time: those that run at the same time in the order of their process numbers, which is
// that of a shell pipe. The one that waits least, which the others wait for, is named.
Canvas draw_stats(std::vector<StageStats> stages, double width, const std::string& title);

}  // namespace tal::plot
