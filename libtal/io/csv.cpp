#include "libtal/io/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number_advice.h"
#include "libtal/base/text.h"
#include "libtal/io/first_line.h"
#include "libtal/io/json_advice.h"
#include "libtal/io/time_text.h"

namespace tal {
namespace {

using Fields = std::span<const std::string_view>;

// The column of a name or number; nullopt: there is none. Error for a name that two columns have.
std::optional<std::size_t> column_called(const std::vector<std::string>& names, std::string_view asked) {
  const auto named = std::find(names.begin(), names.end(), asked);
  if (named != names.end()) {
    if (std::find(named + 1, names.end(), asked) != names.end())
      throw Error("two columns are called '" + std::string(asked) + "'");
    return static_cast<std::size_t>(named - names.begin());
  }
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(asked.data(), asked.data() + asked.size(), index);
  if (error != std::errc() || end != asked.data() + asked.size() || index < 1 || index > names.size())
    return std::nullopt;
  return index - 1;
}

// The columns of a range such as "2-5", "2:5" or "ax-az", both ends included; nullopt: it is none.
std::optional<std::pair<std::size_t, std::size_t>> range_called(const std::vector<std::string>& names,
                                                                std::string_view asked) {
  for (const std::string_view sign : {"..", ":", "-"})
    for (auto at = asked.find(sign); at != std::string_view::npos; at = asked.find(sign, at + 1)) {
      const auto first = column_called(names, trim(asked.substr(0, at)));
      const auto last = column_called(names, trim(asked.substr(at + sign.size())));
      if (first && last && *first <= *last) return std::pair(*first, *last);
    }
  return std::nullopt;
}

// One that differs in case, blanks and the like, else the nearest; "": none.
std::string nearest_column(const std::string& asked, const std::vector<std::string>& known) {
  for (const auto& name : known)
    if (loose_form(name) == loose_form(asked)) return name;
  return std::string(nearest(asked, known));
}

[[noreturn]] void refuse_column(const std::vector<std::string>& names, const std::string& asked) {
  std::vector<std::string> known;
  for (const auto& name : names)
    if (!name.empty()) known.push_back(name);
  std::string what = "no column '" + asked + "' (there are " + std::to_string(names.size()) +
                     (known.empty() ? "" : ", '" + joined_first(known, 8, "', '") + "'") + ")";
  std::error_code failed;
  if (std::filesystem::is_regular_file(asked, failed))
    what += ": it is a file; \"$(paste -sd, " + asked + ")\" are the names in it, one a line";
  else if (const auto near = nearest_column(asked, known); !near.empty()) what += ": did you mean '" + near + "'?";
  else if (asked.find_first_of(" ;|+") != std::string::npos)
    what += ": columns are named with commas between them, a,b,c or 1-3";
  throw Error(what);
}

// Indices of the columns that are asked for by name, number or range; all when none is.
std::vector<std::size_t> choose_columns(const std::vector<std::string>& names, const std::vector<std::string>& asked) {
  std::vector<std::size_t> chosen;
  const auto add = [&](std::size_t index, const std::string& column) {
    if (!asked.empty() && std::find(chosen.begin(), chosen.end(), index) != chosen.end())
      throw Error("column " + std::to_string(index + 1) + " is asked for twice, the second time by '" + column + "'");
    chosen.push_back(index);
  };
  if (asked.empty())
    for (std::size_t i = 0; i < names.size(); ++i) add(i, "");
  for (const auto& each : asked) {
    const std::string column(trim(each));
    if (const auto index = column_called(names, column)) {
      add(*index, column);
    } else if (const auto range = range_called(names, column)) {
      for (auto i = range->first; i <= range->second; ++i) add(i, column);
    } else {
      refuse_column(names, column);
    }
  }
  return chosen;
}

class NumberReader {
 public:
  NumberReader(const SourceText& source, const std::vector<std::string>& columns, const TableDialect& dialect,
               const NumberTableOptions& options)
      : source_(source),
        text_(open_table(source, dialect, BlankColumns::kAlways)),
        dialect_(dialect),
        options_(options),
        asked_(!columns.empty()) {
    take_open_ends(text_, source.name);
    const FirstLine first(text_, source, dialect, options.row_names);
    header_ = first.is_header();
    if (!header_ && !asked_) first.refuse_commas();
    RowReader rows = text_.rows(source.name);
    if (!rows.next()) return;
    first_line_ = rows.line();
    try {
      names_ = header_ ? first.names() : std::vector<std::string>(rows.fields().size());
      chosen_ = choose_columns(names_, columns);
      if (!asked_) find_row_names(first);
      if (header_) find_others(first);
      else if (!asked_ && row_names_ < 0) leading_.emplace_back(Leading{0});  // does it count the rows?
      take_out();
    } catch (Error& error) {
      throw error.at_line(source.name, rows.line());
    }
    decimal_ = decimal();
  }

