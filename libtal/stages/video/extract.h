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
#include "libtal/data/import.h"
#include "libtal/encoder/encoder.h"
#include "libtal/io/record.h"
#include "libtal/stages/extract_options.h"
#include "libtal/stream/video_records.h"

namespace tal {

struct Extracted {
  // For stderr. Warnings: rows that are not what they seem (lost or damaged pictures, times that run off, a record that
  // contradicts its video). Notes: what the container says otherwise.
  std::vector<std::string> warnings, notes;
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
  double fps = 0;         // of the pictures; 0: there are none
  bool finished = false;  // --resume would leave it as it is
  double seconds = 0;     // expected work of one thread, from the time that the first frames took
};

// The encoders, opened once (weights are loaded here), for any number of videos.
class Extractor {
 public:
  // UsageError for encoders that the options cannot give: unknown, two streams of one name, windows that they do not
  // take. Error for weights that do not fit. note: is told how a list of classes has been read.
  explicit Extractor(ExtractOptions options, const Note& note = {});
  ~Extractor();
  const ExtractOptions& options() const { return options_; }
  bool hears() const;  // whether an encoder takes sound
  bool uses_device() const;
  bool uses_flow() const;
  bool caches_flow() const;
  // The files of rows that a video of this id has; of rows inside records the names that they would have.
  std::vector<std::string> outputs(const std::string& id) const;

  // Adds `features` (and path's duration, fps, frames) to a record with `path`. With decode_ahead, decoding is a
  // bounded number of frames ahead. Error with field and the last good time stamp; then nothing is written. Safe to
  // call from several threads.
  Extracted extract(Record& record);
  // Follows a live video: `emit` gets the record once for each window of live_window seconds, as soon as the row behind
  // it is there, with the window's rows inline, their offset, and `window`; the last one is `final`. Ends when the
  // video does, or when go_on (asked after each frame) says no. Memory is bounded by a window. Error as extract().
  Extracted follow(const std::string& line, const std::function<void(Record&)>& emit,
                   const std::function<bool()>& go_on);
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

// Every video of the list, --jobs of them at a time; writes them in input order. With --dry-run, one JSON object a
// video instead: {"video","path","frames","rows","streams":[{"name","dim","bytes","path"}],"seconds","finished"}. With
// --check, one object a fault: {"video","stream","path","fault","message"} (check_streams.h), and the run fails when
// there is one.
void extract_all(Tool& tool, const ExtractOptions& options, VideoList& videos);

// Whether decoding on a thread of its own (ExtractOptions::decode_ahead) has a core left beside `jobs` videos at a
// time.
bool room_to_decode_ahead(int jobs);
// Threads of the codec of each of `jobs` videos at a time.
int decode_threads(int jobs);

}  // namespace tal
