#include "libtal/io/table.h"

#include <algorithm>
#include <cctype>
#include <cmath>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/number_advice.h"
#include "libtal/base/text.h"
#include "libtal/io/digits.h"
#include "libtal/io/json_advice.h"
#include "libtal/io/time_text.h"

namespace tal {
namespace {

constexpr std::size_t kSampleRows = 200;  // rows that tell the separator

bool is_blank(char c) { return c == ' ' || c == '\t'; }

std::string separator_name(char separator) {
  if (separator == '\t') return "tabs";
  return separator == ' ' ? "blanks" : std::string("'") + separator + "'";
}

}  // namespace

void RowReader::skip_blanks() {
  while (!text_.empty() && is_blank(text_.front()) && text_.front() != separator_) text_.remove_prefix(1);
}

std::string_view RowReader::quoted_field() {
  const std::uint64_t opened = next_line_;
  text_.remove_prefix(1);
  std::size_t end = 0;
  bool doubled = false;
  for (;; ++end) {
    if (end >= text_.size()) throw Error("a quoted field is not closed").at_line(source_, opened);
    const char c = text_[end];
    if (c == '"') {
      if (end + 1 >= text_.size() || text_[end + 1] != '"') break;
      doubled = true, ++end;
    }
    next_line_ += c == '\n' || (c == '\r' && (end + 1 >= text_.size() || text_[end + 1] != '\n'));
  }
  std::string_view field = text_.substr(0, end);
  text_.remove_prefix(end + 1);
  if (doubled) {
    std::string& plain = kept_.emplace_back();
    for (std::size_t i = 0; i < field.size(); i += field[i] == '"' ? 2 : 1) plain += field[i];
    field = plain;
  }
  const char* const behind = text_.data();
  skip_blanks();
  const bool apart = separator_ == ' ' && text_.data() != behind;  // by a tab
  if (!at_line_end() && text_.front() != separator_ && !apart)
    throw Error("text behind a quoted field").at_line(source_, next_line_);
  return field;
}

std::string_view RowReader::plain_field() {
  std::size_t end = 0;
  const auto ends = [&](char c) {
    return c == '\n' || c == '\r' || (separator_ == ' ' ? is_blank(c) : separator_ != 0 && c == separator_);
  };
  while (end < text_.size() && !ends(text_[end])) ++end;
  const auto field = trim(text_.substr(0, end));
  text_.remove_prefix(end);
  return field;
}

void RowReader::read_row() {
  fields_.clear(), quoted_.clear(), kept_.clear();
  line_ = next_line_;
  const std::string_view before = text_;
  while (true) {
    if (separator_ == ' ')
      while (!text_.empty() && is_blank(text_.front())) text_.remove_prefix(1);
    else skip_blanks();
    if (separator_ == ' ' && at_line_end() && !fields_.empty()) break;  // blanks at the end of the line
    const bool quoted = !text_.empty() && text_.front() == '"';
    fields_.push_back(quoted ? quoted_field() : plain_field());
    quoted_.push_back(quoted);
    if (at_line_end()) break;
    if (separator_ != ' ') text_.remove_prefix(1);
  }
  for (int n = 0; n < open_ends_ && fields_.size() > 1 && fields_.back().empty() && !quoted_.back(); ++n)
    fields_.pop_back(), quoted_.pop_back();
  raw_ = before.substr(0, before.size() - text_.size());
  if (!text_.empty()) text_.remove_prefix(text_.substr(0, 2) == "\r\n" ? 2 : 1);
  ++next_line_;
}

bool RowReader::next() {
  while (!text_.empty()) {
    read_row();
    if (fields_.size() > 1 || !fields_[0].empty() || quoted_[0]) return true;
  }
  return false;
}

namespace {

// Takes a first line "sep=;" off.
void take_separator_line(TableText& table) {
  std::string_view rest = table.text;
  std::string_view line = trim(take_line(rest));
  if (line.size() > 1 && line.front() == '"' && line.back() == '"') line = line.substr(1, line.size() - 2);
  if (line.substr(0, 4) != "sep=" && line.substr(0, 4) != "SEP=") return;
  line.remove_prefix(4);
  if (line.empty()) line = "\t";  // trimmed away
  if (line.size() != 1 || std::isalnum(static_cast<unsigned char>(line.front())) || line.front() == '"') return;
  table.separator = line.front(), table.told = true;
  table.text = rest;
  ++table.first_line;
}

// How a separator cuts the first lines.
struct Cut {
  char separator = 0;
  std::size_t width = 0, rows = 0, cells = 0, numbers = 0;  // cells of all rows but the first, which may be a header
  bool alike = true;     // all lines into the same number of fields, but for a header without R's row names
  bool decimals = true;  // what commas it leaves are those of numbers
  double share() const { return cells == 0 ? 0 : static_cast<double>(numbers) / static_cast<double>(cells); }
};

// nullopt when it cuts nothing, or through quotes, which `damaged` tells.
std::optional<Cut> cut_with(const TableText& table, char separator, bool& damaged) {
  Cut cut{separator};
  RowReader rows(table.text, "", separator);
  try {
    for (; cut.rows < kSampleRows && rows.next(); ++cut.rows) {
      const std::size_t width = rows.fields().size();
      if (cut.rows == 1 && width == cut.width + 1 && (cut.width > 1 || rows.quoted(0))) ++cut.width;
      if (cut.rows == 0) cut.width = width;
      if (width != cut.width) cut.alike = false;
      if (cut.rows == 1) cut.cells = cut.numbers = 0;
      for (const auto field : rows.fields()) {
        ++cut.cells;
        const bool comma = is_table_number(field, ',');
        cut.numbers += field.empty() || is_table_number(field, '.') || comma || time_form(field) != TimeForm::kNone;
        cut.decimals = cut.decimals && (comma || field.find(',') == std::string_view::npos);
      }
    }
  } catch (const Error&) {
    damaged = true;
    return std::nullopt;
  }
  return cut.width > 1 ? std::optional(cut) : std::nullopt;
}

bool better(const Cut& a, const Cut& b) {
  if (a.alike != b.alike) return a.alike;
  if (a.share() != b.share()) return a.share() > b.share();
  if (b.separator == ',' && a.separator != ' ' && a.decimals) return true;  // v1;0,5
  if (a.separator == ',' && b.separator != ' ' && b.decimals) return false;
  if (a.rows < 2 && b.rows < 2 && a.width != b.width) return a.width > b.width;
  return a.separator != ' ' && b.separator == ' ';
}

}  // namespace

namespace {

void find_separator(TableText& table, const std::string& source, const TableDialect& dialect, BlankColumns blanks) {
  if (dialect.separator != 0) table.separator = dialect.separator;
  if (table.separator != 0) return;
  std::vector<Cut> cuts;
  char damaged = 0;  // the first separator that cuts through quotes
  for (const char separator : {',', ';', '\t', '|', ' '}) {
    if (separator == ' ' && blanks == BlankColumns::kNever) continue;
    if (separator == ',' && dialect.decimal == ',' && table.text.find('"') == std::string_view::npos) continue;
    bool through_quotes = false;
    const auto cut = cut_with(table, separator, through_quotes);
    if (through_quotes && damaged == 0) damaged = separator;
    if (!cut) continue;
    if (separator == ' ' && blanks == BlankColumns::kAlike && !(cut->alike && cut->numbers > 0)) continue;
    cuts.push_back(*cut);
  }
  if (cuts.empty()) {
    table.separator = damaged;  // whoever reads the rows meets the fault
    return;
  }
  std::stable_sort(cuts.begin(), cuts.end(), better);
  if (cuts.size() > 1 && !better(cuts[0], cuts[1]))
    throw Error("the columns may be separated by " + separator_name(cuts[0].separator) + " or by " +
                separator_name(cuts[1].separator) + ": say which with a first line sep=" + cuts[0].separator +
                " or sep=" + cuts[1].separator)
        .at_line(source, table.first_line);
  table.separator = cuts[0].separator;
}

// "# a,b", and no column called "#".
bool is_comment(std::string_view line) {
  return line.starts_with('#') &&
         (line.size() == 1 || std::string_view(",;\t|").find(line[1]) == std::string_view::npos);
}

bool is_written_number(std::string_view field) {
  return is_table_number(field, '.') || is_table_number(field, ',') || time_form(field) != TimeForm::kNone;
}

bool has_numbers(std::span<const std::string_view> fields) {
  return std::any_of(fields.begin(), fields.end(), is_written_number);
}

// Whether a comment, without its sign, names the columns of the rows below it: it has as many fields, and no other line
// has the names.
bool names_columns(std::string_view comment, const TableText& below, const std::string& source) {
  RowReader rows = below.rows(source), names(comment, source, below.separator);
  if (!rows.next() || !names.next() || names.fields().size() != rows.fields().size()) return false;
  if (std::all_of(names.fields().begin(), names.fields().end(), is_written_number)) return false;  // a row left out
  if (names.fields().size() == 1) return comment.find_first_of(" \t,;|") == std::string_view::npos;
  if (has_numbers(rows.fields())) return true;
  return !rows.next() || !has_numbers(rows.fields());
}

// Takes comments above the first row off.
void take_comments(TableText& table, const std::string& source, const TableDialect& dialect, BlankColumns blanks) {
  TableText below = table;
  std::string_view last;  // comment, from there on
  std::uint64_t last_line = 0;
  while (true) {
    std::string_view rest = below.text;
    const std::string_view before = rest;
    const auto line = trim(take_line(rest));
    if (before.empty() || !(line.empty() || is_comment(line))) break;
    if (!line.empty()) last = before, last_line = below.first_line;
    below.text = rest, ++below.first_line;
  }
  if (last.empty() || below.text.empty()) return;  // nothing but comments: they may be names
  find_separator(below, source, dialect, blanks);
  std::string_view rest = last;
  const std::string_view comment = trim(trim(take_line(rest)).substr(1));
  if (!comment.empty() && names_columns(comment, below, source))
    below.text = last.substr(static_cast<std::size_t>(comment.data() - last.data())), below.first_line = last_line;
  table = below;
}

}  // namespace

TableText open_table(const SourceText& source, const TableDialect& dialect, BlankColumns blanks) {
  TableText table{utf8_text(source)};
  take_separator_line(table);
  take_comments(table, source.name, dialect, blanks);
  find_separator(table, source.name, dialect, blanks);
  return table;
}

void take_open_ends(TableText& table, const std::string& source) {
  if (table.separator == 0 || table.separator == ' ') return;
  const auto empty_ends = [](const RowReader& rows) {
    int n = 0;
    const auto fields = rows.fields();
    while (n + 1 < std::ssize(fields) && fields[fields.size() - 1 - static_cast<std::size_t>(n)].empty() &&
           !rows.quoted(fields.size() - 1 - static_cast<std::size_t>(n)))
      ++n;
    return n;
  };
  RowReader rows = table.rows(source);
  int first = 0, others = -1;
  std::size_t first_width = 0, width = 0;
  for (std::size_t row = 0; rows.next(); ++row) {
    const int ends = empty_ends(rows);
    if (row == 0) first = ends, first_width = rows.fields().size();
    else others = others < 0 ? ends : std::min(others, ends), width = std::max(width, rows.fields().size());
    if (others == 0) return;
  }
  if (others < 0) others = first;
  const bool shorter = first_width + static_cast<std::size_t>(others) == width;
  table.open_ends = shorter ? others : std::min(first, others);
}

void DecimalSign::see(std::string_view field, std::uint64_t line) {
  field = trim(field);
  const std::size_t sign = !field.empty() && (field.front() == '-' || field.front() == '+');
  const std::size_t whole = digits_at(field, sign);
  const std::size_t at = sign + whole;
  if (at >= field.size() || (field[at] != ',' && field[at] != '.')) return;
  if (!is_table_number(field, field[at])) return;
  const Seen seen{std::string(field), line};
  if (field[at] == '.') {
    if (point_.line == 0) point_ = seen;
    return;
  }
  if (comma_.line == 0) comma_ = seen;
  // "1,234" may be 1234: thousands have three digits behind the comma, and one to three before it, the first not 0.
  const bool thousands =
      digits_at(field, at + 1) == 3 && at + 4 == field.size() && whole >= 1 && whole <= 3 && field[sign] != '0';
  if (!thousands && sure_.line == 0) sure_ = seen;
}

char DecimalSign::decide(const std::string& source) const {
  if (given_ != 0) return given_;
  if (comma_.line == 0) return '.';
  if (point_.line != 0)
    throw Error("'" + point_.text + "' has a decimal point, '" + comma_.text + "' in line " +
                std::to_string(comma_.line) + " a comma: which separates decimals?")
        .at_line(source, point_.line);
  if (sure_.line == 0 && separator_ != ';')
    throw Error("'" + comma_.text +
                "' may be a decimal comma or thousands: say which with --decimal comma, or write "
                "it without")
        .at_line(source, comma_.line);
  return ',';
}

double table_number(std::string_view text, char decimal) {
  text = trim(text);
  if (decimal != ',') return parse_number(text);
  const auto comma = text.find(',');
  if (comma == std::string_view::npos && text.find('.') == std::string_view::npos) return parse_number(text);
  std::string point(text);
  if (comma != std::string_view::npos && text.find('.') == std::string_view::npos) point[comma] = '.';
  else point = "?";  // the sign is the comma
  try {
    return parse_number(point);
  } catch (const Error& error) {
    throw Error(
        "'" + with_invisible_named(text) + "' is not a finite number with a decimal comma" + number_advice(text),
        error.kind());
  }
}

bool is_table_number(std::string_view text, char decimal) {
  text = trim(text);
  const std::size_t sign = !text.empty() && (text.front() == '-' || text.front() == '+');
  std::size_t at = sign + digits_at(text, sign), digits = at - sign;
  if (at < text.size() && text[at] == decimal) {
    const auto fraction = digits_at(text, at + 1);
    digits += fraction, at += 1 + fraction;
  }
  if (digits == 0) return false;
  if (at < text.size() && (text[at] == 'e' || text[at] == 'E')) {
    ++at;
    if (at < text.size() && (text[at] == '-' || text[at] == '+')) ++at;
    const auto exponent = digits_at(text, at);
    if (exponent == 0) return false;
    at += exponent;
  }
  return at == text.size();
}

bool is_missing(std::string_view field) {
  if (field.empty() || (field.front() >= '0' && field.front() <= '9')) return false;  // nearly all
  static constexpr std::string_view kWords[] = {"NA",   "NaN",  "nan",  "NAN", "-nan", "-NaN", "NaT",      "None",
                                                "null", "NULL", "<NA>", "N/A", "n/a",  "#N/A", "#N/A N/A", "#NA"};
  return std::find(std::begin(kWords), std::end(kWords), field) != std::end(kWords);
}

std::string plain_name(std::string_view name) {
  std::string out(trim(name));
  for (char& c : out) {
    if (c == ' ' || c == '_') c = '-';
    else c = ascii_lower(c);
  }
  return out;
}

namespace {

// "videoId", "video_id", "Video (id)" and R's "video.id" -> "videoid".
std::string joined_name(std::string_view name) {
  std::string out = plain_name(name);
  std::erase_if(out, [](char c) { return std::string_view("-.()[]").find(c) != std::string_view::npos; });
  return out;
}

}  // namespace

bool is_one_of(const std::vector<std::string>& names, std::string_view name) {
  const std::string plain = plain_name(name), one = joined_name(name);
  return std::any_of(names.begin(), names.end(), [&](const auto& each) {
    return plain_name(each) == plain || (!one.empty() && joined_name(each) == one);
  });
}

std::string second_of(const std::vector<std::string>& header, const std::string& name) {
  if (name.empty()) return "";
  const auto is_second = [&](const std::string& each) {
    return each.size() > name.size() + 1 && each.starts_with(name) && each[name.size()] == '.' &&
           is_digits(std::string_view(each).substr(name.size() + 1));
  };
  const auto found = std::find_if(header.begin(), header.end(), is_second);
  return found == header.end() ? "" : *found;
}

void refuse_second(const NamedTable& table, int column) {
  if (column < 0) return;
  const std::string& name = table.header[static_cast<std::size_t>(column)];
  if (const auto second = second_of(table.header, name); !second.empty())
    throw Error("two columns are called '" + name + "': '" + second +
                "' is what pandas makes of the second one; give each column a name of its own, or leave one out")
        .at_line(table.source, table.header_line);
}

int NamedTable::find(const std::vector<std::string>& names) const {
  using Form = std::string (*)(std::string_view);
  static constexpr Form kForms[] = {[](std::string_view name) { return std::string(name); }, plain_name, joined_name};
  const auto search = [&](const std::string& name, Form form) {
    int found = -1;
    for (std::size_t i = 0; i < header.size(); ++i) {
      if (form(header[i]) != form(name) || (form == joined_name && form(name).empty())) continue;
      if (found >= 0) throw Error("two columns are called '" + header[i] + "'").at_line(source, header_line);
      found = static_cast<int>(i);
    }
    return found;
  };
  for (const auto& name : names)  // in their order: "video_id" goes before "name", however they are written
    for (const Form form : kForms)
      if (const int found = search(name, form); found >= 0) return found;
  return -1;
}

void NamedTable::check_width(const Row& row) const {
  if (is_whole(row)) return;
  std::string text = std::to_string(row.fields.size()) + (row.fields.size() == 1 ? " field" : " fields") +
                     ", but the header has " + std::to_string(header.size());
  if (separator == ',' && row.fields.size() > header.size())
    text += " (a comma inside of a field, or a decimal comma, needs quotes around the field)";
  if (named_rows)
    text += "; is a name missing, or has R's write.table named the rows (row.names=FALSE leaves them out)?";
  throw Error(text);
}

const std::string& NamedTable::field(const Row& row, int column) const {
  check_width(row);
  return row.fields[static_cast<std::size_t>(column)];
}

char NamedTable::decimal_of(const std::vector<int>& columns, const TableDialect& dialect) const {
  DecimalSign sign(dialect, separator);
  for (const auto& row : rows)
    for (const int column : columns)
      if (column >= 0 && static_cast<std::size_t>(column) < row.fields.size())
        sign.see(row.fields[static_cast<std::size_t>(column)], row.line);
  return sign.decide(source);
}

namespace {

// A separator at the end of every line makes no column.
void drop_last_column(NamedTable& table) {
  const std::size_t width = table.header.size();
  for (auto& row : table.rows)
    if (row.fields.size() == width + 1 && row.fields.back().empty()) row.fields.pop_back();
  const bool nothing = width > 1 && table.header.back().empty() &&
                       std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) {
                         return row.fields.size() < width || (row.fields.size() == width && row.fields.back().empty());
                       });
  if (!nothing) return;
  table.header.pop_back();
  for (auto& row : table.rows)
    if (row.fields.size() == width) row.fields.pop_back();
}

