// tal-extract --check: streams on disk against their headers, and against the videos that they were made of.
#pragma once

#include <string>
#include <vector>

#include "libtal/io/record.h"

namespace tal {

struct StreamFault {
  std::string stream, path;  // of the .npy file; empty for a video without streams
  // missing (no stream, or no .npy), unfinished (no header), header (unreadable, or not what its hash says), shape (of
  // the array), content (bytes changed), values (not finite), rows (not those of its frames), record (the record says
  // otherwise), video (gone, changed, or of another length).
  std::string fault;
  std::string message;
};

// The files VIDEO.STREAM.npy and .json of a folder, listed once.
class StreamFolder {
 public:
  // Error when the folder cannot be read.
  explicit StreamFolder(const std::string& path);
  // The .npy paths of a video's streams, present or promised by a header; ascending.
  std::vector<std::string> streams_of(const std::string& video) const;

 private:
  std::string path_;
  std::vector<std::string> names_;  // ascending
};

// Every fault of a video's streams: those that the record names by path, or, when it names none, those of the folder
// (which may then be needed: else nullptr). A video whose size is the header's but not its time of change is decoded
// once more and must have as many frames. Never throws for what it finds on disk.
std::vector<StreamFault> check_streams(const Record& record, const StreamFolder* folder);

}  // namespace tal
