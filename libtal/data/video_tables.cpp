// What tables and lists say of videos: --durations, --split, --exclude.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cmath>
#include <set>
#include <utility>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/base/video_id.h"
#include "libtal/data/import_support.h"
#include "libtal/data/same_columns.h"
#include "libtal/data/tables.h"
#include "libtal/io/json_check.h"
#include "libtal/io/row_column.h"
#include "libtal/io/time_text.h"

namespace tal {

std::unordered_map<std::string, VideoInfo> parse_json_videos(const SourceText& source, const Note& note,
                                                             int id_folders);

const std::vector<std::string>& column_names(const std::string& role) {
  static const std::unordered_map<std::string, std::vector<std::string>> names = {
      {"video",
       {"video", "video-name", "video-id", "filename", "video-file", "video-path", "file-name", "file", "media-file",
        "media-file-path", "media-file-name", "file-path", "filepath", "sourcefile", "completename", "path",
        "video-session",  // EGTEA Gaze+
        "name"}},         // the name may be a person's, or the label's
      {"duration", {"video-duration", "media-duration", "media-total-duration", "video-length", "duration", "seconds"}},
      {"duration of a video",  // in a table of videos
       {"video-duration", "media-duration", "media-total-duration", "video-length", "duration", "length",
        "total-duration", "seconds"}},
      {"segment duration", {"duration", "seconds"}},
      {"fps",
       {"rfps", "fps", "frame-rate", "framerate", "video-fps", "frames-per-second", "video-frame-rate",
        "videoframerate", "avg-frame-rate", "r-frame-rate", "cap-prop-fps"}},
      {"frames",
       {"frames", "video-frames", "video-frame-count", "total-frames", "total-frame-count", "numFrame", "count",
        "duration_frame"}},
      // In a table of segments these may be of the segment.
      {"frames of a video",
       {"num-frames", "n-frames", "nb-frames", "number-of-frames", "num-frame", "numFrames", "nframes", "nFrame",
        "frame-count", "cap-prop-frame-count", "nb-read-frames", "frames-count", "frameCount", "frames-(count)",
        "totalFrames", "length-frames"}},
      {"subset", {"subset"}},
      {"start",
       {"start", "t-start", "t-init", "start-time", "start-timestamp", "starting-time", "begin", "begin-time",
        "onset"}},
      {"end", {"end", "t-end", "end-time", "stop-timestamp", "end-timestamp", "ending-time", "stop", "stop-time"}},
      {"length", {"length", "segment-duration", "event-duration"}},
      {"at", {"at", "time", "timestamp", "event-time", "position"}},  // of points
      {"start frames", {"f-init"}},
      {"end frames", {"f-end"}},
      {"label", segment_label_names()},
      {"tier", {"tier", "rater", "annotator", "observer", "coder", "experimenter"}},
      {"subject",
       {"subject", "subject-id", "individual", "individual-id", "animal", "animal-id", "track-id", "person-id",
        "participant", "participant-id"}},
      {"score",
       {"score", "confidence", "conf", "probability", "prob", "likelihood", "certainty", "detection-score",
        "pred-score", "prediction-score"}}};
  return names.at(role);
}

double field_number(std::string_view text, char decimal, std::string_view field) {
  try {
    if (trim(text).empty()) throw Error("empty: a number was expected", Error::Kind::kNotFinite);
    if (is_missing(text))
      throw Error("'" + std::string(text) + "' says that a value is missing: a number was expected",
                  Error::Kind::kNotFinite);
    return table_number(text, decimal);
  } catch (Error& error) {
    throw error.at_field(field);
  }
}

double field_seconds(std::string_view text, char decimal, std::string_view field, std::optional<double> fps) {
  if (time_form(text) == TimeForm::kNone) return field_number(text, decimal, field);
  try {
    return written_seconds(text, fps);
  } catch (Error& error) {
    throw error.at_field(field);
  }
}

std::int64_t whole_number(double value, std::string_view text, std::string_view field) {
  if (!(value >= 0 && value <= 9e15) || value != static_cast<double>(static_cast<std::int64_t>(value)))
    throw Error("'" + std::string(text) + "' is not a whole number").at_field(field);
  return static_cast<std::int64_t>(value);
}

double field_rate(std::string_view text, char decimal, std::string_view field) {
  if (text.find('/') == std::string_view::npos) return field_number(text, decimal, field);
  try {
    return parse_fraction(trim(text));
  } catch (const UsageError&) {
    throw Error("'" + std::string(text) + "' is no rate such as 30000/1001", Error::Kind::kNotFinite).at_field(field);
  }
}

double positive(double value, std::string_view field) {
  if (!(value > 0)) throw Error("must be positive, not " + format_number(value)).at_field(field);
  return value;
}

namespace {

// The same but for rounding.
bool near(double a, double b) { return std::abs(a - b) <= 1e-5 * std::max(std::abs(a), std::abs(b)); }

[[noreturn]] void contradict(const char* field, const std::string& now, const std::string& was,
                             const std::string& where) {
  throw Error(now + " here, but " + was + " in " + where).at_field(field);
}

}  // namespace

void StatedVideo::add(const VideoInfo& said, const std::string& where) {
  const auto number = [&](auto& known, const auto& now, std::string& place, const char* field) {
    if (!now) return;
    if (!known) known = now, place = where;
    else if (!near(static_cast<double>(*known), static_cast<double>(*now)))
      contradict(field, format_number(static_cast<double>(*now)), format_number(static_cast<double>(*known)), place);
  };
  number(info.duration, said.duration, places_[0], "duration");
  number(info.fps, said.fps, places_[1], "fps");
  number(info.frames, said.frames, places_[2], "frames");
  if (said.subset.empty()) return;
  if (info.subset.empty()) info.subset = said.subset, places_[3] = where;
  else if (info.subset != said.subset)
    contradict("subset", "'" + said.subset + "'", "'" + info.subset + "'", places_[3]);
}

bool same_subset(const std::string& a, const std::string& b) {
  const std::string x = plain_name(a), y = plain_name(b);
  return x.starts_with(y) || y.starts_with(x);
}

std::vector<int> subset_columns(const NamedTable& table, const ImportOptions& options) {
  static const std::vector<std::string> words = {
      "train",    "training",     "val",  "valid",   "validation", "test",      "tst",        "testing", "dev",
      "trainval", "trainvaltest", "eval", "holdout", "hold-out",   "unlabeled", "unlabelled", ""};
  std::vector<int> out;
  if (const int own = column_of(table, options, "subset"); own >= 0) out.push_back(own);
  if (options.columns.count("subset") > 0) return out;
  for (const char* name : {"split", "set", "data-split", "dataset-split", "split-name", "partition", "phase"}) {
    const int column = table.find({name});
    if (column < 0) continue;
    bool any = false, subsets = true;
    for (const auto& row : table.rows) {
      if (!table.is_whole(row)) continue;
      const auto& value = row.fields[static_cast<std::size_t>(column)];
      if (is_missing(value)) continue;
      subsets = subsets && is_one_of(words, value);
      any = any || !value.empty();
    }
    if (any && subsets) out.push_back(column);
  }
  return out;
}

namespace {

// A column that counts frames is none: "duration_frame" is the number of frames.
std::vector<TimeColumn> duration_columns(const NamedTable& table, const ImportOptions& options, bool of_videos) {
  const TimeColumns found(table, options, of_videos ? "duration of a video" : "duration");
  if (found.times().empty() && !found.named()) return {};
  std::vector<TimeColumn> out{found.choose("seconds")};
  for (const auto& twin : found.twins(out.front(), "seconds")) out.push_back(twin);
  return out;
}

// What programs write where they know nothing: BORIS of observations without a file, pandas, R.
bool says_nothing(std::string_view text) {
  if (!text.empty() && text.front() >= '0' && text.front() <= '9') return false;  // nearly all
  return is_empty_or_missing(text) || is_one_of({"na", "n/a", "nan", "null", "none", "-"}, text);
}

}  // namespace

VideoColumns::VideoColumns(const NamedTable& table, const ImportOptions& options, bool of_videos)
    : table_(table),
      of_videos_(of_videos),
      durations_(duration_columns(table, options, of_videos)),
      fps_(column_of(table, options, "fps")),
      frames_(column_of(table, options, "frames")),
      subsets_(subset_columns(table, options)) {
  const auto& of_a_video = column_names("frames of a video");
  if (of_videos && frames_ < 0) frames_ = table.find(of_a_video);
  // Names that mean the one rate or number and no other: r_frame_rate is a clock's, a count may be of anything.
  static const std::vector<std::string> rates = {
      "fps", "frame-rate", "framerate", "video-fps", "frames-per-second", "video-frame-rate", "cap-prop-fps"};
  static const std::vector<std::string> counts = {"frames",       "video-frames",      "video-frame-count",
                                                  "total-frames", "total-frame-count", "numFrame"};
  other_fps_ = others_called(table, options, "fps", rates, fps_);
  other_frames_ = others_called(table, options, "frames", counts, frames_);
  if (of_videos)
    for (int c = 0; c < static_cast<int>(table.header.size()); ++c)
      if (frames_ >= 0 && c != frames_ && is_one_of(of_a_video, table.header[static_cast<std::size_t>(c)]))
        other_frames_.push_back(c);
}

void VideoColumns::forget_duration(int column) {
  std::erase_if(durations_, [&](const TimeColumn& each) { return each.column == column; });
}

std::vector<int> VideoColumns::numbers() const {
  std::vector<int> out{fps_, frames_};
  for (const auto& each : durations_) append_columns(out, each);
  for (const auto* others : {&other_fps_, &other_frames_}) out.insert(out.end(), others->begin(), others->end());
  return out;
}

bool VideoColumns::has(const NamedTable::Row& row, int column) const {
  if (column < 0) return false;
  const std::string& text = table_.field(row, column);
  return !says_nothing(text) || (table_.own && row.quoted(column) && !text.empty());
}

std::optional<double> VideoColumns::seconds(const NamedTable::Row& row, const TimeColumn& duration,
                                            char decimal) const {
  std::vector<int> columns;
  append_columns(columns, duration);
  if (std::none_of(columns.begin(), columns.end(), [&](int column) { return has(row, column); })) return std::nullopt;
  return positive(time_value(table_, row, duration, decimal, "duration"), "duration");
}

std::optional<double> VideoColumns::rate(const NamedTable::Row& row, char decimal) const {
  if (!has(row, fps_)) return std::nullopt;
  return positive(field_rate(table_.field(row, fps_), decimal, "fps"), "fps");
}

void VideoColumns::compare(const char* role, int column, double value, int other, double said, bool same) const {
  if (same) return;
  const auto& names = table_.header;
  const std::string unit = std::string_view(role) == "duration" ? " s" : "";
  throw Error("'" + names[static_cast<std::size_t>(column)] + "' says " + format_number(value) + unit + ", '" +
              names[static_cast<std::size_t>(other)] + "' " + format_number(said) + unit + ": " +
              column_advice(role, !of_videos_))
      .at_field(role);
}

VideoInfo VideoColumns::read(const NamedTable::Row& row, char decimal) const {
  VideoInfo info;
  const auto text = [&](int column) -> const std::string& { return table_.field(row, column); };
  const auto frames = [&](int column) {  // 1012.0 too
    return whole_number(field_number(text(column), decimal, "frames"), text(column), "frames");
  };
  const auto is_whole = [](double value) { return value == std::floor(value); };
  const auto same_duration = [&](double a, double b) {
    return same_time(a, b) || (std::abs(a - b) < 1 && (is_whole(a) || is_whole(b)));
  };
  constexpr double kSame = 0.01;  // of rates and numbers of frames, which programs round and count differently
  int from = -1;                  // the column whose duration it is
  for (const auto& duration : durations_) {
    const auto said = seconds(row, duration, decimal);
    if (!said) continue;
    const bool first = !info.duration;
    if (!first) compare("duration", from, *info.duration, duration.column, *said, same_duration(*said, *info.duration));
    // Of one that was rounded to whole seconds the other one counts.
    if (first || (is_whole(*info.duration) && !is_whole(*said))) info.duration = said, from = duration.column;
  }
  info.fps = rate(row, decimal);
  for (const int other : other_fps_) {
    if (!info.fps || !has(row, other)) continue;
    const double said = field_rate(text(other), decimal, "fps");
    compare("fps", fps_, *info.fps, other, said, std::abs(said - *info.fps) <= kSame * *info.fps);
  }
  if (has(row, frames_)) info.frames = frames(frames_);
  for (const int other : other_frames_) {
    if (!info.frames || !has(row, other)) continue;
    const auto own = static_cast<double>(*info.frames), said = static_cast<double>(frames(other));
    compare("frames", frames_, own, other, said, std::abs(said - own) <= std::max(2.0, kSame * own));
  }
  int said_by = -1;
  for (const int column : subsets_) {
    const std::string& subset = text(column);
    const bool written = table_.own && row.quoted(column);  // and no missing value
    if (subset.empty() || (is_missing(subset) && !written)) continue;
    if (said_by < 0) info.subset = subset, said_by = column;
    else if (!same_subset(info.subset, subset))
      throw Error("'" + table_.header[static_cast<std::size_t>(said_by)] + "' says '" + info.subset + "', '" +
                  table_.header[static_cast<std::size_t>(column)] + "' '" + subset +
                  "': " + column_advice("subset", !of_videos_))
          .at_field("subset");
  }
  return info;
}

void VideoColumns::note_unused(const Note& note) const {
  static const std::vector<std::string> words = {"frame", "frames", "fps", "rate", "duration", "length"};
  std::vector<std::string> unused;
  const auto numbers_read = numbers();
  for (int c = 0; c < static_cast<int>(table_.header.size()); ++c) {
    if (std::find(subsets_.begin(), subsets_.end(), c) != subsets_.end() ||
        std::find(numbers_read.begin(), numbers_read.end(), c) != numbers_read.end())
      continue;
    const auto& name = table_.header[static_cast<std::size_t>(c)];
    const UnitName parts = unit_name(name);
    const auto of_segment = [&](const char* role) { return is_one_of(column_names(role), parts.base); };
    if (of_segment("start") || of_segment("end") || (!of_videos_ && of_segment("length"))) continue;
    const std::string base = "-" + parts.base + "-";
    if (!parts.unit.empty() || std::any_of(words.begin(), words.end(), [&](const auto& word) {
          return base.find("-" + word + "-") != std::string::npos;
        }))
      unused.push_back(name);
  }
  if (note && !unused.empty())
    note(table_.source + ": not known to be a duration, frame rate or number of frames, and not used: '" +
         joined(unused, "', '") + "'");
}

int column_of(const NamedTable& table, const ImportOptions& options, const std::string& role) {
  const auto named = options.columns.find(role);
  if (named == options.columns.end()) {
    const int column = table.find(column_names(role));
    refuse_second(table, column);
    return column;
  }
  const int found = table.find({named->second});
  if (found >= 0) return found;
  if (const auto below = header_advice(table, role); !below.empty())
    throw Error(below).at_field(role).at_line(table.source, table.header_line);
  const auto near_by = nearest(named->second, table.header);
  throw Error("no column '" + named->second + "'" +
              (near_by.empty() ? "" : " (did you mean '" + std::string(near_by) + "'?)"))
      .at_field(role)
      .at_line(table.source, table.header_line);
}

int date_column(const NamedTable& table, const std::vector<int>& but) {
  for (int c = 0; c < static_cast<int>(table.header.size()); ++c) {
    if (std::find(but.begin(), but.end(), c) != but.end()) continue;
    bool any = false, dates = true;
    for (const auto& row : table.rows) {
      if (!table.is_whole(row) || says_nothing(row.fields[static_cast<std::size_t>(c)])) continue;
      const auto& text = row.fields[static_cast<std::size_t>(c)];
      any = true, dates = dates && time_form(text) == TimeForm::kStamp && text.find(':') == std::string::npos;
    }
    if (any && dates) return c;
  }
  return -1;
}

namespace {

// Of lists and tables of videos, which no option names; "name" where there is no other.
int listed_column(const NamedTable& table, const ImportOptions& options, bool named, const Note& note) {
  std::vector<std::string> names = column_names("video");
  std::erase(names, "name");
  const int found = texts_column(table, options, "video", names, named, note);
  return found >= 0 ? found : table.find({"name"});
}

}  // namespace

int video_column(const NamedTable& table, const ImportOptions& options, bool named, const Note& note) {
  if (const int found = listed_column(table, options, named, note); found >= 0) {
    const std::string& name = table.header[static_cast<std::size_t>(found)];
    if (note && options.columns.count("video") == 0 && plain_name(name) == "name")
      note(table.source + ": column '" + name + "' is taken for the videos, as there is no other" +
           (named ? " (--columns video=NAME)" : ""));
    return found;
  }
  const std::string& first = table.header.front();
  const bool unnamed = is_unnamed(first) || is_index_name(first) || is_number_name(first);
  const bool texts = std::all_of(table.rows.begin(), table.rows.end(), [](const auto& row) {
    const auto& name = row.fields.front();
    return !name.empty() && !is_table_number(name, '.') && !is_table_number(name, ',') &&
           time_form(name) == TimeForm::kNone;
  });
  if (!unnamed || !texts || table.rows.empty() || table.header.size() < 2) return -1;
  if (note)
    note(table.source + ": column 1, " + (first.empty() ? "without a name" : "'" + first + "'") +
         ", is taken for the videos, as there is no other");
  return 0;
}

void refuse_units_of_rows(const NamedTable& table) {
  static const std::vector<std::string> names = {"unit", "units", "time-unit", "time-units"};
  const int column = table.find(names);
  if (column < 0) return;
  for (const auto& row : table.rows) {
    if (!table.is_whole(row)) continue;
    const std::string& unit = table.field(row, column);
    if (is_empty_or_missing(unit) || unit_name("time_" + unit).unit == "seconds") continue;
    throw Error(
        "column '" + table.header[static_cast<std::size_t>(column)] + "' says '" + unit +
        "': times are read in the unit that the names of their columns say (start_ms, duration_min), in one for "
        "all rows; put it there, or write seconds")
        .at_line(table.source, row.line);
  }
}

Error missing_value(std::string_view text, const std::string& advice) {
  return Error("'" + std::string(text) + "' is what R and pandas write where a value is missing" +
               (advice.empty() ? "" : ": " + advice));
}

const std::string& video_field(const NamedTable& table, const NamedTable::Row& row, int column) {
  const std::string& name = table.field(row, column);
  if (is_missing(name))
    throw missing_value(name, "which video is it?").at_field("video").at_line(table.source, row.line);
  return name;
}

std::string header_advice(const NamedTable& table, const std::string& role) {
  constexpr std::size_t kTitles = 10;  // lines of a title
  const auto known = [&](std::string_view field) {
    return is_one_of(column_names("video"), field) || is_one_of(column_names(role), field);
  };
  for (std::size_t i = 0; i < std::min(kTitles, table.rows.size()); ++i)
    for (const char separator : {',', ';', '\t', '|'}) {
      RowReader line(table.rows[i].raw, "", separator);
      try {
        if (!line.next()) continue;
      } catch (const Error&) {
        continue;
      }
      const auto fields = line.fields();
      const bool number = std::any_of(fields.begin(), fields.end(), [](auto field) {
        return is_table_number(field, '.') || is_table_number(field, ',') || time_form(field) != TimeForm::kNone;
      });
      if (fields.size() < 2 || number || std::none_of(fields.begin(), fields.end(), known)) continue;
      std::vector<std::string> names(fields.begin(), fields.end());
      return "line " + std::to_string(table.rows[i].line) + " looks like the header ('" +
             joined_first(names, 6, "', '") + "'): is the first line, " + in_quotes(joined(table.header, ", ")) +
             ", a title? Delete what stands above the header, or begin it with #";
    }
  return "";
}

void refuse_missing_column(const NamedTable& table, const std::string& role, const std::string& hint, bool named) {
  const bool data = std::any_of(table.header.begin(), table.header.end(), [](const std::string& name) {
    return is_table_number(name, '.') || is_table_number(name, ',') || time_form(name) != TimeForm::kNone;
  });
  const std::string below = header_advice(table, role);
  if (!below.empty()) throw Error(below).at_line(table.source, table.header_line);
  const std::string what =
      data ? "a header line with the names of the columns is missing (" + hint + ")"
           : "no column is known to be the " + role + "; " +
                 (named ? "name it with --columns " + role + "=NAME" +
                              (is_one_of({"start", "end"}, role) ? ", or the time of points with at=NAME" : "")
                        : "call it " + role + " in the first line (" + hint +
                              "), for --columns does not name columns of this file");
  throw Error(what + ": the first line is '" + joined(table.header, "', '") + "'")
      .at_line(table.source, table.header_line);
}

void add_other_names(std::unordered_map<std::string, VideoInfo>& videos,
                     const std::unordered_map<std::string, std::string>& written) {
  VideoMap<VideoInfo> stated;
  for (const auto& [video, info] : videos) stated.try_emplace(video, info);
  for (const auto& [video, info] : stated)
    if (const auto id = video_id(video); id != video)
      if (const auto* found = stated.find(id)) videos.emplace(id, found->second);
  for (const auto& [name, id] : written) videos.emplace(name, VideoInfo(videos.at(id)));
}

std::string line_name(const std::string& source, std::uint64_t line) {
  return line == 0 ? source : source + ":" + std::to_string(line);
}

namespace {

bool is_record(std::string_view line) {
  try {
    Record().parse(line);
    return true;
  } catch (const Error&) {
    return false;
  }
}

// Videos with what was said of each, and where.
class StatedVideos {
 public:
  explicit StatedVideos(const SourceText& source, int id_folders = -1) : source_(source), ids_(id_folders) {}
  void add(const std::string& video, const VideoInfo& info, std::uint64_t line) {
    try {
      if (video.empty()) throw Error("empty").at_field("video");
      videos_[video].add(info, line_name(source_.name, line));
    } catch (Error& error) {
      if (!video.empty()) error.at_video(video);
      throw error.at_line(source_.name, line);
    }
  }
  // By the video's id; `name` as written means it as well.
  void add_named(std::string_view name, const VideoInfo& info, std::uint64_t line) {
    std::string id;
    try {
      id = one_id(name, ids_, line_name(source_.name, line));
    } catch (Error& error) {
      throw error.at_line(source_.name, line);
    }
    add(id, info, line);
    if (id != name) written_.emplace(name, id);
  }
  std::unordered_map<std::string, VideoInfo> take() {
    if (videos_.empty()) throw Error("names no video").at_line(source_.name, 0);
    std::unordered_map<std::string, VideoInfo> out;
    bool any = false;
    for (auto& [video, stated] : videos_) {
      const VideoInfo& info = stated.info;
      any = any || info.duration || info.fps || info.frames || !info.subset.empty();
      out.emplace(video, std::move(stated.info));
    }
    add_other_names(out, written_);
    if (!any) throw Error("states no duration, fps, frames or subset of any video").at_line(source_.name, 0);
    return out;
  }

