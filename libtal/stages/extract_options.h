// tal-extract: what the command line asks for (libtal/stages/plugins.h extracts).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/encoder/encoder_spec.h"

namespace tal {

struct ExtractOptions {
  std::vector<std::string> encoders = {"hog-hof"};  // NAME[@LAYER][:WEIGHTS]
  std::string fps;                 // sampled frames per second ("10", "30000/1001"); empty: every decoded frame
  std::int64_t stride = 8;         // frames at the sampled rate
  std::int64_t window = 16;        // frames at the sampled rate
  std::string tail = "drop";       // drop, pad, shift
  std::int64_t audio_stream = -1;  // of those of each file; -1: the one that ffmpeg takes
  EncoderOptions encoder;
  std::string out_dir = "features";
  std::string classes;     // file with one class name a line
  std::string flow_cache;  // folder; empty: none
  bool inline_data = false, half = false, resume = false, partial = false, dry_run = false, check = false,
       list_encoders = false;
  std::vector<std::string> videos;
  int id_folders = 0;        // of their paths that stay in the ids
  bool decode_ahead = true;  // on a thread of its own; without, frames stay in the processor's nearest cache: better
                             // when other videos fill the cores
  bool live = false;         // follow one video while it is being made
  double live_window = 30;   // seconds of a record
  double live_step = 0;      // seconds from one record's start to the next; 0: live_window
  std::string hwaccel;       // kind of device that decodes; empty: the processor
  std::int64_t video_stream = -1;  // number among a file's video streams; -1: ffmpeg's choice
  int decode_threads = 0;          // of the codec, for each video; 0: as many as there are cores
  double patience = 10;            // seconds without anything new that end a live video
};

ToolInfo extract_info();  // of tal-extract
void register_options(const Options& table, ExtractOptions& options);
// --fps as a number; 0: every decoded frame. UsageError outside (0, 1000].
double sampled_fps(const ExtractOptions& options);

// Opens libtal-video.so (plugins.h) and extracts; not where there is nothing to extract and no encoder to load.
// UsageError for values that contradict each other.
void extract(Tool& tool, const ExtractOptions& options);

}  // namespace tal
