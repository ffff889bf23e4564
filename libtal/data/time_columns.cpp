#include "libtal/data/time_columns.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/io/time_text.h"

namespace tal {
namespace {

Error header_error(const NamedTable& table, const std::string& what) {
  return Error(what).at_line(table.source, table.header_line);
}

const std::string& name_of(const NamedTable& table, const TimeColumn& column) {
  return table.header[static_cast<std::size_t>(column.column)];
}

// Seconds, then what says nothing, then other units as they come.
bool goes_before(const TimeColumn& a, const TimeColumn& b) {
  const auto rank = [](const TimeColumn& c) {
    const std::vector<std::string> best = {"seconds", "", "clock"};
    return std::find(best.begin(), best.end(), c.name.unit) - best.begin();
  };
  return rank(a) < rank(b);
}

}  // namespace

TimeColumns::TimeColumns(const NamedTable& table, const ImportOptions& options, const std::string& role)
    : table_(table), named_(options.columns.count(role) > 0) {
  if (named_) {
    const int column = column_of(table, options, role);
    TimeColumn one{column, unit_name(table.header[static_cast<std::size_t>(column)])};
    if (one.name.counts()) frames_ = std::move(one);
    else if (one.name.shares()) shares_ = std::move(one);
    else times_.push_back(std::move(one));
    return;
  }
  find(column_names(role));
  if (role == "start" || role == "end")
    if (const int counted = table.find(column_names(role + " frames")); counted >= 0) {
      if (frames_.found()) others_.push_back({counted, {"", "frames"}, true});
      else frames_ = {counted, {"", "frames"}};
    }
}

void TimeColumns::find(const std::vector<std::string>& names) {
  std::vector<UnitName> parts;
  for (const auto& name : table_.header) parts.push_back(unit_name(name));
  for (const auto& name : names) {
    std::map<std::string, TimeColumn> units;
    for (std::size_t c = 0; c < parts.size(); ++c) {
      const bool whole = plain_name(table_.header[c]) == name;  // "seconds" has no other words
      if (!whole && (parts[c].base.empty() || parts[c].base != name)) continue;
      auto& place = units[whole ? "" : parts[c].unit];
      int column = static_cast<int>(c);
      if (place.found()) column = place.name.unit.empty() ? table_.find({name}) : -1;  // Error, or the one as written
      if (column < 0) throw header_error(table_, "two columns are called '" + table_.header[c] + "'");
      place = {column, parts[static_cast<std::size_t>(column)]};
      if (whole && place.name.base.empty()) place.name = UnitName{name};
    }
    for (auto& [unit, column] : units) {
      const bool counts = unit == "frames", shares = column.name.shares();
      if (counts && !frames_.found()) {
        frames_ = column;
      } else if (shares && !shares_.found()) {
        shares_ = column;
      } else if (!counts && !shares && (times_.empty() || times_.front().name.base == column.name.base)) {
        times_.push_back(column);
      } else {
        others_.push_back(column);
        others_.back().renamed = true;
      }
    }
  }
  std::stable_sort(times_.begin(), times_.end(), goes_before);
}

TimeColumn TimeColumns::choose(const std::string& unit) const {
  if (unit == "frames" && frames_.found()) return frames_;
  if (unit == "relative" && shares_.found()) return shares_;
  if (times_.empty() && shares_.found())
    throw header_error(table_, "column '" + name_of(table_, shares_) +
                                   "' is in per cent of the video's duration: give --time relative");
  if (times_.empty()) {
    if (!frames_.found()) return {};
    throw header_error(table_, "column '" + name_of(table_, frames_) + "' counts frames: give --time frames");
  }
  if (unit == "seconds") return times_.front();
  for (const auto& time : times_)
    if (time.name.unit.empty()) return time;
  const std::string& own = times_.front().name.unit;
  throw header_error(table_, "column '" + name_of(table_, times_.front()) + "' is in " +
                                 (own == "clock" ? "times of the clock" : own) + ": it is no column for --time " +
                                 unit);
}

std::vector<TimeColumn> TimeColumns::twins(const TimeColumn& chosen, const std::string& unit) const {
  std::vector<TimeColumn> out;
  if (named_ || !chosen.found()) return out;
  if (unit == "seconds")
    for (const auto& time : times_)
      if (time.column != chosen.column) out.push_back(time);
  for (const auto& other : others_) {
    const bool alike = other.name.counts() == chosen.name.counts() && other.name.shares() == chosen.name.shares();
    if (alike && (unit == "seconds" || other.name.unit == chosen.name.unit)) out.push_back(other);
  }
  return out;
}

bool same_time(double a, double b) { return std::abs(a - b) <= std::max(0.05, 1e-3 * std::abs(b)); }

double time_value(const TimeColumn& column, const std::string& text, char decimal, std::string_view field,
                  std::optional<double> fps) {
  return time_form(text) == TimeForm::kNone ? column.name.seconds(field_number(text, decimal, field))
                                            : field_seconds(text, decimal, field, fps);
}

void note_units(const NamedTable& table, const std::vector<TimeColumn>& columns, const Note& note) {
  if (!note) return;
  std::map<std::string, std::vector<std::string>> units;
  for (const auto& column : columns)
    if (column.found() && !column.name.counts() && !column.name.unit.empty() && column.name.unit != "seconds" &&
        column.name.unit != "clock")
      units[column.name.unit].push_back(name_of(table, column));
  for (const auto& [unit, names] : units)
    note(table.source + ": read as " + unit + ", as the column's name says: '" + joined(names, "', '") + "'");
}

}  // namespace tal