 private:
  const SourceText& source_;
  FileIds ids_;
  std::unordered_map<std::string, StatedVideo> videos_;
  std::unordered_map<std::string, std::string> written_;  // name -> id
};

std::unordered_map<std::string, VideoInfo> videos_of_records(const SourceText& source,
                                                             const std::vector<std::string_view>& lines) {
  StatedVideos out(source);
  Record record;
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (trim(lines[i]).empty()) continue;
    try {
      record.parse(lines[i]);
      VideoInfo info = info_of(record);
      if (const auto frames = record.raw("frames"))
        info.frames = whole_number(field_number(*frames, '.', "frames"), *frames, "frames");
      out.add(record.video(), info, i + 1);
    } catch (Error& error) {
      throw error.at_video(record.video()).at_line(source.name, i + 1);
    }
  }
  return out.take();
}

// THUMOS14's: name, seconds, name, seconds, ... a line each. Blank lines, and those that begin with #, do not count.
class NamesAndSeconds {
 public:
  explicit NamesAndSeconds(const std::vector<std::string_view>& lines) : lines_(lines) {
    for (std::size_t i = 0; i < lines.size(); ++i)
      if (const auto line = trim(lines[i]); !line.empty() && line.front() != '#') full_.push_back(i);
  }
  // Each second line is a number, whatever the names are; or the first has nothing that separates columns.
  bool fits() const {
    if (full_.empty()) return true;
    bool numbers = full_.size() % 2 == 0;
    for (std::size_t k = 1; k < full_.size() && numbers; k += 2) numbers = is_seconds(text(k));
    return numbers || text(0).find_first_of(",;\t|") == std::string_view::npos;
  }
  std::unordered_map<std::string, VideoInfo> read(const SourceText& source, int id_folders) const {
    StatedVideos out(source, id_folders);
    for (std::size_t k = 0; k < full_.size(); k += 2) {
      VideoInfo info;
      const std::uint64_t line = full_[std::min(k + 1, full_.size() - 1)] + 1;
      try {
        if (k + 1 >= full_.size()) throw Error("the file ends where a duration was expected");
        info.duration = positive(field_seconds(text(k + 1), '.', "duration"), "duration");
      } catch (Error& error) {
        Error in_turn(error.message() + " (without a header, names and seconds come in turn, a line each)",
                      error.kind());
        throw in_turn.at_field(error.field()).at_line(source.name, line);
      }
      out.add_named(text(k), info, line);
    }
    return out.take();
  }