  NumberTable read() {
    RowReader rows = text_.rows(source_.name);
    if (header_) rows.next();
    std::uint64_t line = header_ ? rows.line() : 0, before = line;  // 0: the first row may stand below blank lines
    while (rows.next()) {
      before = std::exchange(line, rows.line());
      try {
        if (names_.size() == 1 && before > 0) add_blank(before + 1, line);
        add(rows.fields(), line);
        if (row_names_ >= 0) table_.lines.push_back(line);
      } catch (Error& error) {
        error.at_line(source_.name, line);
        if (!options_.fault) throw;
        options_.fault(error, rows.raw());
        leave_out(line);
      }
    }
    check_leading(line);
    tell_counting();
    for (auto& each : leading_)
      if (const bool numbers = static_cast<std::int64_t>(each.places.values.size()) == table_.values.rows;
          numbers && !each.places.values.empty() &&
          (!each.lenient || each.numbers.place() || (each.kind == RowColumn::kEnd && !asked_))) {
        each.places.name = names_[each.column], each.places.column = each.kind;
        table_.places.push_back(std::move(each.places));
      }
    for (auto& [column, fact] : facts_) table_.facts.push_back(std::move(fact));
    table_.values.dim = static_cast<std::int64_t>(chosen_.size());
    return std::move(table_);
  }

 private:
  // A column that may be no value: what its name says, and its fields.
  struct Leading {
    std::size_t column;
    RowColumn kind = RowColumn::kPlace;
    bool unnamed = false, text = false;
    bool lenient = false;  // whatever stands in it, it is no value
    RowNumbers numbers = {};
    RowPlaces places = {};
  };

  void find_row_names(const FirstLine& first) {
    const auto& known = options_.row_names;
    for (std::size_t c = 0; c < names_.size() && row_names_ < 0; ++c)
      if (header_ ? is_one_of(known, names_[c]) : c == 0 && !known.empty() && first.is_text(c))
        row_names_ = static_cast<int>(c);
  }

  // What else is no value, of a header. Where rows have names, columns have those of classes: one called "time" must
  // count to be none.
  void find_others(const FirstLine& first) {
    const auto kinds = row_columns(names_);
    const bool classes = !options_.row_names.empty();
    bool before_values = names_.size() > 1;
    for (std::size_t c = 0; c < names_.size(); ++c) {
      if (static_cast<int>(c) == row_names_) continue;
      const bool chosen = asked_ && std::find(chosen_.begin(), chosen_.end(), c) != chosen_.end();
      const RowColumn kind = chosen || options_.values.count(names_[c]) > 0 ? RowColumn::kValue : kinds[c];
      if (is_unnamed(names_[c]) && before_values && !chosen) {
        before_values = find_unnamed(first, c);
        continue;
      }
      const bool bound = kind == RowColumn::kPlace || kind == RowColumn::kStart || kind == RowColumn::kEnd;
      const bool may_index = kind == RowColumn::kMayIndex && first.counts_rows(c) && (before_values || !starts_axes(c));
      // A class may be called "no".
      const bool index = kind == RowColumn::kIndex && (!classes || first.is_whole(c));
      if (index || may_index || (bound && (!classes || first.counts_rows(c)))) {
        const bool starts = std::find(kinds.begin(), kinds.end(), RowColumn::kStart) != kinds.end();
        const bool lenient = asked_ || (kind == RowColumn::kEnd && starts) || (classes && kind == RowColumn::kIndex);
        leading_.push_back({c, kind, false, first.is_text(c), lenient});
      } else if (is_video_fact(kind) && !asked_) {
        facts_.emplace_back(c, VideoFact{names_[c], kind, {}});
      } else if (kind == RowColumn::kLabel && !classes && !asked_) {
        throw Error("column " + std::to_string(c + 1) + ": '" + names_[c] +
                    "' is called like the label of the row, which is no feature" + keep_advice());
      } else {
        before_values = false;
      }
    }
  }

