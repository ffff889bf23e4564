#include "libtal/io/json_advice.h"

#include <algorithm>

#include "libtal/base/text.h"
#include "libtal/io/digits.h"

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
    "print(json.dumps(ast.literal_eval(sys.stdin.read())))\")";

// The character that the value of an object's first member begins with: '{' of {"v_1": {"duration": ...}}; '\0': no
// such line.
char first_value(std::string_view line) {
  const auto skip = [&](std::size_t at) { return std::min(line.find_first_not_of(" \t", at), line.size()); };
  std::size_t at = skip(0);
  if (at == line.size() || line[at] != '{' || (at = skip(at + 1)) == line.size() || line[at] != '"') return '\0';
  for (++at; at < line.size() && line[at] != '"';) at += line[at] == '\\' ? 2 : 1;
  at = skip(std::min(at + 1, line.size()));
  if (at == line.size() || line[at] != ':' || (at = skip(at + 1)) == line.size()) return '\0';
  return line[at];
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

std::string json_advice(std::string_view text, std::size_t at) {
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
  if (last == '}' && c == '{') return ": several objects, one behind the other; jq -s . FILE makes a list of them";
  if (is_word(c) && word.size() < text.size() - at && (last == '{' || last == ','))
    if (const auto colon = text.find_first_not_of(" \t", at + word.size()); colon < text.size() && text[colon] == ':')
      return ": names stand in double quotes";
  return "";
}

bool is_table_row(std::string_view line) {
  const auto has = [&](std::string_view key) { return line.find(key) != std::string_view::npos; };
  return has("\"start\"") && has("\"end\"") && !has("\"segment\"") && !has("\"annotations\"") && !has("\"proposals\"");
}

std::string table_advice(bool list) {
  return std::string(kWanted) + "these are rows of a table: (echo video,start,end,label; jq -r '" +
         (list ? ".[] | " : "") +
         "[.video,.start,.end,.label] | @csv' FILE) makes one, which tal-convert --from segments-csv reads)";
}

std::string record_advice(std::string_view line) {
  const std::string_view plain = trim(line);
  if (plain.empty()) return "";
  const auto has = [&](std::string_view key) { return plain.find(key) != std::string_view::npos; };
  const std::string format = activitynet_format(plain);
  const std::string wanted = kWanted;
  if (is_table_row(plain)) return table_advice(plain.front() == '[');
  if (!format.empty()) return wanted + "tal-convert --from " + format + " makes them of ActivityNet's JSON)";
  if (plain.find_first_not_of("{[ \t\r") == std::string_view::npos)  // the first line of many
    return wanted + "tal-convert --from activitynet-gt (or -results) makes them of ActivityNet's JSON, " +
           (plain.front() == '[' ? "jq -c '.[]' FILE of a list of records)"
                                 : "jq -c . FILE of a record over several lines)");
  if (plain.front() == '[') return wanted + "jq -c '.[]' FILE makes them of a list of records)";
  if (plain.starts_with("//") || plain.front() == '#') return wanted + "comments are none)";
  if (plain.front() == '\x1e') return wanted + "jq -c --seq . FILE makes them of RFC 7464's)";
  if (plain.starts_with("\"{")) return wanted + "jq -c fromjson FILE makes them of JSON within texts)";
  if (plain.ends_with("},")) return wanted + "with no comma behind them)";
  if (plain.front() != '{' && plain.front() != '"' && !has(":") && (has(",") || has("\t") || has(";")))
    return wanted + "tal-convert --from segments-csv, detections-csv or another format makes them of a table)";
  return "";
}

}  // namespace tal