 private:
  static bool is_seconds(std::string_view text) {
    const TimeForm form = time_form(text);
    return is_table_number(text, '.') || (form != TimeForm::kNone && form != TimeForm::kStamp);
  }
  std::string_view text(std::size_t k) const { return trim(lines_[full_[k]]); }
  const std::vector<std::string_view>& lines_;
  std::vector<std::size_t> full_;  // indices of lines that are not blank
};

// "v1 20" in every line: a name, which may have blanks, and its seconds behind the last one.
class NamesAndSecondsBeside {
 public:
  NamesAndSecondsBeside(const std::vector<std::string_view>& lines, const SourceText& source) : source_(source) {
    for (std::size_t i = 0; i < lines.size(); ++i) {
      const auto line = trim(lines[i]);
      if (line.empty() || line.front() == '#') continue;
      const auto blank = line.find_last_of(" \t");
      Line each{i + 1, line, trim(line.substr(0, blank == line.npos ? 0 : blank)), line.substr(blank + 1)};
      const bool quotes = each.name.size() > 2 && each.name.front() == '"' && each.name.back() == '"';
      if (quotes) each.name = each.name.substr(1, each.name.size() - 2);
      each.apart = quotes || (blank != line.npos && line[blank] == '\t');
      lines_.push_back(each);
    }
  }
  bool fits() const {
    return !lines_.empty() && std::all_of(lines_.begin(), lines_.end(), [](const Line& line) {
      return !line.name.empty() && is_seconds(line.seconds) &&
             (line.apart || line.name.find_first_of(",;\t|\"") == std::string_view::npos);
    }) && !has_commas_between();
  }
  std::unordered_map<std::string, VideoInfo> read(const Note& note, int id_folders) const {
    // "v1 10 25": 10 s at 25 frames a second, or the video 'v1 10'? Not where without the numbers two names are one.
    if (different([](const Line& line) { return line.apart ? std::string_view() : without_number(line.name); }))
      throw Error("'" + std::string(lines_[0].text) + "': is '" + std::string(lines_[0].seconds) +
                  "' the seconds of the video '" + std::string(lines_[0].name) +
                  "'? Put the name into quotes, or above all lines a header with the names of the columns")
          .at_line(source_.name, lines_[0].line);
    DecimalSign sign({}, ' ');
    for (const auto& line : lines_) sign.see(line.seconds, line.line);
    const char decimal = sign.decide(source_.name);
    if (note)
      note(source_.name +
           ": without a header, what stands before the last blank is read as the video and the number "
           "behind it as its seconds");
    StatedVideos out(source_, id_folders);
    for (const auto& line : lines_) try {
        VideoInfo info;
        info.duration = positive(field_seconds(line.seconds, decimal, "duration"), "duration");
        out.add_named(line.name, info, line.line);
      } catch (Error& error) {
        throw error.at_line(source_.name, line.line);
      }
    return out.take();
  }