  // "X" before Y and Z is an axis.
  bool starts_axes(std::size_t c) const { return names_[c] == "X" || names_[c] == "X1"; }

  // Whether values may still follow: two columns without a name are none of them an index.
  bool find_unnamed(const FirstLine& first, std::size_t c) {
    const auto behind = names_.begin() + static_cast<std::ptrdiff_t>(c) + 1;
    if (c + 1 == names_.size() || std::any_of(behind, names_.end(), [](const auto& name) { return name.empty(); }))
      return false;
    const bool text = first.is_text(c);
    if (text && row_names_ < 0 && !options_.row_names.empty()) row_names_ = static_cast<int>(c);
    else leading_.push_back({c, RowColumn::kPlace, true, text, asked_});
    return true;
  }

  // The columns that are left are values. A table of one column, and one of times alone, has nothing else.
  void take_out() {
    const auto is_other = [&](std::size_t c) {
      const auto has = [&](const auto& list, auto column) {
        return std::any_of(list.begin(), list.end(), [&](const auto& each) { return column(each) == c; });
      };
      return has(leading_, [](const auto& each) { return each.column; }) ||
             has(facts_, [](const auto& each) { return each.first; });
    };
    if (names_.size() == 1 && row_names_ < 0 && header_) leading_.clear(), facts_.clear();
    std::erase_if(chosen_,
                  [&](std::size_t c) { return static_cast<int>(c) == row_names_ || (header_ && is_other(c)); });
    if (!header_) return;
    if (chosen_.empty() && !(leading_.empty() && facts_.empty()))
      throw Error("no column of values: '" + joined_first(names_, 8, "', '") +
                  "' number, time or name the rows, or tell of the video (--channels names columns of values)");
    for (const auto index : chosen_) table_.header.push_back(names_[index]);
    for (const auto& each : leading_)
      if (!asked_) table_.left_out.push_back(names_[each.column]);
  }

  std::string keep_advice() const {
    return ": leave it out of the file, or, where it is a value all the same, give it another name or name all columns "
           "of values with --channels";
  }

  // A second pass over the text where there is a comma that does not separate columns.
  char decimal() const {
    if (text_.text.find(text_.separator == ',' ? '"' : ',') == std::string_view::npos) return '.';
    DecimalSign sign(dialect_, text_.separator);
    RowReader rows = text_.rows(source_.name);
    if (header_) rows.next();
    while (rows.next())
      for (const auto index : chosen_)
        if (index < rows.fields().size()) sign.see(rows.fields()[index], rows.line());
    return sign.decide(source_.name);
  }

  void add(Fields fields, std::uint64_t line) {
    if (fields.size() != names_.size()) throw other_width(fields);
    for (auto& each : leading_) {
      if (const auto value = each.numbers.see(fields[each.column]); value && header_) {
        each.places.values.push_back(*value), each.places.lines.push_back(line);
        each.places.clock = each.places.clock || time_form(fields[each.column]) != TimeForm::kNone;
      }
      if (each.unnamed && !each.text && !each.lenient && !each.numbers.count())
        throw Error(
            "the first column has no name and does not count the rows: is it an index or a feature? Name it in "
            "the header, or leave it out (pandas: to_csv(index=False))");
    }
    for (auto& [column, fact] : facts_) see_fact(fact, column, fields[column], line);
    if (row_names_ >= 0) table_.row_names.emplace_back(fields[static_cast<std::size_t>(row_names_)]);
    row_.clear();
    for (const auto index : chosen_) {
      row_.push_back(value(fields[index], index));
      whole_ = whole_ && (index == 0 || row_.back() == std::floor(row_.back()));
    }
    see_counting();
    keep_row();
  }

