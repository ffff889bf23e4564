// What a run over shards has left out: the videos of its input list against the records of its outputs, and what its
// logs say of those that are missing (tal-check --complete).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libtal/base/spelling.h"
#include "libtal/base/video_id.h"
#include "libtal/data/check.h"
#include "libtal/io/record.h"

namespace tal {

// What was written on stderr, and beside the records, while the shards ran.
class ShardLogs {
 public:
  // Lines of tal tools ("tal-nms: error: stdin:3: video 'v': ..."), of --stats, of GNU parallel's --joblog; others are
  // passed over. Error when the file cannot be read.
  void read(const std::string& path);
  // The last error line that names the video, with its place ("shard-3.log:17: ..."); "": none does.
  std::string about(const std::string& video) const;
  // Jobs that failed, runs that were killed (their --stats have no last line), errors that name no video.
  std::vector<Fault> failures() const;
  // What --stats say of each tool: "tal-nms: 4 runs, 1 not ended, 1000 records in 12.5 s, 3.1 s at work, ..."
  std::vector<std::string> summary() const;

 private:
  struct Place {
    std::string source;
    std::uint64_t line = 0;
  };
  struct Run {  // of --stats, as its last line says
    Place place;
    std::string tool, host;
    std::uint64_t pid = 0, records = 0, memory = 0;
    double elapsed = 0, waited = 0, cpu = 0;
    int status = -1;  // -1: there was no last line
  };
  void error_line(std::string_view line, const Place& place);
  void stats_line(std::string_view line, const Place& place);
  void job_line(std::string_view line, const Place& place);

  VideoMap<std::string> about_;
  std::map<std::string, Run> runs_;  // by host, process and time
  std::vector<Fault> failures_;
};

// Classes of fault: missing-video, unfinished-video (windows of a live stream, but not all), unknown-video,
// duplicate-video, broken-line.
class Completeness {
 public:
  // The list: records, or names as parse_video_list() takes them; a name may be a file's whose id the records have.
  // Error with its place when it cannot be read, or names a video twice.
  explicit Completeness(const std::string& path);
  void record(const Record& record, const std::string& source, std::uint64_t line, const FaultSink& sink);
  // The videos without a record, in the list's order.
  void end(const ShardLogs& logs, const FaultSink& sink) const;
  // Their lines of the list (of a table: names): the input of the run that makes up for them.
  std::string missing_lines() const;
  std::uint64_t listed() const { return videos_.size(); }

 private:
  struct Listed {
    std::string video, text;  // the line
    std::uint64_t line = 0;
    enum class State { kMissing, kBegun, kComplete } state = State::kMissing;
    std::int64_t windows = 0, wanted = 0;  // that came, and, once the final one has, as many as there are
  };
  void add(std::string video, std::string text, std::uint64_t line);

  std::string source_;
  std::vector<Listed> videos_;
  VideoMap<std::size_t> by_name_;
  Spellings spellings_{true};
  std::unordered_map<std::string, std::string> seen_;  // video (and window) -> the place of its record
};

}  // namespace tal