 private:
  struct Line {
    std::uint64_t line;
    std::string_view text, name, seconds;
    bool apart = false;  // in quotes, or with a tab behind it
  };
  static bool is_seconds(std::string_view text) {
    return is_table_number(text, '.') || is_table_number(text, ',') || time_form(text) == TimeForm::kClock;
  }
  // The words before a number at the end; "" without one.
  static std::string_view without_number(std::string_view name) {
    const auto blank = name.find_last_of(" \t");
    return blank != name.npos && is_seconds(name.substr(blank + 1)) ? trim(name.substr(0, blank)) : std::string_view();
  }
  template <class Fn>
  bool different(Fn name_in) const {
    std::set<std::string_view> names;
    return std::all_of(lines_.begin(), lines_.end(), [&](const Line& line) {
      const std::string_view name = name_in(line);
      return !name.empty() && names.insert(name).second;
    });
  }
  // "video 1,20": a comma in every line, which separates 'video 1' and 20 where two videos would be one without it.
  // Error where it may as well be the decimal comma of "video1 1,20".
  bool has_commas_between() const {
    if (!std::all_of(lines_.begin(), lines_.end(), [](const Line& line) {
          return !line.apart && std::count(line.seconds.begin(), line.seconds.end(), ',') == 1;
        }))
      return false;
    if (different([](const Line& line) { return line.name; }))
      throw Error("'" + std::string(lines_[0].text) +
                  "': does the comma separate a video and its seconds, or is it a decimal one? Put above all lines a "
                  "header with the names of the columns, or the name into quotes")
          .at_line(source_.name, lines_[0].line);
    return true;
  }

