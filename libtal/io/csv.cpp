#include "libtal/io/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <span>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/io/first_line.h"

namespace tal {
namespace {

using Fields = std::span<const std::string_view>;

// Indices of the columns that are asked for by name or number; all when none is.
std::vector<std::size_t> choose_columns(const std::vector<std::string>& names, const std::vector<std::string>& asked) {
  std::vector<std::size_t> chosen;
  if (asked.empty())
    for (std::size_t i = 0; i < names.size(); ++i) chosen.push_back(i);
  for (const auto& column : asked) {
    const auto named = std::find(names.begin(), names.end(), column);
    std::size_t index = static_cast<std::size_t>(named - names.begin());
    if (named == names.end()) {
      const auto [end, error] = std::from_chars(column.data(), column.data() + column.size(), index);
      if (error != std::errc() || end != column.data() + column.size() || index < 1 || index > names.size())
        throw Error("no column '" + column + "' (there are " + std::to_string(names.size()) + ")");
      --index;
    } else if (std::find(named + 1, names.end(), column) != names.end()) {
      throw Error("two columns are called '" + column + "'");
    }
    chosen.push_back(index);
  }
  return chosen;
}

class NumberReader {
 public:
  NumberReader(const SourceText& source, const std::vector<std::string>& columns, const TableDialect& dialect,
               const std::vector<std::string>& row_names)
      : source_(source), text_(open_table(source, dialect, BlankColumns::kAlways)), dialect_(dialect) {
    const FirstLine first(text_, source, dialect, row_names);
    header_ = first.is_header();
    if (!header_ && columns.empty()) first.refuse_commas();
    RowReader rows = text_.rows(source.name);
    if (!rows.next()) return;
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
      else if (unnamed || (is_place_name(names_[c]) && (row_names.empty() || first.counts_rows(c))))
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
    if (fields.size() != names_.size())
      throw Error(std::to_string(fields.size()) + " columns, the first line has " + std::to_string(names_.size()));
    for (auto& each : leading_) {
      if (const auto value = each.numbers.see(fields[each.column]); value && header_) {
        each.places.values.push_back(*value), each.places.lines.push_back(line);
        each.places.clock = each.places.clock || has_clock(fields[each.column]);
      }
      if (each.unnamed && !each.text && !each.numbers.count())
        throw Error(
            "the first column has no name and does not count the rows: is it an index or a feature? Name it in "
            "the header, or leave it out (pandas: to_csv(index=False))");
    }
    if (row_names_ >= 0) table_.row_names.emplace_back(fields[static_cast<std::size_t>(row_names_)]);
    bool whole = true;
    for (const auto index : chosen_) {
      table_.values.values.push_back(value(fields[index], index));
      whole = whole && (index == 0 || table_.values.values.back() == std::floor(table_.values.values.back()));
    }
    whole_ = whole_ && whole;
    ++table_.values.rows;
  }

  // A row that could not be read keeps its place.
  void leave_out(std::uint64_t line) {
    table_.faulty.insert(table_.values.rows);
    table_.values.values.resize(static_cast<std::size_t>(table_.values.rows) * chosen_.size());
    table_.values.values.resize(table_.values.values.size() + chosen_.size(), std::nanf(""));
    ++table_.values.rows;
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
      if (header_ || names_.size() < 2 || !(each.numbers.steady() || (each.numbers.count() && !chance))) continue;
      throw Error(
          "the first column counts the rows: their numbers or times, or a feature? Leave it out of the file, or name "
          "the columns in a first line")
          .at_line(source_.name, 1);
    }
  }

  float value(std::string_view field, std::size_t column) const {
    const auto fault = [&](const char* what) {
      return Error("column " + std::to_string(column + 1) + ": " + in_quotes(field) + what, Error::Kind::kNotFinite);
    };
    std::string point(field);
    if (decimal_ == ',' && field.find('.') == std::string_view::npos)
      if (const auto comma = point.find(','); comma != std::string::npos) point[comma] = '.';
    double number = 0;
    const std::size_t plus = !point.empty() && point.front() == '+' && point.substr(0, 2) != "+-";
    const auto [end, error] = std::from_chars(point.data() + plus, point.data() + point.size(), number);
    if (end != point.data() + point.size() || error == std::errc::invalid_argument) throw fault(" is not a number");
    if (error == std::errc::result_out_of_range) number = std::strtod(point.c_str(), nullptr);  // 0 or infinity
    const auto single = static_cast<float>(number);
    if (!std::isfinite(single)) throw fault(" is not finite");
    return single;
  }

  const SourceText& source_;
  const TableText text_;
  const TableDialect dialect_;
  bool header_ = false;
  std::vector<std::string> names_;  // of all columns; empty ones without a header
  std::vector<Leading> leading_;    // without a header: the first column, which is read as well
  int row_names_ = -1;
  bool whole_ = true;  // the values behind the first column are whole numbers
  char decimal_ = '.';
  std::vector<std::size_t> chosen_;  // indices of the fields that are read
  NumberTable table_;
};

}  // namespace

NumberTable parse_number_table(const SourceText& source, const std::vector<std::string>& columns,
                               const TableDialect& dialect, const std::vector<std::string>& row_names,
                               const RowFault& fault) {
  return NumberReader(source, columns, dialect, row_names).read(fault);
}

}  // namespace tal
