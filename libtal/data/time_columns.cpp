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

std::vector<std::string> paired_names(const std::vector<std::string>& header, const std::string& role) {
  static const std::vector<std::pair<const char*, const char*>> pairs = {
      {"onset", "offset"},       {"from", "to"},  {"time-from", "time-to"}, {"t0", "t1"},        {"t1", "t2"},
      {"start", "finish"},       {"start", "to"}, {"start", "until"},       {"start", "offset"}, {"begin", "finish"},
      {"first", "last"},         {"in", "out"},   {"time-in", "time-out"},  {"t-from", "t-to"},  {"t-min", "t-max"},
      {"time-start", "time-end"}};
  const auto has = [&](const std::string& name) {
    return std::any_of(header.begin(), header.end(), [&](const auto& column) {
      return is_one_of({name}, column) || is_one_of({name}, unit_name(column).base);
    });
  };
  if (role != "start" && role != "end") return {};
  for (const auto& [start, end] : pairs)
    if (has(start) && has(end)) return {role == "start" ? start : end};
  return {};
}

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
  if (!found() && !shares_.found()) find(paired_names(table.header, role));
  if (role == "start" || role == "end")
    if (const int counted = table.find(column_names(role + " frames")); counted >= 0) {
      if (frames_.found()) others_.push_back({counted, {"", "frames"}, true});
      else frames_ = {counted, {"", "frames"}};
    }
  join_parts(options.dialect);
}

// Minutes and seconds of one name, in two columns: whole minutes beside less than 60 seconds are its parts, where they
// are not one time in two units.
void TimeColumns::join_parts(const TableDialect& dialect) {
  std::vector<TimeColumn> units;  // the longest first
  for (const auto& time : times_)
    if (!time.name.unit.empty() && time.name.unit != "clock") units.push_back(time);
  if (units.size() < 2) return;
  std::sort(units.begin(), units.end(),
            [](const auto& a, const auto& b) { return a.name.seconds(1) > b.name.seconds(1); });
  std::vector<int> columns;
  for (const auto& each : units) columns.push_back(each.column);
  char decimal = '.';
  try {
    decimal = table_.decimal_of(columns, dialect);
  } catch (const Error&) {
    return;  // said when the rows are read
  }
  const NamedTable::Row *other = nullptr, *part = nullptr;
  for (const auto& row : table_.rows) try {
      std::vector<double> values;
      for (const auto& each : units) values.push_back(field_number(table_.field(row, each.column), decimal, ""));
      bool whole = true, equal = true;
      for (std::size_t i = 0; i < units.size(); ++i) {
        const double seconds = units[i].name.seconds(values[i]);
        whole = whole && values[i] >= 0 && (i + 1 == units.size() || values[i] == std::floor(values[i])) &&
                (i == 0 || seconds < units[i - 1].name.seconds(1));
        equal = equal && same_time(seconds, units[0].name.seconds(values[0]));
      }
      if (whole && !equal && !part) part = &row;
      if (!whole && !other) other = &row;
    } catch (const Error&) {
      continue;  // said when the row is read
    }
  if (!part) return;
  std::vector<std::string> names;
  for (const auto& each : units) names.push_back(name_of(table_, each));
  if (other) {
    const auto said = [&](const NamedTable::Row& row) {
      std::vector<std::string> fields;
      for (const auto& each : units) fields.push_back(table_.field(row, each.column));
      return joined(fields, " and ") + " in line " + std::to_string(row.line);
    };
    doubt_ = Error("'" + joined(names, "' and '") + "': parts of one time, as " + said(*part) +
                   " look, or one time in two units, " + said(*other) +
                   "? Write the time in one column (12:34, or seconds), or name the one that counts with --columns")
                 .at_line(table_.source, other->line);
    return;
  }
  const auto main = std::find_if(times_.begin(), times_.end(), [&](const auto& each) {
    return std::find(columns.begin(), columns.end(), each.column) != columns.end();
  });
  for (const auto& each : units)
    if (each.column != main->column) main->parts.push_back(each);
  std::erase_if(times_, [&](const auto& each) {
    return each.parts.empty() && std::find(columns.begin(), columns.end(), each.column) != columns.end();
  });
}

void TimeColumns::find(const std::vector<std::string>& names) {
  std::vector<UnitName> parts;
  for (const auto& name : table_.header) parts.push_back(unit_name(name));
  for (const auto& name : names) {
    std::map<std::string, TimeColumn> units;
    for (std::size_t c = 0; c < parts.size(); ++c) {
      const bool whole = plain_name(table_.header[c]) == name;  // "seconds" has no other words
      if (!whole && (parts[c].base.empty() || !is_one_of({name}, parts[c].base))) continue;
      auto& place = units[whole ? "" : parts[c].unit];
      int column = static_cast<int>(c);
      if (place.found()) column = place.name.unit.empty() ? table_.find({name}) : -1;  // Error, or the one as written
      if (column < 0) throw header_error(table_, "two columns are called '" + table_.header[c] + "'");
      refuse_second(table_, column);
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
  if (doubt_ && unit == "seconds") throw *doubt_;
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

bool is_point_in_time(double seconds) {
  constexpr double kYears = 1e9;  // 31 of them
  return seconds >= kYears;
}

bool same_time(double a, double b) { return std::abs(a - b) <= std::max(0.05, 1e-3 * std::abs(b)); }

double time_value(const NamedTable& table, const NamedTable::Row& row, const TimeColumn& column, char decimal,
                  std::string_view field, std::optional<double> fps) {
  const std::string& text = table.field(row, column.column);
  if (column.name.unit == "clock" && is_table_number(text, '.') && table_number(text, '.') != 0)
    throw Error("'" + text + "' is a number, and no time such as 01:30, in which '" + name_of(table, column) +
                "' is by its name")
        .at_field(field);
  double value = time_form(text) == TimeForm::kNone ? column.name.seconds(field_number(text, decimal, field))
                                                    : field_seconds(text, decimal, field, fps);
  for (const auto& part : column.parts) value += time_value(table, row, part, decimal, field, fps);
  return value;
}

void append_columns(std::vector<int>& out, const TimeColumn& column) {
  if (column.found()) out.push_back(column.column);
  for (const auto& part : column.parts) append_columns(out, part);
}

void note_units(const NamedTable& table, const std::vector<TimeColumn>& columns, const Note& note) {
  if (!note) return;
  std::map<std::string, std::vector<std::string>> units;
  for (const auto& column : columns) {
    if (!column.parts.empty()) {
      std::vector<std::string> names;
      for (const auto& part : column.parts) names.push_back(name_of(table, part));
      names.push_back(name_of(table, column));
      note(table.source + ": '" + joined(names, "' and '") + "' are read as parts of one time");
      continue;
    }
    if (column.found() && !column.name.counts() && !column.name.unit.empty() && column.name.unit != "seconds" &&
        column.name.unit != "clock")
      units[column.name.unit].push_back(name_of(table, column));
  }
  for (const auto& [unit, names] : units)
    note(table.source + ": read as " + unit + ", as the column's name says: '" + joined(names, "', '") + "'");
}

}  // namespace tal