  const SourceText& source_;
  std::vector<Line> lines_;
};

// "v1,20" in every line: a video and its seconds, without a header.
bool is_names_and_seconds(const NamedTable& table) {
  const auto is_seconds = [](const std::string& text) {
    return is_table_number(text, '.') || is_table_number(text, ',') || time_form(text) == TimeForm::kClock;
  };
  const auto fits = [&](const std::vector<std::string>& row) {
    return row.size() == 2 && !row[0].empty() && !is_seconds(row[0]) && is_seconds(row[1]);
  };
  return fits(table.header) &&
         std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) { return fits(row.fields); });
}

std::unordered_map<std::string, VideoInfo> videos_of_pairs(const NamedTable& table, const SourceText& source,
                                                           const Note& note, int id_folders) {
  NamedTable all = table;
  all.rows.insert(all.rows.begin(), {table.header_line, table.header});
  const char decimal = all.decimal_of({1}, {});
  if (note)
    note(source.name + ": without a header, the first column is read as the video and the second as its seconds");
  StatedVideos out(source, id_folders);
  for (const auto& row : all.rows) try {
      VideoInfo info;
      info.duration = positive(field_seconds(row.fields[1], decimal, "duration"), "duration");
      out.add_named(video_field(all, row, 0), info, row.line);
    } catch (Error& error) {
      throw error.at_line(source.name, row.line);
    }
  return out.take();
}

