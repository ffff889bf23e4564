// What the readers share: rows of text with their line numbers, and one record a video built from rows in any order.
#pragma once

#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libtal/data/formats.h"
#include "libtal/io/record.h"

namespace tal {

// Lines without '\n' and '\r', byte-order mark removed; blank ones are kept so that index + 1 is the line number. Error
// (with the line) for bytes that are not UTF-8, here and in parse_csv.
std::vector<std::string_view> split_lines(const SourceText& source);
std::vector<std::string_view> split_blanks(std::string_view line);

// CSV with a header; "..." fields may hold separators, doubled quotes and line ends. Separator: tab when the header has
// one. Error (with the line) for quotes that do not close, text behind one, and a text without a header.
struct CsvTable {
  struct Row {
    std::uint64_t line;
    std::vector<std::string> fields;
  };
  std::vector<std::string> header;
  std::vector<Row> rows;
  int find(const std::vector<std::string>& names) const;  // first column with one of the names, -1
};
CsvTable parse_csv(const SourceText& source);

// "dir/video_1.mp4" -> "video_1"
std::string video_of_file(std::string_view path);

// start <= end, or Error at "segment". Zero length is kept: the published files have some.
void check_segment(const Segment& segment, std::string_view field = "segment");

// `value` in unit (seconds, frames, relative) as seconds; info may be nullptr. Error at `field` when fps or duration is
// unknown.
double to_seconds(double value, const std::string& unit, const ImportOptions& options, const VideoInfo* info,
                  std::string_view field);

// A class number as label; Error (field label) when --classes does not have it.
std::string label_of(std::string_view number, const ImportOptions& options);

// One object of `annotations` or `proposals`, appended with a comma where one is due. extra: further members as JSON,
// or "".
void append_item(std::string& list, const Segment& segment, const std::optional<double>& score, std::string_view label,
                 std::span<const NamedScore> scores = {}, std::string_view extra = {});

// Collects rows by video, in order of first appearance.
class VideoRows {
 public:
  struct Entry {
    std::string video, annotations, proposals;
    VideoInfo info;
    bool has_annotations = false, has_proposals = false;
  };
  Entry& at(const std::string& video);
  void emit(const ImportOptions& options, const ImportSink& sink);

 private:
  std::deque<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

void set_info(Record& record, const VideoInfo& info);  // fields that the record lacks

// fn() with its Error completed by file, line and text and passed to the sink.
template <class Fn>
void guard_row(const SourceText& source, std::uint64_t line, std::string_view video, std::string_view text,
               const ImportSink& sink, Fn&& fn) {
  try {
    fn();
  } catch (Error& error) {
    if (!video.empty()) error.at_video(video);
    error.at_line(source.name, line);
    sink.error(error, text);
  }
}

}  // namespace tal
