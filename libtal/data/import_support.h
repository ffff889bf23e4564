// What the readers share: columns of tables by their role, facts of videos that several places state, and one record a
// video built from rows in any order.
#pragma once

#include <deque>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "libtal/data/import.h"
#include "libtal/data/time_columns.h"
#include "libtal/io/csv.h"
#include "libtal/io/record.h"
#include "libtal/io/table.h"

namespace tal {

std::vector<std::string_view> split_blanks(std::string_view line);
// What stands between the separators, without blanks around it: "a, ,b" -> "a", "", "b"; "" is one empty field.
std::vector<std::string_view> split_fields(std::string_view line, char separator);
// The fields look into the line, which has to outlive them.
std::vector<std::string_view> split_blanks(std::string&& line) = delete;
std::vector<std::string_view> split_fields(std::string&& line, char separator) = delete;

// Numbers of a table's fields; the errors name the field. decimal: '.' or ','. field_seconds also takes times as
// libtal/io/time_text.h reads them; fps: of time codes. whole_number: `value`, written as `text`, as a count.
double field_number(std::string_view text, char decimal, std::string_view field);
double field_seconds(std::string_view text, char decimal, std::string_view field, std::optional<double> fps = {});
std::int64_t whole_number(double value, std::string_view text, std::string_view field);
double positive(double value, std::string_view field);
// Frames per second: "29.97" and "30000/1001".
double field_rate(std::string_view text, char decimal, std::string_view field);

// The usual names of a table's columns, by role: those of --columns, and length, "start frames", "end frames".
const std::vector<std::string>& column_names(const std::string& role);
// A column by role: the one that --columns names (Error when it is not there), else the first that is usual. -1: none.
int column_of(const NamedTable& table, const ImportOptions& options, const std::string& role);
// The columns of subsets: of its role, or called split, set, partition or the like, with nothing but train, val, test
// and their like in them. The first counts.
std::vector<int> subset_columns(const NamedTable& table, const ImportOptions& options);
// "Test" and "test", "val" and "validation".
bool same_subset(const std::string& a, const std::string& b);
// The first column but these that holds dates without a time of day, and nothing else. -1: none.
int date_column(const NamedTable& table, const std::vector<int>& but);
// Error for a column "unit" with anything but seconds in it: the unit of the times stands in the names of their
// columns.
void refuse_units_of_rows(const NamedTable& table);
// The column of the videos' names: of its role, or else an unnamed first one of texts, the index of pandas and R, which
// is noted. -1: none. named: --columns may name it.
int video_column(const NamedTable& table, const ImportOptions& options, bool named, const Note& note);
// Error for a field that says that its value is missing (is_missing()), with what to do.
Error missing_value(std::string_view text, const std::string& advice = "");
// The name of the video in a row. Error, with its line, when it is missing.
const std::string& video_field(const NamedTable& table, const NamedTable::Row& row, int column);
// What is said where one of the first lines below the header looks like it, as below a title; "": none does.
std::string header_advice(const NamedTable& table, const std::string& role);
// Error: the table has no column of this role, or no header at all. hint: what a header may be.
// named: --columns may name it.
[[noreturn]] void refuse_missing_column(const NamedTable& table, const std::string& role, const std::string& hint,
                                        bool named = true);

// What is said of names of videos (written: name -> id) is also said of their ids, and of the names as written.
void add_other_names(std::unordered_map<std::string, VideoInfo>& videos,
                     const std::unordered_map<std::string, std::string>& written);

std::string line_name(const std::string& source, std::uint64_t line);  // "file.csv:3"

// A video's facts, as several rows or files state them.
class StatedVideo {
 public:
  // where: for the Error of a fact that was stated otherwise before, which names both places. Rounding is no
  // difference.
  void add(const VideoInfo& said, const std::string& where);
  VideoInfo info;

 private:
  std::string places_[4];  // of duration, fps, frames, subset
};

// The columns of a table that tell facts of its videos. An empty field says nothing.
class VideoColumns {
 public:
  // of_videos: each row is of a video and not of a segment, and so is what counts frames.
  VideoColumns(const NamedTable& table, const ImportOptions& options, bool of_videos = false);
  bool any() const { return !durations_.empty() || fps_ >= 0 || frames_ >= 0 || !subsets_.empty(); }
  // The one that is read, and all that must say the same.
  TimeColumn duration() const { return durations_.empty() ? TimeColumn{} : durations_.front(); }
  const std::vector<TimeColumn>& durations() const { return durations_; }
  const std::vector<int>& subsets() const { return subsets_; }  // that must say the same
  void forget_duration(int column);                             // it is no video's
  void forget_durations() { durations_.clear(); }
  std::vector<int> numbers() const;
  // Error where two columns contradict each other, with their names and what says which one counts.
  VideoInfo read(const NamedTable::Row& row, char decimal) const;
  // nullopt: the field says nothing.
  std::optional<double> seconds(const NamedTable::Row& row, const TimeColumn& duration, char decimal) const;
  std::optional<double> rate(const NamedTable::Row& row, char decimal) const;
  // Says which other columns look as if they told such facts.
  void note_unused(const Note& note) const;

