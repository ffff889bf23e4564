// What is told to a reader of foreign files, and where it hands over what it has read: options, tables of videos and
// classes, the files' bytes.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/base/spelling.h"
#include "libtal/base/video_id.h"
#include "libtal/io/record.h"
#include "libtal/io/table.h"

namespace tal {

// What --durations knows of a video; readers use it for frames and relative times, and records that lack a field get
// it.
struct VideoInfo {
  std::optional<double> duration;  // seconds
  std::optional<double> fps;
  std::optional<std::int64_t> frames;
  std::string subset;
  std::string alike = {};  // of a video that --durations does not know: why, by Spellings
};

struct ImportTables {
  std::unordered_map<std::string, VideoInfo> videos;  // names as written, and ids without folder and file ending
  std::map<std::int64_t, std::string> classes;        // number -> label; empty: numbers stay as they are
  std::map<std::string, std::int64_t> codes;          // of a list whose ids are words, "c077" -> number
  std::vector<std::vector<double>> window_weights;    // S-CNN: [log2(length / 16)][class - 1]
  std::vector<std::string> rows;                      // class-scores: the video of each row
  std::map<std::string, double> starts;               // where a video begins on its recording's clock, seconds

  // The name as it is, else with `v_` put before it or taken away, else without folder and file ending. nullptr when
  // unknown.
  const VideoInfo* find(std::string_view video) const;
  // Of all videos, made when first asked for.
  const Spellings& spellings() const;
  // The classes whose names are numbers: the number that a name is -> the class's own. Made when first asked for.
  const std::multimap<std::int64_t, std::int64_t>& numbers_as_names() const;

 private:
  mutable std::optional<Spellings> spellings_;
  mutable std::optional<std::multimap<std::int64_t, std::int64_t>> numbers_as_names_;
};

// Feature and signal files: whose they are, the time contract, where the rows go.
struct FeatureImport {
  std::string pattern, id, stream;  // regular expression on the file name, and what of it is the video and the stream
  std::string per = "auto";         // what a video is: a file, an array, or auto
  double stride = 0, window = 0;    // frames (signals: samples); 0 = from the file (window: the stride)
  std::optional<double> offset;     // frames; nullopt = from the file
  std::string vectors = "columns";  // a one-dimensional array is one column or (rows) one row
  bool vectors_given = false;       // where no array has one dimension, that is told
  int id_folders = 0;               // as video_id() takes them, without a pattern
  bool transpose = false;           // files hold [dim, rows]
  bool duration_from_rows = false;  // a video whose length is not known lasts as long as its rows
  std::string non_finite = "fail";  // or zero: such values become 0, counted
  std::string out_dir;              // VIDEO.STREAM.npy
  bool inline_data = false, half = false;
};

struct SignalImport {
  double rate = 0;                    // samples per second
  std::vector<std::string> channels;  // columns of every file, by name or number from 1; none: all
  std::vector<std::string> statistics = {"raw"};
  std::string tail = "drop";
  std::string labels;  // a segments-csv table
};

// Videos of which a file or --durations says another frame rate than --fps, by which their frames are counted.
class OtherRates {
 public:
  void see(const std::string& video, double rate, double option) {
    if (option > 0 && rate != option) videos_.emplace(video, rate);
  }
  // "" when there is none.
  std::string note() const;

 private:
  std::map<std::string, double> videos_;
};

struct ImportOptions {
  std::string time;                   // seconds, frames or relative; "" = what the format usually has
  double fps = 0;                     // for frames; 0 = from the row or the table
  std::int64_t class_offset = 0;      // added to a class number before it is looked up
  bool labels_are_numbers = false;    // --class-offset is given: a label "1" is class 1, whatever a class is called
  bool unit_duration = false;         // relative times stay, every record lasts 1
  std::optional<std::string> prefix;  // put before every id
  int id_folders = -1;                // of a file's path that stay in its id, as FileIds takes them
  std::shared_ptr<FileIds> ids = std::make_shared<FileIds>();  // of the files that are read, and of the rows in them
  std::shared_ptr<OtherRates> other_rates = std::make_shared<OtherRates>();
  std::map<std::string, std::string> columns;  // role -> column name
  std::string where_column, where_value;       // only rows with this value
  std::vector<std::string> tiers;              // only these of an annotation tool's file; none: all
  std::vector<std::string> background;         // labels of frames or samples that are in no segment
  bool label_scores = false;                   // a number at a label's end is a proposal's score
  TableDialect dialect;                        // of tables
  ImportTables tables;
  FeatureImport features;
  SignalImport signals;
};

using Note = std::function<void(const std::string&)>;

struct ImportSink {
  std::function<void(Record&)> record;
  std::function<void(const Error&, std::string_view text)> error;
  Note note;
};

// gzip -> plain, at most `limit` bytes; other bytes come back unchanged. Error as gunzip (libtal/io/zip.h).
std::string inflate_if_gzip(std::string bytes, std::size_t limit = std::size_t{1} << 30);
// Whether a file belongs to a format: its name ends, whatever the case, with one of the endings, which '|' separates,
// also followed by .gz. "*": all but hidden ones.
bool has_ending(std::string_view name, std::string_view endings);
// Files as they are, folders as their files with these endings (nested: and those of the folders in them), sorted by
// name; "-" is stdin. Error with the path when it cannot be read, or is a folder without such files.
std::vector<SourceText> load_sources(const std::vector<std::string>& paths, const std::string& endings,
                                     bool nested = false);

}  // namespace tal