std::unordered_map<std::string, VideoInfo> videos_of_table(const NamedTable& table, const SourceText& source,
                                                           const Note& note, int id_folders) {
  if (is_names_and_seconds(table)) return videos_of_pairs(table, source, note, id_folders);
  const int video = video_column(table, {}, false, note);
  if (video < 0) refuse_missing_column(table, "video", "such as video,duration,fps,frames,subset", false);
  refuse_units_of_rows(table);
  const VideoColumns columns(table, {}, true);
  if (const TimeColumns durations(table, {}, "duration of a video");
      !columns.duration().found() && durations.shares().found())
    (void)durations.choose("seconds");  // says what is wrong
  if (!columns.any())
    throw Error("no column with duration, fps, frames or subset: the first line is '" + joined(table.header, "', '") +
                "' (call the columns so there, for --columns does not name columns of this file)")
        .at_line(source.name, table.header_line);
  const char decimal = table.decimal_of(columns.numbers(), {});
  note_units(table, {columns.duration()}, note);
  columns.note_unused(note);
  auto used = columns.numbers();
  used.push_back(video);
  note_unnamed_columns(table, used, note);
  StatedVideos out(source, id_folders);
  for (const auto& row : table.rows) {
    try {
      out.add_named(video_field(table, row, video), columns.read(row, decimal), row.line);
    } catch (Error& error) {
      throw error.at_line(source.name, row.line);
    }
  }
  return out.take();
}

}  // namespace