 private:
  bool has(const NamedTable::Row& row, int column) const;
  void compare(const char* role, int column, double value, int other, double said, bool same) const;
  const NamedTable& table_;
  bool of_videos_;
  std::vector<TimeColumn> durations_;
  int fps_, frames_;
  std::vector<int> subsets_;
  std::vector<int> other_fps_, other_frames_;  // must say the same
};

// start <= end, or Error at "segment". Zero length is kept: the published files have some.
void check_segment(const Segment& segment, std::string_view field = "segment");

// `value` in unit (seconds, frames, relative) as seconds; info may be nullptr. Error at `field` when fps or duration is
// unknown.
double to_seconds(double value, const std::string& unit, const ImportOptions& options, const VideoInfo* info,
                  std::string_view field);

// "3" and, from pandas, "3.0" of a column in which another row has no number; nullopt: no class number.
std::optional<std::int64_t> class_number(std::string_view text);
// Says which columns without a name hold values and are not among `used`; a first one that numbers the rows is an
// index.
void note_unnamed_columns(const NamedTable& table, const std::vector<int>& used, const Note& note);

// Whether a text may be the id of a class: a number, or a word that is one in --classes.
bool is_class_id(std::string_view text, const ImportOptions& options);
// A class id as label; Error (field label) when --classes does not have it. A name that stands there is itself, and an
// Error where it is the id of another class, too.
std::string label_of(std::string_view number, const ImportOptions& options);
// The class of this number, which is no name.
std::string label_of_number(std::int64_t number, const ImportOptions& options);
// Whether --classes has a class called so.
bool has_class(const ImportOptions& options, std::string_view name);
// The label in a field of a table, "" for an empty one. Error, too, for one that says that there is none
// (is_missing()), unless --classes has a class of that name.
std::string label_field(const std::string& text, const ImportOptions& options);

// Columns of tables that are not read: told once, however many files have them.
class LeftOutColumns {
 public:
  void add(const std::vector<std::string>& names);  // without a role
  // Of tables of numbers those that are no values (NumberTable::left_out).
  // counting: columns that were read as values, and count the rows (NumberTable::counting). facts: NumberTable's.
  void add(const std::vector<std::string>& names, const std::vector<std::string>& counting,
           const std::vector<VideoFact>& facts = {});
  void add_attributes(const std::vector<std::string>& names);  // ArrayFile::Array::untaken
  void note(const ImportSink& sink) const;

 private:
  std::map<std::string, std::size_t> others_, files_, counting_, facts_, attributes_;  // by name
};

// One object of `annotations` or `proposals`, appended with a comma where one is due. extra: further members as JSON,
// or "".
void append_item(std::string& list, const Segment& segment, const std::optional<double>& score, std::string_view label,
                 std::span<const NamedScore> scores = {}, std::string_view extra = {});
// The same of a point, `at` seconds.
void append_point(std::string& list, double at, const std::optional<double>& score, std::string_view label,
                  std::span<const NamedScore> scores = {}, std::string_view extra = {});

// Collects rows by video, in order of first appearance.
class VideoRows {
 public:
  struct Entry {
    std::string video, annotations, proposals;
    std::string name;  // as the first row of a table writes the video: its id may come from several files' names
    StatedVideo facts;
    bool has_annotations = false, has_proposals = false;
    std::vector<std::pair<std::string, std::string>> further;  // other fields of the record, as JSON
  };
  Entry& at(const std::string& video);
  const Entry* find(const std::string& video) const;  // nullptr: no row yet
  void emit(const ImportOptions& options, const ImportSink& sink);

 private:
  std::deque<Entry> entries_;
  std::unordered_map<std::string, std::size_t> index_;
};

// The name of a text file without .txt and .gz.
std::string_view without_text_ending(std::string_view name);
// The segment, in seconds, of frames that count from 1, the last one in it. Error at "first frame" or "last frame".
Segment frame_range_of(std::string_view first, std::string_view last, double fps);

// A video's id by its name in a file, behind --prefix; without it. place: of the name, "" when it is not known. Error
// for a field that names several files, and as FileIds::id.
std::string id_of(std::string_view name, const ImportOptions& options, const std::string& place = "");
std::string one_id(std::string_view name, FileIds& ids, const std::string& place = "");
// What --durations says of the video, and `own`. Error as with_table.
VideoInfo known_of(const std::string& video, const ImportOptions& options, const VideoInfo& own = {});
// What a record states of its video itself.
VideoInfo info_of(const Record& record);
// Sets the fields that the record lacks. Error when one that it has is another by more than 1 %, or another subset.
void set_info(Record& record, const VideoInfo& info);
// `own` with what it lacks from `table` (--durations); Error as set_info. What --durations says goes before.
VideoInfo with_table(const VideoInfo& own, const VideoInfo& table);

// The text of a row or line of the source with the return of its line end, where that is CRLF: --rejects writes lines
// as they came, and puts the line feed behind them.
std::string_view with_return(const SourceText& source, std::string_view text);

// fn() with its Error completed by file, line and text and passed to the sink.
template <class Fn>
void guard_row(const SourceText& source, std::uint64_t line, std::string_view video, std::string_view text,
               const ImportSink& sink, Fn&& fn) {
  try {
    fn();
  } catch (Error& error) {
    if (!video.empty()) error.at_video(video);
    error.at_line(source.name, line);
    sink.error(error, with_return(source, text));
  }
}

// fn(words, line) for each line that has words, which blanks separate; the first one is the video. Errors as guard_row.
template <class Fn>
void each_line_of_words(const SourceText& source, const ImportSink& sink, Fn&& fn) {
  const auto lines = split_lines(source);
  for (std::size_t i = 0; i < lines.size(); ++i)
    if (const auto words = split_blanks(lines[i]); !words.empty())
      guard_row(source, i + 1, words[0], lines[i], sink, [&] { fn(words, i + 1); });
}

}  // namespace tal
