// Reads a stream of records into a Dataset, in several threads, in input order.
#pragma once

#include <cstdint>
#include <string>

#include "libtal/eval/dataset.h"
#include "libtal/stream/run.h"

namespace tal::eval {

// Videos of which the stream says something else than the ground truth that was read before.
struct Disagreements {
  std::uint64_t count = 0;
  std::string first;  // of them, for messages
};

struct ReadCounts {
  std::uint64_t records = 0, without_annotations = 0, without_proposals = 0;
  std::string source;              // "stdin" or the path
  Disagreements durations, rates;  // by more than 1 %; frames per second by more than their usual rounding
  Disagreements gaps;              // windows of a live stream that are missing between others
};

// truth, predictions: which of `annotations` and `proposals` to take. Errors (reversed or non-finite segments, a video
// that stands twice, a window of a live stream, what `reads` does not take) carry source, line, video and field and go
// through run.record_error. Call Dataset::index() after.
ReadCounts read_records(Run& run, const std::string& path, Dataset& data, bool truth, bool predictions, int jobs,
                        const Reads& reads = {});

}  // namespace tal::eval