std::unordered_map<std::string, VideoInfo> parse_videos(const SourceText& source, const Note& note, int id_folders) {
  const std::string_view text = utf8_text(source);
  const char first = first_character(text);
  if (first == '\0') throw Error("empty").at_line(source.name, 0);
  const auto lines = split_lines(source);
  const auto line = *std::find_if(lines.begin(), lines.end(), [](auto each) { return !trim(each).empty(); });
  if (is_record(line)) return videos_of_records(source, lines);
  if (first == '{' || first == '[') return parse_json_videos(source, note, id_folders);
  if (const NamesAndSecondsBeside list(lines, source); list.fits()) return list.read(note, id_folders);
  if (const NamesAndSeconds list(lines); list.fits()) {
    const NamedTable table = parse_named_table(source);  // of columns that blanks separate?
    if (table.header.size() < 2 || table.find(column_names("video")) < 0) {
      if (const auto below = header_advice(table, "duration"); !below.empty())
        throw Error(below).at_line(source.name, table.header_line);
      return list.read(source, id_folders);
    }
    return videos_of_table(table, source, note, id_folders);
  }
  return videos_of_table(parse_named_table(source), source, note, id_folders);
}

namespace {

std::vector<ListedVideo> names_of_json(const SourceText& source) {
  const auto list = nlohmann::json::parse(check_json_file(source));
  std::vector<ListedVideo> out;
  for (const auto& name : list) {
    if (!list.is_array() || !name.is_string() || name.get_ref<const std::string&>().empty())
      throw Error("must be a list of names, one video a line or a JSON list").at_line(source.name, 0);
    out.push_back({name.get<std::string>(), 0});
  }
  return out;
}

}  // namespace

std::vector<ListedVideo> parse_video_list(const SourceText& source) {
  const std::string_view text = utf8_text(source);
  const char first = first_character(text);
  if (first == '\0') return {};
  if (first == '{' || first == '[') return names_of_json(source);
  const auto& known = column_names("video");
  const NamedTable table = parse_named_table(source, {}, BlankColumns::kNever);
  std::vector<ListedVideo> out;
  if (table.header.size() > 1) {
    if (const int video = listed_column(table, {}, false, {}); video >= 0) {
      for (const auto& row : table.rows) out.push_back({video_field(table, row, video), row.line});
      return out;
    }
    const bool alike = std::all_of(table.rows.begin(), table.rows.end(),
                                   [&](const auto& row) { return row.fields.size() == table.header.size(); });
    if (alike)
      throw Error("one video a line was expected, or a column named video; these are columns: '" +
                  joined(table.header, "', '") + "' (put names that have a separator into quotes)")
          .at_line(source.name, table.header_line);
  }
  if (const auto below = header_advice(table, "video"); !below.empty())
    throw Error(below).at_line(source.name, table.header_line);
  RowReader rows(text, source.name, 0);
  bool any = false;
  while (rows.next()) {
    const auto name = rows.fields()[0];
    if (!rows.quoted(0) && name.front() == '#') continue;
    if (!std::exchange(any, true) && !rows.quoted(0) && is_one_of(known, name)) continue;
    if (!name.empty()) out.push_back({std::string(name), rows.line()});
  }
  return out;
}