  // The lines from `from` to before `to`, of the only column: a row each, whose value is missing.
  void add_blank(std::uint64_t from, std::uint64_t to) {
    if (from < to && !options_.non_finite)
      throw Error("line " + std::to_string(from) + " is blank: in a table of one column its value is missing",
                  Error::Kind::kNotFinite);
    const std::string_view none;
    for (; from < to; ++from) add({&none, 1}, from);
  }

  // All rows are of one video, where they have no names.
  void see_fact(VideoFact& fact, std::size_t column, std::string_view field, std::uint64_t line) const {
    if (fact.fields.empty()) fact.line = line;
    if (fact.fields.empty() || !options_.row_names.empty()) {
      fact.fields.emplace_back(field);
      return;
    }
    const std::string& first = fact.fields.front();
    const auto number = [](std::string_view text) {
      return is_table_number(text, '.') ? table_number(text, '.') : NAN;
    };
    if (field == first || number(field) == number(first)) return;
    const std::string what = "column " + std::to_string(column + 1) + ", '" + fact.name + "', is " + in_quotes(field) +
                             ", but " + in_quotes(first) + " in line " + std::to_string(fact.line);
    if (fact.column == RowColumn::kName)
      throw Error(what + ": the rows of a file are those of one video. Make a file of each" +
                  " (a column of values: --channels)");
    throw Error(what + ": by its name it is one of the whole video" + keep_advice());
  }

  Error other_width(Fields fields) const {
    std::string what = std::to_string(fields.size()) + (fields.size() == 1 ? " column" : " columns") +
                       ", the first line has " + std::to_string(names_.size());
    const bool narrow = text_.separator == ' ' && fields.size() == 1;  // blanks separate the words of the first line
    if (header_ && table_.values.rows == 0 && (fields.size() > names_.size() || narrow))
      what +=
          ": is that, " + in_quotes(joined(names_, narrow ? " " : ",")) + ", a title? Delete it, or begin it with #";
    else if (fields.size() == names_.size() + 1 && fields.back().empty()) what += " (this one ends with a separator)";
    return Error(what);
  }

  // Which columns of values rise by one step from row to row so far, as times and counters do; after a few rows hardly
  // any.
  void see_counting() {
    const auto n = static_cast<double>(table_.values.rows);
    if (n == 0)
      for (std::size_t k = 0; k < row_.size(); ++k) counting_.push_back({k, row_[k], 0});
    if (n == 1)
      for (auto& each : counting_) each.step = row_[each.column] - each.first;
    std::erase_if(counting_, [&](const Steady& each) {
      constexpr double kNear = 1e-6;  // of a step: decimals are rounded
      return n > 0 &&
             !(each.step > 0 && std::abs(row_[each.column] - (each.first + n * each.step)) <= kNear * each.step);
    });
  }
  void keep_row() {
    if (options_.doubles) table_.doubles.insert(table_.doubles.end(), row_.begin(), row_.end());
    else
      for (const double value : row_) table_.values.values.push_back(static_cast<float>(value));
    ++table_.values.rows;
  }
  void tell_counting() {
    constexpr std::int64_t kLeast = 3, kLeastOfOthers = 6;  // fewer do it by chance
    if (table_.values.rows < kLeast || !table_.faulty.empty()) return;
    for (const auto& [k, from, step] : counting_) {
      const bool counts = step == 1 && (from == 0 || from == 1);
      if (step > 0 && (counts || table_.values.rows >= kLeastOfOthers))
        table_.counting.push_back(header_ ? names_[chosen_[k]] : "column " + std::to_string(chosen_[k] + 1));
    }
  }

  // A row that could not be read keeps its place.
  void leave_out(std::uint64_t line) {
    table_.faulty.insert(table_.values.rows);
    row_.assign(chosen_.size(), std::nan(""));
    keep_row();
    for (auto& [column, fact] : facts_) fact.fields.resize(static_cast<std::size_t>(table_.values.rows));
    if (row_names_ < 0) return;
    table_.row_names.resize(static_cast<std::size_t>(table_.values.rows));
    table_.lines.push_back(line);
  }

