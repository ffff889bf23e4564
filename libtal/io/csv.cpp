#include "libtal/io/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>
#include <span>

#include "libtal/base/error.h"

namespace tal {
namespace {

using Fields = std::span<const std::string_view>;

constexpr int kRowsBelow = 200;  // rows that tell what a first line is

std::string shown(std::string_view text) {
  return "'" + std::string(text.substr(0, 40)) + (text.size() > 40 ? "...'" : "'");
}

bool is_number(std::string_view field) { return is_table_number(field, '.') || is_table_number(field, ','); }

// A number, or what programs write where one is missing.
bool is_value(std::string_view field) {
  const std::string name = plain_name(field);
  for (const char* word :
       {"", "nan", "-nan", "+nan", "na", "n/a", "null", "none", "inf", "-inf", "+inf", "infinity", "-infinity"})
    if (name == word) return true;
  return is_number(field);
}

bool is_whole(std::string_view field) {
  return !field.empty() && std::all_of(field.begin(), field.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// Whether the fields behind the first `skip` are first, first + 1, ... as whole numbers.
bool counts_from(const std::vector<std::string>& fields, std::size_t skip, std::size_t first) {
  for (std::size_t i = skip; i < fields.size(); ++i)
    if (fields[i] != std::to_string(first + i - skip)) return false;
  return true;
}

bool is_unnamed(std::string_view name) { return name.empty() || name == "Unnamed: 0"; }

// What the first line is, from it and from the rows below.
class FirstLine {
 public:
  FirstLine(RowReader rows, const SourceText& source, const TableDialect& dialect)
      : source_(source), given_(dialect.has_header) {
    if (!rows.next()) return;
    line_ = rows.line();
    fields_.assign(rows.fields().begin(), rows.fields().end());
    for (int n = 0; n < kRowsBelow && rows.next(); ++n) {
      any_ = true;
      for (const auto field : rows.fields()) whole_ = whole_ && is_whole(field);
    }
  }

  bool is_header() const {
    if (fields_.empty()) return false;
    if (given_ != 0) return given_ == 'y';
    if (!std::all_of(fields_.begin(), fields_.end(), is_value)) return true;
    const auto width = fields_.size();
    if (width > 1 && is_unnamed(fields_[0]) && (counts_from(fields_, 1, 0) || counts_from(fields_, 1, 1)))
      return true;  // pandas, with an index
    const bool counts = counts_from(fields_, 0, 0) || (width > 2 && counts_from(fields_, 0, 1));
    if (!counts) return false;
    if (any_ && !whole_ && width > 2) return true;
    throw Error("the first line counts the columns (" + fields_.front() + " to " + fields_.back() +
                "): names of columns, or the first values? Say it with --header yes or --header no")
        .at_line(source_.name, line_);
  }

 private:
  const SourceText& source_;
  char given_;
  std::uint64_t line_ = 0;
  std::vector<std::string> fields_;
  bool any_ = false, whole_ = true;  // rows below; all of whole numbers
};

// Indices of the columns that are asked for by name or number; all when none is.
std::vector<std::size_t> choose_columns(const std::vector<std::string>& names, const std::vector<std::string>& asked,
                                        std::size_t first) {
  std::vector<std::size_t> chosen;
  if (asked.empty())
    for (std::size_t i = first; i < names.size(); ++i) chosen.push_back(i);
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
  NumberReader(const SourceText& source, const std::vector<std::string>& columns, const TableDialect& dialect)
      : source_(source), text_(open_table(source, dialect, BlankColumns::kAlways)), dialect_(dialect) {
    header_ = FirstLine(text_.rows(source.name), source, dialect).is_header();
    RowReader rows = text_.rows(source.name);
    if (!rows.next()) return;
    try {
      take_names(rows.fields(), columns);
    } catch (Error& error) {
      throw error.at_line(source.name, rows.line());
    }
    decimal_ = decimal();
  }

  NumberTable read() {
    RowReader rows = text_.rows(source_.name);
    if (header_) rows.next();
    while (rows.next()) {
      try {
        add(rows.fields());
      } catch (Error& error) {
        throw error.at_line(source_.name, rows.line());
      }
    }
    table_.values.dim = static_cast<std::int64_t>(chosen_.size());
    return std::move(table_);
  }

 private:
  void take_names(Fields fields, const std::vector<std::string>& columns) {
    width_ = fields.size();
    std::vector<std::string> names(width_);
    if (header_) names.assign(fields.begin(), fields.end());
    index_ = header_ && width_ > 1 && is_unnamed(names[0]) &&
             std::none_of(names.begin() + 1, names.end(), [](const auto& name) { return name.empty(); });
    chosen_ = choose_columns(names, columns, index_ ? 1 : 0);
    index_ = index_ && columns.empty();
    if (!header_) return;
    for (const auto index : chosen_) table_.header.push_back(names[index]);
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

  void add(Fields fields) {
    if (fields.size() != width_)
      throw Error(std::to_string(fields.size()) + " columns, the first line has " + std::to_string(width_));
    if (index_) check_index(fields[0]);
    for (const auto index : chosen_) table_.values.values.push_back(value(fields[index], index));
    ++table_.values.rows;
  }

  void check_index(std::string_view field) {
    const auto row = static_cast<std::size_t>(table_.values.rows);
    if (row == 0) first_ = field == "1" ? 1 : 0;
    if (field != std::to_string(first_ + row))
      throw Error(
          "the first column has no name and does not count the rows: is it an index or a feature? Name it in "
          "the header, or leave it out (pandas: to_csv(index=False))");
  }

  float value(std::string_view field, std::size_t column) const {
    const auto fault = [&](const char* what) {
      return Error("column " + std::to_string(column + 1) + ": " + shown(field) + what, Error::Kind::kNotFinite);
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
  bool header_ = false, index_ = false;  // index_: the first column counts the rows, from first_
  std::size_t width_ = 0, first_ = 0;
  char decimal_ = '.';
  std::vector<std::size_t> chosen_;  // indices of the fields that are read
  NumberTable table_;
};

}  // namespace

NumberTable parse_number_table(const SourceText& source, const std::vector<std::string>& columns,
                               const TableDialect& dialect) {
  return NumberReader(source, columns, dialect).read();
}

}  // namespace tal
