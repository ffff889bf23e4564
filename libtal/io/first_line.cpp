#include "libtal/io/first_line.h"

#include <algorithm>
#include <cctype>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/io/digits.h"
#include "libtal/io/row_column.h"
#include "libtal/io/time_text.h"

namespace tal {
namespace {

constexpr int kRowsBelow = 200;       // rows that tell what a first line is
constexpr std::size_t kSureRows = 5;  // as many equal steps are no chance

bool is_number(std::string_view field) { return is_table_number(field, '.') || is_table_number(field, ','); }

// A number, or what programs write where one is missing.
bool is_value(std::string_view field) {
  const std::string name = plain_name(field);
  for (const char* word :
       {"", "nan", "-nan", "+nan", "na", "n/a", "null", "none", "inf", "-inf", "+inf", "infinity", "-infinity"})
    if (name == word) return true;
  return is_number(field);
}

// A text with a letter. Blanks that do not break, minus signs and dashes are none, and "O.3" is a number with a slip.
bool is_name(std::string_view field) {
  bool letter = false, slip = field.find_first_of(".,") != std::string_view::npos, digit = false;
  for (std::size_t i = 0; i < field.size(); ++i) {
    const auto byte = static_cast<unsigned char>(field[i]);
    if (byte >= 0x80) {
      const auto sign = field.substr(i, 3);
      if (field.substr(i, 2) == "\xc2\xa0") ++i;
      else if (sign.starts_with("\xe2\x80") || sign == "\xe2\x88\x92" || sign == "\xef\xbc\x8d") i += 2;
      else letter = true, slip = false;
      continue;
    }
    digit = digit || std::isdigit(byte);
    if (std::isalpha(byte))
      letter = true, slip = slip && std::string_view("oOlIeE").find(field[i]) != std::string::npos;
  }
  return letter && !(slip && digit);
}

// Whether the fields are first, first + 1, ... as whole numbers.
bool counts_from(const std::vector<std::string>& fields, std::size_t first) {
  for (std::size_t i = 0; i < fields.size(); ++i)
    if (fields[i] != std::to_string(first + i)) return false;
  return !fields.empty();
}
bool counts(const std::vector<std::string>& fields) { return counts_from(fields, 0) || counts_from(fields, 1); }

}  // namespace

FirstLine::FirstLine(const TableText& text, const SourceText& source, const TableDialect& dialect,
                     const std::vector<std::string>& row_names)
    : source_(source),
      dialect_(dialect),
      row_names_(row_names),
      separator_(text.separator),
      said_(dialect.decimal != 0 || text.told) {
  RowReader rows = text.rows(source.name);
  if (!rows.next()) return;
  line_ = rows.line();
  const auto see_quotes = [&] {
    for (std::size_t i = 0; i < rows.fields().size(); ++i) quoted_ = quoted_ || rows.quoted(i);
  };
  fields_.assign(rows.fields().begin(), rows.fields().end());
  see_quotes();
  for (int n = 0; n < kRowsBelow && rows.next(); ++n) {
    below_.emplace_back(rows.fields().begin(), rows.fields().end());
    row_names_quoted_ = row_names_quoted_ && rows.quoted(0);
    see_quotes();
  }
}

std::size_t FirstLine::values_below(std::size_t column) const {
  return static_cast<std::size_t>(std::count_if(below_.begin(), below_.end(), [&](const auto& row) {
    return column < row.size() && !row[column].empty() && is_value(row[column]);
  }));
}

bool FirstLine::is_text(std::size_t column) const { return !below_.empty() && values_below(column) == 0; }

bool FirstLine::counts_rows(std::size_t column) const {
  std::vector<std::string> fields;
  for (const auto& row : below_)
    if (column < row.size()) fields.push_back(row[column]);
  return fields.size() > 1 && counts(fields);
}

bool FirstLine::is_whole(std::size_t column) const {
  return std::all_of(below_.begin(), below_.end(),
                     [&](const auto& row) { return column < row.size() && is_digits(row[column]); });
}

bool FirstLine::is_known_name(const std::string& field) const {
  return is_unnamed(field) || is_place_name(field) || is_one_of(row_names_, field);
}

bool FirstLine::is_header() const {
  if (fields_.empty()) return false;
  if (dialect_.has_header != 0) return dialect_.has_header == 'y';
  if (std::none_of(fields_.begin(), fields_.end(), is_number)) {
    if (std::all_of(fields_.begin(), fields_.end(), is_value)) return false;
    if (std::none_of(fields_.begin(), fields_.end(), is_name)) refuse_mixed();
    return true;
  }
  if (!std::all_of(fields_.begin(), fields_.end(), is_value)) return mixed_is_header();
  const std::vector<std::string> behind(fields_.begin() + 1, fields_.end());
  if (fields_[0].empty() && counts(behind)) return true;  // pandas, with an index
  const auto width = fields_.size();
  if (!counts_from(fields_, 0) && !(width > 2 && counts_from(fields_, 1))) return false;
  const bool whole = std::all_of(below_.begin(), below_.end(),
                                 [](const auto& row) { return std::all_of(row.begin(), row.end(), is_digits); });
  if ((!whole && width > 2) || one_short()) return true;
  throw Error("the first line counts the columns (" + fields_.front() + " to " + fields_.back() +
              "): names of columns, or the first values? Say it with --header yes or --header no")
      .at_line(source_.name, line_);
}

// A line of numbers and of texts: names, where a text is known as one or stands above values, and the numbers count the
// columns, as pandas has it. One text among more numbers is a value that cannot be read as well.
bool FirstLine::mixed_is_header() const {
  std::vector<std::string> numbers;
  std::size_t texts = 0;
  bool above = false, known = false, before = false;  // known: a text that is known as a name; before: the numbers
  for (std::size_t c = 0; c < fields_.size(); ++c) {
    const auto& field = fields_[c];
    if (is_number(field)) {
      numbers.push_back(field);
    } else if (!is_value(field)) {
      if (is_known_name(field)) known = true, before = before || numbers.empty();
      else if (!is_name(field) || is_number(field.substr(0, 1))) refuse_mixed();  // 3.0x
      ++texts, above = above || 2 * values_below(c) > below_.size();
    }
  }
  const bool whole = std::all_of(numbers.begin(), numbers.end(), is_digits);
  const bool counted = numbers.size() > 1 && counts(numbers);
  if (known && (counted || (whole && before))) return true;
  if ((above || known) && !(counted && above && (numbers.size() > 2 || texts > 1 || !is_number(fields_.front()))))
    refuse_mixed();
  return above;
}

void FirstLine::refuse_mixed() const {
  std::size_t text = 0, number = 0;
  while (text + 1 < fields_.size() && is_value(fields_[text])) ++text;
  while (number < fields_.size() && !is_number(fields_[number])) ++number;
  const std::string what = "column " + std::to_string(text + 1) + ": " + in_quotes(fields_[text]) + " is not a number";
  const std::string but = number == fields_.size() ? ", and nothing in the first line looks like a name"
                                                   : ", but column " + std::to_string(number + 1) + ", " +
                                                         in_quotes(fields_[number]) + ", is one";
  throw Error(what + but + ": mend the value, or say --header yes where the line names the columns")
      .at_line(source_.name, line_);
}

bool FirstLine::one_short() const {
  return !below_.empty() &&
         std::all_of(below_.begin(), below_.end(), [&](const auto& row) { return row.size() == fields_.size() + 1; });
}

std::vector<std::string> FirstLine::names() const {
  std::vector<std::string> names = fields_;
  if (!one_short()) return names;
  std::vector<std::string> first;
  for (const auto& row : below_) first.push_back(row[0]);
  const bool numbered = counts(first) && (names.size() > 1 || row_names_quoted_);
  if (!is_text(0) && !numbered)
    throw Error("the rows have " + std::to_string(names.size() + 1) + " columns, the first line " +
                std::to_string(names.size()) +
                ": a name is missing, or the rows have names that R's write.table has not headed (row.names=FALSE "
                "leaves them out)")
        .at_line(source_.name, line_);
  names.insert(names.begin(), "");
  return names;
}

void FirstLine::refuse_commas() const {
  if (separator_ != ',' || said_ || quoted_) return;
  const auto fits = [](const std::vector<std::string>& row) {
    return row.size() == 2 && is_digits(row[1]) && is_digits(std::string_view(row[0]).substr(row[0].starts_with('-')));
  };
  if (!fits(fields_) || !std::all_of(below_.begin(), below_.end(), fits)) return;
  throw Error("'" + fields_[0] + "," + fields_[1] +
              "' may be two columns or one with a decimal comma: say which with --decimal point or --decimal comma")
      .at_line(source_.name, line_);
}

namespace {

// A number, a time, or a date and time; nullopt: a text.
std::optional<double> place_of_row(std::string_view field) {
  if (is_number(field)) return table_number(field, is_table_number(field, '.') ? '.' : ',');
  const TimeForm form = time_form(field);
  if (form == TimeForm::kNone || is_timecode(field)) return std::nullopt;
  return form == TimeForm::kStamp ? stamp_seconds(field) : written_seconds(field);
}

}  // namespace

std::optional<double> RowNumbers::see(std::string_view field) {
  ++rows_;
  const auto number = place_of_row(field);
  if (!number) {
    ++texts_;
    return std::nullopt;
  }
  const double value = *number;
  if (rows_ == 1) first_ = value;
  counts_ = counts_ && (first_ == 0 || first_ == 1) && value == first_ + static_cast<double>(rows_ - 1);
  whole_ = whole_ && value == std::floor(value);
  if (rows_ == 2) step_ = value - last_;
  if (rows_ > 1) {
    rises_ = rises_ && value > last_;
    steady_ = steady_ && step_ != 0 && std::abs(value - last_ - step_) <= 1e-3 * std::abs(step_);
    same_ += value - last_ == step_;
  }
  last_ = value;
  return value;
}

bool RowNumbers::count() const { return counts_ && texts_ == 0 && rows_ > 0; }
bool RowNumbers::place() const { return texts_ > 0 ? texts_ == rows_ : count() || (rises_ && rows_ > 1); }
bool RowNumbers::by_one() const { return texts_ == 0 && whole_ && steady_ && step_ == 1 && rows_ > 2; }
bool RowNumbers::steady() const { return texts_ == 0 && (steady_ && rows_ >= kSureRows); }
bool RowNumbers::gaps() const {
  return texts_ == 0 && whole_ && rises_ && !steady_ && rows_ > 2 && 2 * same_ >= rows_ - 1;
}

}  // namespace tal
