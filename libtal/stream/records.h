// Records through a function: one after the other, or in batches by several threads with the results in the input's
// order.
#pragma once

#include <any>
#include <functional>
#include <span>
#include <string>
#include <vector>

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
// The same for work that is faster on several records together: a network on a GPU.
struct RecordGroups {
  std::size_t size = 1;  // records at most that are worked on together
  int threads = 1;       // that load, and as many that finish, beside the caller; 1: the caller does it all, in turn
  // What the work needs of a record, such as its features. An Error is this record's.
  std::function<std::any(Record&)> load;
  // In the caller's thread: what was loaded for the records of a group -> for each the call that makes of its record
  // what goes on, from any thread; its Error is that record's. An Error of a group of several: they are tried again one
  // by one, and the record that fails alone has it.
  std::function<std::vector<std::function<void(Record&)>>(std::span<std::any>)> work;
};
void map_record_groups(Run& run, const RecordGroups& groups);
// Reads all records of a file in order, one thread, nothing written. fn gets the reader for source and line; its
// Errors are treated as map_records treats them.
void for_each_record(Run& run, const std::string& path, const std::function<void(Record&, const LineReader&)>& fn);

}  // namespace tal