// R's write.table names the rows, "1", "2", ..., in a column that its header leaves out: an unnamed first column.
void name_rows(NamedTable& table, bool quoted) {
  const std::size_t width = table.header.size() + 1;
  table.named_rows =
      !table.rows.empty() && width > 2 &&
      std::all_of(table.rows.begin(), table.rows.end(), [&](const auto& row) { return row.fields.size() == width; });
  if (!table.named_rows) return;
  bool counted = quoted || table.separator == ' ' || table.separator == '\t';
  for (std::size_t i = 0; i < table.rows.size() && counted; ++i)
    counted = table.rows[i].fields.front() == std::to_string(i + 1);
  if (counted) table.header.insert(table.header.begin(), "");
}

// What Excel writes to keep a number a text, ="007".
std::string_view without_formula(std::string_view field) {
  const bool formula = field.size() > 2 && field.starts_with("=\"") && field.ends_with('"');
  return formula ? field.substr(2, field.size() - 3) : field;
}

// "# video,start,end", as NumPy writes headers.
void take_mark(std::string& name) {
  if (name.starts_with('#') && name.size() > 1) name = std::string(trim(std::string_view(name).substr(1)));
}

}  // namespace

const std::vector<std::string>& own_columns() {
  static const std::vector<std::string> columns = {"video",  "start", "end",    "label", "score",   "duration",
                                                   "subset", "fps",   "frames", "tier",  "subject", "at"};
  return columns;
}

