// Video files named on the command line, as the records that a stage reads.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libtal/io/jsonl.h"

namespace tal {

struct VideoLine {
  std::string line, source;  // a record, and where it stands: "stdin", "--videos"
  std::uint64_t number = 0;  // of the line, or of the file among --videos
};

// The videos to work on: the records of --input, or one for each file of --videos: {"video": its id
// (libtal/base/video_id.h), "path": file}.
class VideoList {
 public:
  // id_folders: of the files' paths, as video_id() takes them. UsageError when two files give one video id, and for a
  // folder; Error when the input cannot be opened.
  VideoList(const std::string& input, const std::vector<std::string>& videos, StreamMeter* meter = nullptr,
            int id_folders = 0);
  std::optional<VideoLine> next();  // nullopt behind the last one. Error as LineReader
  bool at_end();                    // whether there is none (any more); waits for the next one
  bool would_block() const;         // whether next() may have to wait
  std::uint64_t total() const { return reader_ ? 0 : videos_.size(); }  // 0: unknown

 private:
  std::optional<VideoLine> read();
  std::vector<std::string> videos_;
  StreamMeter* meter_;
  int id_folders_;
  std::optional<LineReader> reader_;
  std::size_t at_ = 0;
  std::optional<VideoLine> ahead_;
};

// From here on stdin holds one record a file of --videos. UsageError as VideoList; Error when no
// temporary file can be made.
void read_videos_as_records(const std::vector<std::string>& files);

}  // namespace tal
