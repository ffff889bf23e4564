// Tables as text, the way that spreadsheets, pandas, R and people write them: one reader for all who take a table or a
// list. The separator is found, not told, and a file that could be read in two ways is refused with its reason.
#pragma once

#include <cstdint>
#include <deque>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/text_file.h"

namespace tal {

// How a table is written. What is 0 is found out.
struct TableDialect {
  char separator = 0;   // ' ': runs of blanks
  char decimal = 0;     // '.' or ','
  char has_header = 0;  // 'y' or 'n': whether the first line of a table of numbers names its columns
};

// Rows, one after the other. "..." fields may hold separators, line ends and doubled quotes; other fields lose the
// blanks around them. Lines end as in libtal/io/text_file.h; blank ones are passed over.
class RowReader {
 public:
  // separator 0: each line is one field. source: for errors. open_ends: so many empty fields at a row's end are none.
  RowReader(std::string_view text, std::string source, char separator, std::uint64_t first_line = 1, int open_ends = 0)
      : text_(text), source_(std::move(source)), separator_(separator), open_ends_(open_ends), next_line_(first_line) {}
  // false at the end. Error, with the line, for quotes that do not close and text behind one.
  bool next();
  std::uint64_t line() const { return line_; }                          // on which the row begins
  std::span<const std::string_view> fields() const { return fields_; }  // valid until next()
  bool quoted(std::size_t field) const { return quoted_[field] != 0; }
  std::string_view raw() const { return raw_; }  // the row as it stands, without its line end

 private:
  void read_row();
  std::string_view plain_field();
  std::string_view quoted_field();
  void skip_blanks();
  bool at_line_end() const { return text_.empty() || text_.front() == '\n' || text_.front() == '\r'; }

  std::string_view text_, raw_;
  std::string source_;
  char separator_;
  int open_ends_;
  std::uint64_t line_ = 0, next_line_;
  std::vector<std::string_view> fields_;
  std::vector<char> quoted_;
  std::deque<std::string> kept_;  // fields that had doubled quotes
};

// A table's text behind what comes before its first row, and its separator.
struct TableText {
  std::string_view text;
  std::uint64_t first_line = 1;
  char separator = 0;  // 0: one column
  bool told = false;   // by a line "sep=;"
  int open_ends = 0;
  RowReader rows(const std::string& source) const { return {text, source, separator, first_line, open_ends}; }
};
// Whether runs of blanks may separate columns: never, in a table whose lines they cut alike, or wherever nothing else
// does (numbers).
enum class BlankColumns { kNever, kAlike, kAlways };

// The separator is that of a first line "sep=;", else the one of comma, semicolon, tab, bar and blanks that the first
// line has and that cuts all lines alike, into the most numbers. Error when two do. A comma that the dialect says to
// separate decimals separates columns only where there are quotes. Lines above that begin with '#' are comments; the
// last of them is the first row, without its sign, where it has as many fields as the rows, as NumPy writes headers.
TableText open_table(const SourceText& source, const TableDialect& dialect, BlankColumns blanks);

// Separators at the end of every line, "1,2,3,", make no columns: TableText::open_ends becomes their number. A header
// has them too, or is so much shorter.
void take_open_ends(TableText& table, const std::string& source);

// What a comma means in the numbers of a table. Fields are shown to it one after the other, then it knows.
class DecimalSign {
 public:
  explicit DecimalSign(const TableDialect& dialect, char separator) : given_(dialect.decimal), separator_(separator) {}
  void see(std::string_view field, std::uint64_t line);
  // '.' or ','. Error, with the line, when both are used, or when commas may separate thousands.
  char decide(const std::string& source) const;

 private:
  struct Seen {
    std::string text;
    std::uint64_t line = 0;  // 0: not seen
  };
  char given_, separator_;
  Seen comma_, sure_, point_;  // sure_: a comma that separates no thousands
};

// A finite number as tables have it: "1e3", "+0.5", with a decimal comma where that is the sign. Error that names the
// text.
double table_number(std::string_view text, char decimal);
bool is_table_number(std::string_view text, char decimal);
// Whether a field is what R, pandas and spreadsheets write where a value is missing: "NA", "NaN", "None", "<NA>",
// "#N/A". An empty one is not.
bool is_missing(std::string_view field);
// The same, or nothing stands there.
inline bool is_empty_or_missing(std::string_view field) { return field.empty() || is_missing(field); }

// A table with named columns.
class NamedTable {
 public:
  struct Row {
    std::uint64_t line;
    std::vector<std::string> fields;
    std::string_view raw = {};  // as it stands in the source's text, which must outlive the table
    std::uint64_t quotes = 0;   // a bit for each of the first 64 fields that stands in quotes
    bool quoted(int column) const { return column >= 0 && column < 64 && (quotes >> column & 1) != 0; }
  };
  std::string source;
  std::vector<std::string> header;
  std::uint64_t header_line = 1;
  std::vector<Row> rows;
  char separator = ',';
  bool named_rows = false;  // all rows have one field more than the header had
  bool own = false;         // has the header of tables that tal-convert writes (is_own_header())

  // The first column with one of the names: as written, else whatever the case and with blanks or '_' for '-', else
  // without what joins words (videoId, video.id). -1: none. Error when two columns have the name.
  int find(const std::vector<std::string>& names) const;
  // The field, checked: Error when the row is not as wide as the header.
  const std::string& field(const Row& row, int column) const;
  bool is_whole(const Row& row) const { return row.fields.size() == header.size(); }
  void check_width(const Row& row) const;
  // What a comma means in the numbers of these columns (-1: none). Error as DecimalSign.
  char decimal_of(const std::vector<int>& columns, const TableDialect& dialect) const;
};
// The columns of the tables that tal-convert writes, and whether a header is theirs, or that of earlier versions, which
// wrote the first nine or eleven alone. Such a table is read as it was written: its ids and labels are what stands
// there, in quotes also where R and pandas mean that a value is missing.
const std::vector<std::string>& own_columns();
bool is_own_header(const std::vector<std::string>& header);

// Error for a text without a row. A last column without name and text is no column, a row without text no row. Row
// names of R's write.table get an unnamed first column.
NamedTable parse_named_table(const SourceText& source, const TableDialect& dialect = {},
                             BlankColumns blanks = BlankColumns::kAlike);

// "Start (s)" -> "start-(s)": names that people write differently.
std::string plain_name(std::string_view name);
// What pandas and R make of a second column of the name, "start.1", where it stands in the header; "": there is none.
std::string second_of(const std::vector<std::string>& header, const std::string& name);
// Error for such a column beside one that is known by its name.
void refuse_second(const NamedTable& table, int column);
// As plain names, or without what joins words.
bool is_one_of(const std::vector<std::string>& names, std::string_view name);

}  // namespace tal