bool is_own_header(const std::vector<std::string>& header) {
  constexpr std::size_t kFirst = 9, kSecond = 11;  // columns of earlier versions
  const auto& own = own_columns();
  return (header.size() == own.size() || header.size() == kSecond || header.size() == kFirst) &&
         std::equal(header.begin(), header.end(), own.begin());
}

NamedTable parse_named_table(const SourceText& source, const TableDialect& dialect, BlankColumns blanks) {
  const auto begin = utf8_text(source);
  if (const char first = first_character(begin); first == '[' || (first == '{' && begin.find('"') != begin.npos))
    throw Error("is JSON, and no table" + record_advice(begin.substr(0, 4096))).at_line(source.name, 0);
  const TableText text = open_table(source, dialect, blanks);
  NamedTable table;
  table.source = source.name, table.separator = text.separator;
  RowReader rows = text.rows(source.name);
  bool quoted = true;  // the first field of each row
  while (rows.next()) {
    const auto fields = rows.fields();
    if (std::all_of(fields.begin(), fields.end(), [](std::string_view field) { return field.empty(); })) continue;
    if (table.header.empty()) {
      table.header.assign(fields.begin(), fields.end());
      table.header_line = rows.line();
      if (table.header.size() > 1) take_mark(table.header.front());
      table.own = is_own_header(table.header);
    } else {
      auto& row = table.rows.emplace_back(NamedTable::Row{rows.line(), {}, rows.raw()});
      for (const auto field : fields) row.fields.emplace_back(table.own ? field : without_formula(field));
      for (std::size_t i = 0; i < std::min<std::size_t>(fields.size(), 64); ++i)
        row.quotes |= std::uint64_t{rows.quoted(i)} << i;
      quoted = quoted && rows.quoted(0);
    }
  }
  if (table.header.empty()) throw Error("empty: a header line with column names was expected").at_line(source.name, 0);
  drop_last_column(table);
  name_rows(table, quoted);
  return table;
}

}  // namespace tal
