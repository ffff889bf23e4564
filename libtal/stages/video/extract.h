// Feature extraction of whole videos: decode, sample, encode windows, write streams and their headers (tal-extract).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/encoder/picture/factory.h"
#include "libtal/io/record.h"

namespace tal {

struct ExtractOptions {
  std::vector<std::string> encoders = {"hog-hof"};  // NAME[@LAYER][:WEIGHTS]
  std::string fps;               // sampled frames per second ("10", "30000/1001"); empty: every decoded frame
  std::int64_t stride = 8;       // frames at the sampled rate
  std::int64_t window = 16;      // frames at the sampled rate
  std::string tail = "drop";     // drop, pad, shift
  EncoderOptions encoder;
  std::string out_dir = "features";
  std::string classes;           // file with one class name a line
  std::string flow_cache;        // folder; empty: none
  bool inline_data = false, half = false, resume = false, partial = false, dry_run = false, check = false;
  std::vector<std::string> videos;
  bool decode_ahead = true;      // on a thread of its own; without, frames stay in the processor's nearest cache: better when other videos fill the cores
  bool live = false;             // follow one video while it is being made
  double live_window = 30;       // seconds of a record
  double live_step = 0;          // seconds from one record's start to the next; 0: live_window
  double patience = 10;          // seconds without anything new that end a live video
};

ToolInfo extract_info();  // of tal-extract
void register_options(const Options& table, ExtractOptions& options);
// Conflicts between options; UsageError.
void check_options(const ExtractOptions& options);

struct Extracted {
  std::vector<std::string> notes;  // for stderr: what the container claimed, where --partial cut
};

struct PlannedStream {
  std::string name, path;  // path: "" with --inline
  std::int64_t dim = 0;
  std::optional<std::int64_t> bytes;  // of the values
};

// What extraction of one video would give, by its container's claim; what that leaves open has no value.
struct Planned {
  std::string video, path;
  std::optional<std::int64_t> frames, rows;  // decoded frames; rows of each stream
  std::vector<PlannedStream> streams;
  bool finished = false;  // --resume would leave it as it is
  double seconds = 0;     // expected work of one thread, from the time that the first frames took
};

// The encoders, opened once (weights are loaded here), for any number of videos.
class Extractor {
 public:
  // UsageError for encoders that the options cannot give: unknown, two streams of one name, windows that they do not take. Error for weights
  // that do not fit.
  explicit Extractor(ExtractOptions options);
  ~Extractor();
  const ExtractOptions& options() const { return options_; }
  bool uses_device() const;
  bool uses_flow() const;
  bool caches_flow() const;

  // Adds `features` (and path's duration, fps, frames) to a record with `path`. With decode_ahead, decoding is a bounded number of
  // frames ahead. Error with field and the last good time stamp; then nothing is written. Safe to call from several threads.
  Extracted extract(Record& record);
  // Follows a live video: `emit` gets the record once for each window of live_window seconds, as soon as the row behind it is there, with the window's rows inline, their
  // offset, and `window`; the last one is `final`. Ends when the video does, or when go_on (asked after each frame) says no. Memory is bounded by a window. Error as extract().
  void follow(const std::string& line, const std::function<void(Record&)>& emit, const std::function<bool()>& go_on);
  // Error as extract().
  Planned plan(const Record& record);

 private:
  using Encoders = std::vector<std::unique_ptr<Encoder>>;
  class Lease;
  ExtractOptions options_;
  Encoders first_;
  std::mutex mutex_;
  std::vector<Encoders> free_;
};

// For one video.
Extracted extract(Record& record, const ExtractOptions& options);
Planned plan(const Record& record, const ExtractOptions& options);

// Reads records from --input, or builds them from --videos; --jobs videos at a time; writes them in input order. With --dry-run, one JSON object a video
// instead: {"video","path","frames","rows","streams":[{"name","dim","bytes","path"}],"seconds","finished"}. With --check, one object a fault: {"video","stream","path","fault","message"} (check_streams.h), and
// the run fails when there is one.
void extract_all(Tool& tool, const ExtractOptions& options);

// Whether decoding on a thread of its own (ExtractOptions::decode_ahead) has a core left beside `jobs` videos at a time.
bool room_to_decode_ahead(int jobs);

}  // namespace tal