  // What the fields of the first columns say, when all have been seen.
  void check_leading(std::uint64_t line) const {
    if (table_.values.rows == 0) return;
    for (const auto& each : leading_) {
      if (header_ && !each.unnamed && !each.lenient && !each.numbers.place())
        throw Error("column " + std::to_string(each.column + 1) + ": '" + names_[each.column] +
                    "' is called like a number or time of the rows, but does not rise from row to row" + keep_advice())
            .at_line(source_.name, line);
      const bool chance = table_.values.rows < 2 || (table_.values.rows == 2 && whole_);
      const bool gaps = each.numbers.gaps() && !(table_.values.rows < kSureGaps && whole_);
      const bool counts = each.numbers.steady() || each.numbers.by_one() || (each.numbers.count() && !chance);
      if (header_ || names_.size() < 2 || !(counts || gaps)) continue;
      throw Error(std::string("the first column ") + (gaps ? "seems to count the rows, with gaps" : "counts the rows") +
                  ": their numbers or times, or a feature? " + (gaps ? "Fill the missing rows in and leave" : "Leave") +
                  " it out of the file, name the columns in a first line, or say with --channels which of them are "
                  "values")
          .at_line(source_.name, first_line_);
    }
  }

  double value(std::string_view field, std::size_t column) const {
    const auto fault = [&](const char* what) {
      return Error("column " + std::to_string(column + 1) + ": " + in_quotes(field) + what, Error::Kind::kNotFinite);
    };
    if (options_.non_finite && is_empty_or_missing(trim(field))) return std::nan("");
    std::string point(field);
    if (decimal_ == ',') {
      if (field.find('.') != std::string_view::npos) throw fault(" is not a number with a decimal comma");
      if (const auto comma = point.find(','); comma != std::string::npos) point[comma] = '.';
    }
    double number = 0;
    const std::size_t plus = !point.empty() && point.front() == '+' && point.substr(0, 2) != "+-";
    const auto [end, error] = std::from_chars(point.data() + plus, point.data() + point.size(), number);
    if (end != point.data() + point.size() || error == std::errc::invalid_argument)
      throw fault((" is not a number" + number_advice(field)).c_str());
    if (error == std::errc::result_out_of_range) number = std::strtod(point.c_str(), nullptr);  // 0 or infinity
    if (!options_.non_finite &&
        !std::isfinite(options_.doubles ? number : static_cast<double>(static_cast<float>(number))))
      throw fault(" is not finite");
    return number;
  }

  const SourceText& source_;
  TableText text_;
  const TableDialect dialect_;
  const NumberTableOptions& options_;
  const bool asked_;  // for columns
  bool header_ = false;
  std::vector<std::string> names_;  // of all columns; empty ones without a header
  std::vector<Leading> leading_;    // without a header: the first column, which is read as well
  std::vector<std::pair<std::size_t, VideoFact>> facts_;
  int row_names_ = -1;
  bool whole_ = true;                            // the values behind the first column are whole numbers
  static constexpr std::int64_t kSureGaps = 10;  // rows of whole numbers that do not rise so by chance
  std::uint64_t first_line_ = 1;                 // of the rows
  char decimal_ = '.';
  std::vector<std::size_t> chosen_;  // indices of the fields that are read
  std::vector<double> row_;          // the values of the row that is read
  struct Steady {
    std::size_t column;  // place in it
    double first, step;
  };
  std::vector<Steady> counting_;
  NumberTable table_;
};

}  // namespace

Error no_rows(const NumberTable& table) {
  return Error(table.header.empty() ? "no rows"
                                    : "no rows of numbers behind the first line, '" +
                                          joined_first(table.header, 8, "', '") + "': is it a table of numbers?");
}

NumberTable parse_number_table(const SourceText& source, const std::vector<std::string>& columns,
                               const TableDialect& dialect, const NumberTableOptions& options) {
  if (const auto advice = numbers_advice(source.text); !advice.empty()) throw Error(advice).at_line(source.name, 0);
  return NumberReader(source, columns, dialect, options).read();
}

}  // namespace tal
