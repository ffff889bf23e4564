// The annotation, proposal and result formats of the field, one table: what each is called, what it holds, how it is
// read.
//
// A reader gets the bytes of its files and hands over records; it opens nothing itself, so that it can be tested and
// fuzzed on any bytes. Times leave a reader in seconds. A fault names file, line, video and field and goes to
// ImportSink::error, which throws (the import stops) or returns (what was at fault is left out and the reader goes on).
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
};

struct ImportTables {
  std::unordered_map<std::string, VideoInfo> videos;  // names as written, and ids without folder and file ending
  std::map<std::int64_t, std::string> classes;        // number -> label; empty: numbers stay as they are
  std::vector<std::vector<double>> window_weights;    // S-CNN: [log2(length / 16)][class - 1]
  std::vector<std::string> rows;                      // class-scores: the video of each row

  // The name as it is, else with `v_` put before it or taken away, else without folder and file ending. nullptr when
  // unknown.
  const VideoInfo* find(std::string_view video) const;
};

// Feature and signal files: whose they are, the time contract, where the rows go.
struct FeatureImport {
  std::string pattern, id, stream;  // regular expression on the file name, and what of it is the video and the stream
  std::string per = "auto";         // what a video is: a file, an array, or auto
  double stride = 0, window = 0;    // frames (signals: samples); 0 = from the file (window: the stride)
  std::optional<double> offset;     // frames; nullopt = from the file
  std::string vectors = "columns";  // a one-dimensional array is one column or (rows) one row
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

struct ImportOptions {
  std::string time;                            // seconds, frames or relative; "" = what the format usually has
  double fps = 0;                              // for frames; 0 = from the row or the table
  std::int64_t class_offset = 0;               // added to a class number before it is looked up
  bool unit_duration = false;                  // relative times stay, every record lasts 1
  std::optional<std::string> prefix;           // put before every id
  std::map<std::string, std::string> columns;  // role -> column name
  std::string where_column, where_value;       // only rows with this value
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

using Reader = void (*)(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
// Opens its files itself, one after the other (features, signals).
using PathReader = void (*)(const std::vector<std::string>& paths, const ImportOptions&, const ImportSink&);

struct ImportFormat {
  std::string name, help;
  Reader reader;                     // nullptr: `tal`, which is streamed, and formats with a path_reader
  std::string extension;             // files of a folder that belong to the format; "" = no folders
  std::vector<std::string> options;  // those of tal-convert that have an effect; the others are refused
  PathReader path_reader = nullptr;
};
const std::vector<ImportFormat>& import_formats();

// Readers, one a format. All throw Error only through sink.error or for a file that cannot be read at all.
void read_activitynet_gt(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_activitynet_results(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_activitynet_classification(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_thumos14_gt(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_thumos14_results(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_ssn_proposals(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_bsn_proposals(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_segments_csv(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_detections_csv(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_class_scores(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);
void read_scnn_mat(const std::vector<SourceText>&, const ImportOptions&, const ImportSink&);

// Tables. Error with the source, and the line of a text, for anything else than what is named here.
// parse_videos: a table with named columns, THUMOS14's two lines a video, a JSON annotation file, or records. Error,
// with both places, for a video of which two rows say different things.
// note: is told how what may be read in two ways has been read.
std::unordered_map<std::string, VideoInfo> parse_videos(const SourceText& source, const Note& note = {});
// parse_classes: `number name` a line, a table with a column of numbers and one of names (with a header or not), a name
// a line (numbered from 0), a JSON list of names or of objects with id and name, a JSON object of numbers and names, or
// a label map of text protocol buffers (item { id: 1 name: "run" }). Lines that begin with # are comments where there
// are others. Error where a number may be the class's or a part of its name, and for a number or name that stands there
// twice.
std::map<std::int64_t, std::string> parse_classes(const SourceText& source, const Note& note = {});
// parse_window_weights: .mat or CSV, 6 x 20 for S-CNN.
std::vector<std::vector<double>> parse_window_weights(const SourceText& source);
// Videos one a line (lines that begin with # do not count), in the column `video` of a table, or as a JSON list; names
// as they stand. line 0: not known.
struct ListedVideo {
  std::string name;
  std::uint64_t line = 0;
};
std::vector<ListedVideo> parse_video_list(const SourceText& source);
// The names in a file of classes, in the order of their numbers. Error when there is none.
std::vector<std::string> read_class_names(const std::string& path, const Note& note = {});
// class-scores: the video of each row, of paths the file's name. Error (with the line) for one that stands twice.
std::vector<std::string> row_videos(const SourceText& source);

// A numeric or cell array of a MATLAB level 5 file, column major. Other classes (char, struct) have no data here.
struct MatArray {
  std::string name;
  std::vector<std::size_t> shape;
  std::vector<double> data;
  std::vector<MatArray> cells;
  std::string other;  // what it holds when that is no real numbers: "text", "a sparse matrix: save full(x)"
  double at(std::size_t row, std::size_t column) const { return data[column * shape[0] + row]; }
};
// Little-endian level 5 (MATLAB's save -v5 to -v7), compressed or not. Error for anything else, truncated or
// inconsistent.
std::vector<MatArray> parse_mat(std::string_view bytes);

// gzip -> plain, at most `limit` bytes; other bytes come back unchanged. Error as gunzip (libtal/io/zip.h).
std::string inflate_if_gzip(std::string bytes, std::size_t limit = std::size_t{1} << 30);
// Files as they are, folders as their files with `extension` (also followed by .gz), sorted by name; "-" is stdin.
// Error with the path when it cannot be read, or is a folder without such files.
std::vector<SourceText> load_sources(const std::vector<std::string>& paths, const std::string& extension);

struct ExportOptions {
  std::string segments = "auto";  // proposals, annotations, or auto: the proposals where a record has the field
  std::string version;            // activitynet-*: the file's "version"; "" = what came in, else "VERSION 1.3"
  std::int64_t class_offset = 0;
  std::map<std::int64_t, std::string> classes;
  std::optional<double> min_score;  // subtitles, ELAN: proposals from this score on
  long long top_k = 0;              // subtitles, ELAN: the highest scores of a video; 0: all
};

// A format's text, record by record. Writers with a document per video (extension() not empty) give it whole in add().
// Nothing is lost on the way: a video that comes twice, a window of a live stream where the format holds whole videos,
// and what the format cannot hold are an Error with video and field.
class ExportWriter {
 public:
  virtual ~ExportWriter() = default;
  virtual void add(const Record& record, std::string& out) = 0;
  virtual void end(std::string&) {}
  virtual std::string extension() const { return ""; }
  virtual std::string note() const { return ""; }  // of the whole run, after end(); "" = nothing to say
};
struct ExportFormat {
  std::string name, help;
  std::vector<std::string> options;
  std::unique_ptr<ExportWriter> (*make)(const ExportOptions&);  // nullptr: `tal`
};
const std::vector<ExportFormat>& export_formats();

}  // namespace tal
