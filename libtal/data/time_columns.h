// Columns of times: which column of a table is one, and in which unit its name says that it is. One rule for segments
// and for durations of videos.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libtal/data/import.h"
#include "libtal/io/unit_name.h"

namespace tal {

struct TimeColumn {
  int column = -1;  // -1: none
  UnitName name;
  bool renamed = false;                // under another of the role's names than the column that is chosen
  std::vector<TimeColumn> parts = {};  // what is added to it: start_min, of a start_sec below 60
  bool found() const { return column >= 0; }
};

// Names of starts or ends (role) that mean these only beside each other, as "from" and "to", where both stand in the
// header; none otherwise.
std::vector<std::string> paired_names(const std::vector<std::string>& header, const std::string& role);

// The columns that may hold the times of a role: start, end, length, duration.
class TimeColumns {
 public:
  // Error for two columns of one name, and for a column of --columns that is not there.
  TimeColumns(const NamedTable& table, const ImportOptions& options, const std::string& role);

  // The one for times in `unit` (seconds, frames, relative): of seconds the one that says so, else one that says
  // nothing, else one in another unit; of shares of the duration one that says per cent. Error when there are only
  // columns of another kind.
  TimeColumn choose(const std::string& unit) const;
  // What else says the same time as `chosen`, which choose(unit) gave: in other units, and under other names of the
  // role ("t_start" beside "start"). None of a column of --columns, which says that it counts.
  std::vector<TimeColumn> twins(const TimeColumn& chosen, const std::string& unit) const;
  bool found() const { return frames_.found() || !times_.empty(); }
  bool named() const { return named_; }  // by --columns
  bool counted() const { return frames_.found(); }
  const TimeColumn& frames() const { return frames_; }
  const TimeColumn& shares() const { return shares_; }             // in per cent of the duration
  const std::vector<TimeColumn>& times() const { return times_; }  // of one name, in several units; the best first

 private:
  void find(const std::vector<std::string>& names);
  void join_parts(const TableDialect& dialect);

  const NamedTable& table_;
  bool named_ = false;
  TimeColumn frames_, shares_;
  std::vector<TimeColumn> times_;
  std::vector<TimeColumn> others_;  // under other names
  std::optional<Error> doubt_;      // whether times_ are parts of one time
};

// Whether it is, in seconds or thousandths of them, a point in time (since 1970), and no time of a video.
bool is_point_in_time(double seconds);

// Whether two columns say one time, in seconds, but for rounding.
bool same_time(double a, double b);

// The row's time in seconds, or (frames, relative times) as it stands; times of the clock too. Error that names
// `field`.
double time_value(const NamedTable& table, const NamedTable::Row& row, const TimeColumn& column, char decimal,
                  std::string_view field, std::optional<double> fps = {});

// The columns that are read for a time, of which a number's decimal sign is known.
void append_columns(std::vector<int>& out, const TimeColumn& column);

// Says which of the columns are read in another unit than seconds, or as parts of one time.
void note_units(const NamedTable& table, const std::vector<TimeColumn>& columns, const Note& note);

}  // namespace tal
