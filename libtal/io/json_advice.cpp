#include "libtal/io/json_advice.h"

#include <algorithm>
#include <string>
#include <vector>

#include "libtal/base/text.h"
#include "libtal/io/digits.h"
#include "libtal/io/row_column.h"

namespace tal {
namespace {

bool is_word(char c) { return (ascii_lower(c) >= 'a' && ascii_lower(c) <= 'z') || is_digit(c) || c == '_' || c == '$'; }
std::string_view word_at(std::string_view text, std::size_t at) {
  std::size_t end = at;
  while (end < text.size() && is_word(text[end])) ++end;
  return text.substr(at, end - at);
}
bool is_one(std::string_view word, std::initializer_list<std::string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

constexpr const char* kWanted = " (records are wanted, one a line; ";
constexpr const char* kPython =
    "what Python prints is no JSON, json.dumps() writes it (of a file: python3 -c \"import ast, json, sys; "
    "[print(json.dumps(ast.literal_eval(line))) for line in sys.stdin if line.strip()]\")";

// The character that the value of an object's first member begins with: '{' of {"v_1": {"duration": ...}}; '\0': no
// such line.
char first_value(std::string_view line) {
  const auto skip = [&](std::size_t at) { return std::min(line.find_first_not_of(" \t\r\n", at), line.size()); };
  std::size_t at = skip(0);
  if (at == line.size() || line[at] != '{' || (at = skip(at + 1)) == line.size() || line[at] != '"') return '\0';
  for (++at; at < line.size() && line[at] != '"';) at += line[at] == '\\' ? 2 : 1;
  at = skip(std::min(at + 1, line.size()));
  if (at == line.size() || line[at] != ':' || (at = skip(at + 1)) == line.size()) return '\0';
  return line[at];
}

// The first character that is no blank at or behind `at`; '\0': none.
char sign_at(std::string_view text, std::size_t at) {
  at = std::min(text.find_first_not_of(" \t\r\n", std::min(at, text.size())), text.size());
  return at == text.size() ? '\0' : text[at];
}

// A member: in how many lists and objects it is, and what its value begins with. depth 0: there is none.
struct FoundMember {
  int depth = 0;
  char value = '\0';
};

// The first member with a name that `named` takes.
template <class Named>
FoundMember find_named(std::string_view text, Named named) {
  int depth = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    depth += (c == '{' || c == '[') - (c == '}' || c == ']');
    if (c != '"') continue;
    const std::size_t begin = ++at;
    while (at < text.size() && text[at] != '"') at += text[at] == '\\' ? 2 : 1;
    const auto colon = text.find_first_not_of(" \t\r\n", std::min(at + 1, text.size()));
    if (colon == std::string_view::npos) return {};
    if (text[colon] == ':' && named(text.substr(begin, at - begin))) return {depth, sign_at(text, colon + 1)};
  }
  return {};
}
FoundMember find_named(std::string_view text, const char* name) {
  return find_named(text, [&](std::string_view each) { return each == name; });
}

// Names that tables give to times.
bool names_start(std::string_view name) {
  for (const char* word : {"start", "begin", "onset", "t_start", "t-start", "t_init", "t-init"})
    if (begins_alike(name, word)) return true;
  return false;
}
bool names_end(std::string_view name) {
  for (const char* word : {"end", "stop", "offset", "t_end", "t-end", "duration", "length"})
    if (begins_alike(name, word)) return true;
  return false;
}

// The header of a table that names videos, and neither times nor labels: what else it names are classes.
bool is_score_header(std::string_view line) {
  const auto separator = line.find_first_of(",;\t");
  if (separator == std::string_view::npos) return false;
  std::vector<std::string> names(1);
  for (const char c : line)
    if (c == line[separator]) names.emplace_back();
    else if (c != '"') names.back() += c;
  bool videos = false;
  for (const RowColumn column : row_columns(names)) {
    videos = videos || column == RowColumn::kName;
    if (column != RowColumn::kName && column != RowColumn::kValue && column != RowColumn::kSubset) return false;
  }
  return videos;
}

// RowsForm of a table as JSON, which pandas calls by "orient".
enum class RowsForm { kNone, kLines, kRecords, kSplit, kTable, kColumns, kIndex, kLists, kValues };
RowsForm rows_of(std::string_view text) {
  const auto has = [&](std::string_view key) { return text.find(key) != std::string_view::npos; };
  for (const char* other : {"\"segment\"", "\"annotations\"", "\"proposals\"", "\"database\"", "\"results\""})
    if (has(other)) return RowsForm::kNone;
  const auto begin = std::min(text.find_first_not_of(" \t\r\n\xef\xbb\xbf"), text.size());
  const char first = sign_at(text, begin), second = sign_at(text, begin + 1);
  if (first == '[' && second == '[') return RowsForm::kValues;
  if (first != '{' && first != '[') return RowsForm::kNone;
  const auto top = [&](const char* name, char value) {
    const FoundMember found = find_named(text, name);
    return found.depth == 1 && found.value == value;
  };
  if (top("data", '[') && top("columns", '[')) return RowsForm::kSplit;
  if (top("data", '[') && top("schema", '{')) return RowsForm::kTable;
  const FoundMember start = find_named(text, names_start), end = find_named(text, names_end);
  if (start.depth == 0 || start.depth != end.depth) return RowsForm::kNone;
  if (first == '[') return second == '{' && start.depth == 2 ? RowsForm::kRecords : RowsForm::kNone;
  if (start.depth == 2) return first_value(text) == '{' ? RowsForm::kIndex : RowsForm::kNone;
  if (start.depth != 1) return RowsForm::kNone;
  return start.value == '{' ? RowsForm::kColumns : start.value == '[' ? RowsForm::kLists : RowsForm::kLines;
}

// The command that makes a table of them, with a header, for sh.
std::string table_command(RowsForm rows) {
  const auto jq = [](const std::string& program) { return "jq -r '" + program + " | @csv' FILE"; };
  // Rows may lack what others have; the first one's order comes first.
  const std::string cells = "[.[$n[]]]", names = "(.[0] + add | keys_unsorted)";
  switch (rows) {
    case RowsForm::kSplit: return jq(".columns, .data[]");
    case RowsForm::kTable: return jq("[.schema.fields[].name] as $n | $n, (.data[] | " + cells + ")");
    case RowsForm::kColumns:
      return jq(". as $t | keys_unsorted as $n | $n, ($t[$n[0]] | keys_unsorted[] as $i | [$t[$n[]][$i]])");
    case RowsForm::kIndex: return jq("[.[]] | " + names + " as $n | $n, (.[] | " + cells + ")");
    case RowsForm::kLists: return jq("keys_unsorted as $n | $n, ([.[]] | transpose[])");
    case RowsForm::kRecords: return jq(names + " as $n | $n, (.[] | " + cells + ")");
    case RowsForm::kValues: return "(echo video,start,end,label; " + jq(".[]") + ")";
    default: return "jq -rs '" + names + " as $n | $n, (.[] | " + cells + ") | @csv' FILE";
  }
}

std::string table_advice(RowsForm rows) {
  return std::string(kWanted) + "these are rows of a table: " + table_command(rows) + " makes one" +
         (rows == RowsForm::kValues ? ", with the names of its columns in their order," : "") +
         " which tal-convert --from segments-csv or detections-csv reads)";
}

// ActivityNet's layouts, also those without a member "database" or "results" around the videos, on one line or many.
std::string activitynet_format(std::string_view line) {
  const auto has = [&](std::string_view key) { return line.find(key) != std::string_view::npos; };
  const char value = first_value(line);
  const bool bare_truth = value == '{' && (has("\"annotations\"") || has("\"duration") || has("\"subset\""));
  const bool bare_results = value == '[' && has("\"segment\"");
  if (has("\"database\"") || bare_truth) return "activitynet-gt";
  if (!has("\"results\"") && !bare_results) return "";
  return has("\"segment\"") || !has("\"score\"") ? "activitynet-results" : "activitynet-classification";
}

}  // namespace

std::string json_advice(std::string_view text, std::size_t at, bool records) {
  at = std::min(text.find_first_not_of(" \t\r\n", std::min(at, text.size())), text.size());
  const auto before = at == 0 ? std::string_view::npos : text.find_last_not_of(" \t\r\n", at - 1);
  const char last = before == std::string_view::npos ? '\0' : text[before];
  if (at == text.size()) return "";
  const char c = text[at];
  const auto word = word_at(text, at);
  if ((c == '}' || c == ']') && last == ',') return ": the comma before it is one too many";
  if (c == '\'' || is_one(word, {"None", "True", "False"})) return std::string(": ") + kPython;
  const bool infinite = text.substr(at).starts_with("-Infinity") || is_one(word, {"NaN", "Infinity", "nan", "inf"});
  if (infinite || text.substr(at).starts_with("-inf"))
    return ": JSON has no infinite numbers and no NaN; leave the member out, or write a number";
  const bool behind = at > 0 && (text[at - 1] == '#' || (text[at - 1] == '/' && (c == '*' || c == '/')));
  if (c == '/' || c == '#' || behind) return ": JSON has no comments; take them out";
  if (is_one(text.substr(at, 3), {"\xe2\x80\x9c", "\xe2\x80\x9d", "\xe2\x80\x99"}))
    return ": quotes that a word processor has made; JSON has \"";
  if (c == ',' && last == '}') return ": a comma behind an object alone; a list has [ ] around it";
  if (last == '}' && c == '{')
    return std::string(": several objects, one behind the other; ") + (records || find_named(text, "video").depth == 1
                                                                           ? "jq -c . FILE makes a line of each"
                                                                           : "jq -s . FILE makes a list of them");
  if (is_word(c) && word.size() < text.size() - at && (last == '{' || last == ','))
    if (const auto colon = text.find_first_not_of(" \t", at + word.size()); colon < text.size() && text[colon] == ':')
      return ": names stand in double quotes";
  return "";
}

bool is_table_row(std::string_view line) {
  return rows_of(line) == RowsForm::kLines && find_named(line, "start").depth == 1 &&
         find_named(line, "end").depth == 1;
}

std::string rows_advice(std::string_view text) {
  const RowsForm rows = rows_of(text);
  return rows == RowsForm::kNone ? "" : table_advice(rows);
}

std::string numbers_advice(std::string_view text) {
  const auto begin = std::min(text.find_first_not_of(" \t\r\n\xef\xbb\xbf"), text.size());
  const char first = sign_at(text, begin), second = sign_at(text, begin + 1);
  const bool list =
      first == '[' && (is_digit(second) || std::string_view("[{-\"").find(second) != std::string_view::npos);
  const bool object = first == '{' && (second == '"' || second == '}' || second == '\'');
  if (!list && !object) return "";
  if (object && find_named(text.substr(0, text.find('\n')), "video").depth == 1)
    return "is JSON, whose lines are records and no rows of numbers: tal-convert --from tal reads those";
  return std::string("is JSON (or what Python prints), no table of numbers: load it in Python and save its rows, ") +
         (object ? "numpy.savez('FILE.npz', **json.load(open('FILE.json')))"
                 : "numpy.save('FILE.npy', json.load(open('FILE.json')))");
}

std::string table_advice() { return table_advice(RowsForm::kLines); }

std::string record_advice(std::string_view line) {
  const std::string_view plain = trim(line);
  if (plain.empty()) return "";
  const auto has = [&](std::string_view key) { return plain.find(key) != std::string_view::npos; };
  const std::string format = activitynet_format(plain);
  const std::string wanted = kWanted;
  if (auto rows = rows_advice(plain); !rows.empty()) return rows;
  if (!format.empty()) return wanted + "tal-convert --from " + format + " makes them of ActivityNet's JSON)";
  if (plain.starts_with('{') && plain.ends_with(',') && find_named(plain, "video").depth == 1)
    return wanted + "jq -c . FILE makes one of a record over several)";
  if (plain.find_first_not_of("{[ \t\r") == std::string_view::npos)  // the first line of many
    return wanted + "tal-convert --from activitynet-gt (or -results) makes them of ActivityNet's JSON, " +
           (plain.front() == '[' ? "jq -c '.[]' FILE of a list of records)"
                                 : "jq -c . FILE of a record over several lines)");
  if (plain.front() == '[') return wanted + "jq -c '.[]' FILE makes them of a list of records)";
  if (plain.front() == '<')
    return wanted + "tal-convert --from elan, cvat or another format makes them of an annotation tool's XML)";
  if (plain.starts_with("WEBVTT")) return wanted + "tal-convert --from webvtt makes them of subtitles)";
  if (plain.starts_with("//") || plain.front() == '#') return wanted + "comments are none)";
  if (plain.front() == '\x1e') return wanted + "jq -c --seq . FILE | tr -d '\\036' makes them of RFC 7464's)";
  if (plain.starts_with("\"{")) return wanted + "jq -c fromjson FILE makes them of JSON within texts)";
  if (plain.ends_with("},")) return wanted + "with no comma behind them)";
  if (plain.front() != '{' && plain.front() != '"' && !has(":") && (has(",") || has("\t") || has(";")))
    return wanted + "tal-convert --from " +
           (is_score_header(plain) ? "class-scores makes them of a table with a column a class)"
                                   : "segments-csv, detections-csv or another format makes them of a table)");
  return "";
}

}  // namespace tal
