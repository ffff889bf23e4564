// A table of segments: which column is what.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libtal/data/import_support.h"

namespace tal {

class SegmentColumns {
 public:
  // unit: of the times. Error for a table without the needed columns, and for columns that may be taken in two ways.
  SegmentColumns(const NamedTable& table, const ImportOptions& options, bool scored, const std::string& unit,
                 const ImportSink& sink);

  bool selected(const NamedTable::Row& row) const;  // by --where
  VideoInfo facts(const NamedTable::Row& row) const { return facts_.read(row, decimal); }
  // Whether a row is a point in time, as all are where no column is a start or an end, and those that have neither.
  bool is_point(const NamedTable::Row& row) const;
  // The segment of a row, in seconds; of a point start = end. info: what is known of its video. Error, too, where an
  // end and a length, or one time in two units, contradict each other.
  Segment segment(const NamedTable::Row& row, const VideoInfo& info) const;
  // The error of a video's facts, with what a column may mean besides.
  Error explained(const Error& error) const;
  double score_of(const NamedTable::Row& row) const;
  // The values of --where's column, for who found none.
  std::vector<std::string> where_values() const;
  // The id of a row's video; "" where the field is empty. as_written: the field is the id. Error as id_of() otherwise.
  std::string id_in(const NamedTable::Row& row, bool as_written = false) const;
  // The columns, by name, whose values nothing reads and nothing else was said of.
  std::vector<std::string> left_out() const;
  // Where no column names videos, the file does, and this is its name without ending; else "".
  const std::string& file_video() const { return file_video_; }

  int video = -1, label = -1, score = -1;  // -1: none
  int tier = -1;                           // who labelled, or what groups labels
  int subject = -1;                        // whom the label is of
  char decimal = '.';

 private:
  void find_video(const ImportSink& sink);
  bool is_label_called_name() const;
  void take_file_as_video();
  std::vector<int> used_columns() const;
  std::string may_name_videos() const;
  void find_score();
  bool says_per_cent(int column) const { return per_cent_[static_cast<std::size_t>(column)]; }  // of scores
  double score_in(const NamedTable::Row& row, int column) const;
  void compare_scores() const;
  void refuse_words_as_scores() const;
  void note_unused_score(const ImportSink& sink) const;
  void note_pairs(const ImportSink& sink) const;
  void note_other_groups(const char* role, int chosen, const ImportSink& sink) const;
  void find_times(const ImportSink& sink);
  void find_points(const ImportSink& sink);
  void find_length(const TimeColumns& lengths, const ImportSink& sink);
  void check_units_alike() const;
  void check_seconds_alike() const;
  void note_other_names(const ImportSink& sink) const;
  void compare_other_unit(const std::string& role, const ImportSink& sink) const;
  void find_where();
  // What a column of durations is: the segments' lengths (as `scaled` or `counts`, or in seconds), or the videos'.
  struct Tried {
    bool any = false, length = false, scaled = false, counts = false, fits_scaled = false;
    std::optional<Error> impossible;
  };
  void settle_durations(const ImportSink& sink);
  Tried try_duration(const TimeColumn& column) const;
  void refuse_times_of_day() const;
  void refuse_midnight(const NamedTable::Row& row) const;
  bool says_no_time(const NamedTable::Row& row, int column) const;
  Error before_end(const TimeColumn& column, double duration, double end) const;
  bool may_have_end() const;
  void note_no_label(const ImportSink& sink) const;
  const std::string& name(int column) const { return table_.header[static_cast<std::size_t>(column)]; }
  Error header_error(const std::string& what) const { return Error(what).at_line(table_.source, table_.header_line); }
  double time(const NamedTable::Row& row, const TimeColumn& column, const char* field, const VideoInfo& info) const;
  double time(const NamedTable::Row& row, const std::vector<TimeColumn>& columns, const char* field,
              const VideoInfo& info) const;
  bool same_length(double a, double b, const VideoInfo& info) const;

  const NamedTable& table_;
  const ImportOptions& options_;
  const std::string& unit_;
  const std::string hint_;  // what a header may be
  std::string file_video_;
  VideoColumns facts_;
  TimeColumn length() const { return length_.empty() ? TimeColumn{} : length_.front(); }
  // One time each, in one column or in several units and under several names; the first counts.
  std::vector<TimeColumn> start_, end_, length_;
  std::vector<TimeColumn> at_;  // of points, beside the others where they are empty, or alone
  const std::vector<TimeColumn>& first_time() const { return start_.empty() ? at_ : start_; }
  bool by_length_ = false;  // the length says where the end is; else both must agree
  bool doubtful_ = false;   // the column of the videos' durations may as well be the segments' lengths
  std::vector<int> other_scores_;
  std::vector<bool> per_cent_;  // of all columns: scores in per cent
  int where_ = -1;
  bool where_number_ = false;  // no field is the value as it is written
};

}  // namespace tal
