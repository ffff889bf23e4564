#include "libtal/io/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <filesystem>
#include <optional>
#include <span>

#include "libtal/base/error.h"
#include "libtal/base/number_advice.h"
#include "libtal/base/text.h"
#include "libtal/io/first_line.h"
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
               const std::vector<std::string>& row_names, bool doubles)
      : source_(source),
        text_(open_table(source, dialect, BlankColumns::kAlways)),
        dialect_(dialect),
        doubles_(doubles) {
    take_open_ends(text_, source.name);
    const FirstLine first(text_, source, dialect, row_names);
    header_ = first.is_header();
    if (!header_ && columns.empty()) first.refuse_commas();
    RowReader rows = text_.rows(source.name);
    if (!rows.next()) return;
    first_line_ = rows.line();
    try {
      names_ = header_ ? first.names() : std::vector<std::string>(rows.fields().size());
      if (columns.empty()) find_leading(first, row_names);
      choose(columns);
    } catch (Error& error) {
      throw error.at_line(source.name, rows.line());
    }
    decimal_ = decimal();
  }

  NumberTable read(const RowFault& fault) {
    RowReader rows = text_.rows(source_.name);
    if (header_) rows.next();
    std::uint64_t line = 1;
    while (rows.next()) {
      line = rows.line();
      try {
        add(rows.fields(), line);
        if (row_names_ >= 0) table_.lines.push_back(line);
      } catch (Error& error) {
        error.at_line(source_.name, line);
        if (!fault) throw;
        fault(error, rows.raw());
        leave_out(line);
      }
    }
    check_leading(line);
    tell_counting();
    for (auto& each : leading_) {
      if (each.places.values.empty()) continue;
      each.places.name = names_[each.column];
      table_.places.push_back(std::move(each.places));
    }
    table_.values.dim = static_cast<std::int64_t>(chosen_.size());
    return std::move(table_);
  }

 private:
  // A first column that may be no value: what its name says, and its fields.
  struct Leading {
    std::size_t column;
    bool unnamed, text;
    RowNumbers numbers;
    RowPlaces places;
  };

  // The columns before the first that holds values, and the one that names the rows. Where rows have names, columns
  // have those of classes: one called "time" must count to be none.
  void find_leading(const FirstLine& first, const std::vector<std::string>& row_names) {
    for (std::size_t c = 0; c < names_.size() && row_names_ < 0; ++c)
      if (header_ ? is_one_of(row_names, names_[c]) : c == 0 && !row_names.empty() && first.is_text(c))
        row_names_ = static_cast<int>(c);
    if (!header_ && row_names_ < 0) leading_.push_back({0, false, false, {}, {}});  // does it count the rows?
    if (!header_) return;
    for (std::size_t c = 0; c + 1 < names_.size(); ++c) {
      if (static_cast<int>(c) == row_names_) continue;
      const bool unnamed = is_unnamed(names_[c]), text = first.is_text(c);
      if (unnamed && std::any_of(names_.begin() + static_cast<std::ptrdiff_t>(c) + 1, names_.end(),
                                 [](const auto& name) { return name.empty(); }))
        break;
      if (unnamed && text && row_names_ < 0 && !row_names.empty()) row_names_ = static_cast<int>(c);
      else if (unnamed || (is_place_name(names_[c]) && (row_names.empty() || first.counts_rows(c))) ||
               (is_index_name(names_[c]) && first.counts_rows(c)))
        leading_.push_back({c, unnamed, text, {}, {}});
      else break;
    }
  }

  void choose(const std::vector<std::string>& columns) {
    chosen_ = choose_columns(names_, columns);
    std::erase_if(chosen_, [&](std::size_t c) {
      return static_cast<int>(c) == row_names_ ||
             (header_ &&
              std::any_of(leading_.begin(), leading_.end(), [&](const auto& each) { return each.column == c; }));
    });
    if (!header_) return;
    for (const auto index : chosen_) table_.header.push_back(names_[index]);
    for (const auto& each : leading_) table_.left_out.push_back(names_[each.column]);
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
      if (each.unnamed && !each.text && !each.numbers.count())
        throw Error(
            "the first column has no name and does not count the rows: is it an index or a feature? Name it in "
            "the header, or leave it out (pandas: to_csv(index=False))");
    }
    if (row_names_ >= 0) table_.row_names.emplace_back(fields[static_cast<std::size_t>(row_names_)]);
    row_.clear();
    for (const auto index : chosen_) {
      row_.push_back(value(fields[index], index));
      whole_ = whole_ && (index == 0 || row_.back() == std::floor(row_.back()));
    }
    see_counting();
    keep_row();
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

  // Which columns of values count the rows so far; after a few rows hardly any.
  void see_counting() {
    const auto n = static_cast<double>(table_.values.rows);
    if (n == 0)
      for (std::size_t k = 0; k < row_.size(); ++k)
        if (row_[k] == 0 || row_[k] == 1) counting_.push_back({k, row_[k]});
    std::erase_if(counting_, [&](const auto& each) { return row_[each.first] != n + each.second; });
  }
  void keep_row() {
    if (doubles_) table_.doubles.insert(table_.doubles.end(), row_.begin(), row_.end());
    else
      for (const double value : row_) table_.values.values.push_back(static_cast<float>(value));
    ++table_.values.rows;
  }
  void tell_counting() {
    constexpr std::int64_t kLeast = 3;  // fewer do it by chance
    if (table_.values.rows < kLeast || !table_.faulty.empty()) return;
    for (const auto& [k, from] : counting_)
      table_.counting.push_back(header_ ? names_[chosen_[k]] : "column " + std::to_string(chosen_[k] + 1));
  }

  // A row that could not be read keeps its place.
  void leave_out(std::uint64_t line) {
    table_.faulty.insert(table_.values.rows);
    row_.assign(chosen_.size(), std::nan(""));
    keep_row();
    if (row_names_ < 0) return;
    table_.row_names.resize(static_cast<std::size_t>(table_.values.rows));
    table_.lines.push_back(line);
  }

  // What the fields of the first columns say, when all have been seen.
  void check_leading(std::uint64_t line) const {
    if (table_.values.rows == 0) return;
    for (const auto& each : leading_) {
      if (header_ && !each.unnamed && !each.numbers.place())
        throw Error("column " + std::to_string(each.column + 1) + ": '" + names_[each.column] +
                    "' is called like a number or time of the rows, but does not rise from row to row: leave it out "
                    "of the file, or give it another name where it is a feature")
            .at_line(source_.name, line);
      const bool chance = table_.values.rows < 2 || (table_.values.rows == 2 && whole_);
      const bool gaps = each.numbers.gaps() && !(table_.values.rows < kSureGaps && whole_);
      if (header_ || names_.size() < 2 || !(each.numbers.steady() || gaps || (each.numbers.count() && !chance)))
        continue;
      throw Error(std::string("the first column ") + (gaps ? "seems to count the rows, with gaps" : "counts the rows") +
                  ": their numbers or times, or a feature? " + (gaps ? "Fill the missing rows in and leave" : "Leave") +
                  " it out of the file, or name the columns in a first line")
          .at_line(source_.name, first_line_);
    }
  }

  double value(std::string_view field, std::size_t column) const {
    const auto fault = [&](const char* what) {
      return Error("column " + std::to_string(column + 1) + ": " + in_quotes(field) + what, Error::Kind::kNotFinite);
    };
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
    if (!std::isfinite(doubles_ ? number : static_cast<double>(static_cast<float>(number))))
      throw fault(" is not finite");
    return number;
  }

  const SourceText& source_;
  TableText text_;
  const TableDialect dialect_;
  const bool doubles_;
  bool header_ = false;
  std::vector<std::string> names_;  // of all columns; empty ones without a header
  std::vector<Leading> leading_;    // without a header: the first column, which is read as well
  int row_names_ = -1;
  bool whole_ = true;                            // the values behind the first column are whole numbers
  static constexpr std::int64_t kSureGaps = 10;  // rows of whole numbers that do not rise so by chance
  std::uint64_t first_line_ = 1;                 // of the rows
  char decimal_ = '.';
  std::vector<std::size_t> chosen_;                       // indices of the fields that are read
  std::vector<double> row_;                               // the values of the row that is read
  std::vector<std::pair<std::size_t, double>> counting_;  // places in it, and the first row's number
  NumberTable table_;
};

}  // namespace

NumberTable parse_number_table(const SourceText& source, const std::vector<std::string>& columns,
                               const TableDialect& dialect, const std::vector<std::string>& row_names,
                               const RowFault& fault, bool doubles) {
  return NumberReader(source, columns, dialect, row_names, doubles).read(fault);
}

}  // namespace tal