namespace {

// {"train": ["v1", ...], "val": [...]}: all subsets, or the one that is asked for.
std::vector<SplitVideo> split_of_json(const SourceText& source, const std::string& subset) {
  const auto lists = nlohmann::ordered_json::parse(check_json_file(source));
  std::vector<SplitVideo> out;
  bool found = false;
  for (const auto& [name, list] : lists.items()) {
    if (!list.is_array() || !std::all_of(list.begin(), list.end(), [](const auto& each) { return each.is_string(); }))
      throw Error("must be a list of names: {\"train\": [\"v1\", ...], \"val\": [...]}")
          .at_field(name)
          .at_line(source.name, 0);
    if (!subset.empty() && !same_subset(name, subset)) continue;
    found = true;
    for (const auto& video : list) {
      if (video.get_ref<const std::string&>().empty()) throw Error("empty").at_field(name).at_line(source.name, 0);
      out.push_back({video.get<std::string>(), subset.empty() ? name : subset, 0});
    }
  }
  if (!found) {
    std::vector<std::string> names;
    for (const auto& [name, list] : lists.items()) names.push_back(name);
    throw Error(names.empty() ? "no list of names"
                              : "no list called '" + subset + "', but '" + joined_first(names, 8, "', '") + "'")
        .at_line(source.name, 0);
  }
  return out;
}

}  // namespace

std::vector<SplitVideo> parse_split(const SourceText& source, const std::string& subset) {
  std::vector<SplitVideo> out;
  const char first = first_character(utf8_text(source));
  if (first == '{') return split_of_json(source, subset);
  if (first != '\0' && first != '{' && first != '[') {
    const NamedTable table = parse_named_table(source, {}, BlankColumns::kNever);
    const int video = listed_column(table, {}, false, {});
    if (const auto subsets = subset_columns(table, {}); video >= 0 && !subsets.empty()) {
      const int column = subsets.front();
      refuse_contradictions(table, column, {subsets.begin() + 1, subsets.end()}, column_advice("subset", false),
                            same_subset);
      for (const auto& row : table.rows)
        out.push_back({video_field(table, row, video), table.field(row, column), row.line});
      for (const auto& each : out)
        if (is_missing(each.subset))
          throw missing_value(each.subset).at_field("subset").at_line(source.name, each.line);
        else if (each.subset.empty() || (!subset.empty() && !same_subset(each.subset, subset)))
          throw Error(each.subset.empty() ? "empty"
                                          : "'" + each.subset + "', but --split says " + subset +
                                                ": --split FILE alone takes the subsets of the column '" +
                                                table.header[static_cast<std::size_t>(column)] + "'")
              .at_field("subset")
              .at_video(each.name)
              .at_line(source.name, each.line);
      for (auto& each : out)
        if (!subset.empty()) each.subset = subset;
      return out;
    }
  }
  if (subset.empty() && first != '\0' && first != '{' && first != '[')
    if (const auto below = header_advice(parse_named_table(source, {}, BlankColumns::kNever), "subset"); !below.empty())
      throw Error(below).at_line(source.name, 0);
  if (subset.empty())
    throw Error("no table with the columns video and subset (or split): --split SUBSET=FILE says the subset of a list")
        .at_line(source.name, 0);
  for (const auto& [name, line] : parse_video_list(source)) out.push_back({name, subset, line});
  return out;
}

std::map<std::string, double> parse_starts(const SourceText& source, int id_folders) {
  const NamedTable table = parse_named_table(source);
  const int video = listed_column(table, {}, false, {}), start = table.find(column_names("start"));
  if (video < 0 || start < 0) {
    const auto below = header_advice(table, "start");
    throw Error(below.empty() ? "needs the columns video and start, in seconds" : below)
        .at_line(source.name, table.header_line);
  }
  const char decimal = table.decimal_of({start}, {});
  refuse_contradictions(table, start, others_called(table, {}, "start", column_names("start"), start),
                        column_advice("start", false), [&](const auto& a, const auto& b) {
                          return same_time(field_seconds(a, decimal, "start"), field_seconds(b, decimal, "start"));
                        });
  std::map<std::string, double> starts;
  FileIds ids(id_folders);
  for (const auto& row : table.rows) try {
      const std::string id = one_id(video_field(table, row, video), ids, line_name(source.name, row.line));
      if (!starts.emplace(id, field_seconds(table.field(row, start), decimal, "start")).second)
        throw Error("stands in the table twice").at_video(id);
    } catch (Error& error) {
      throw error.at_line(source.name, row.line);
    }
  return starts;
}

}  // namespace tal
