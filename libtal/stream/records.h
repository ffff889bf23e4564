// Records through a function: one after the other, or in batches by several threads with the results in the input's
// order.
#pragma once

#include <functional>
#include <string>

#include "libtal/io/jsonl.h"
#include "libtal/io/record.h"
#include "libtal/stream/run.h"

namespace tal {

// Reads records from --input, applies fn to each (in `jobs` threads), appends the history entry and writes them to
// --output in input order. fn may throw Error: place is completed here, and --on-error decides (Run::record_error).
// fn must be safe to call from several threads on different records.
void map_records(Run& run, const std::function<void(Record&)>& fn);
// The same, with fn writing any number of lines (each ended by '\n') to `out` itself.
void transform_records(Run& run, const std::function<void(Record&, std::string& out)>& fn);
// Reads all records of a file in order, one thread, nothing written. fn gets the reader for source and line; its
// Errors are treated as map_records treats them.
void for_each_record(Run& run, const std::string& path, const std::function<void(Record&, const LineReader&)>& fn);

}  // namespace tal
