// Lists of classes, as data sets and code bases write them.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <set>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/io/json_check.h"
#include "libtal/io/jsonl.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> kNumberColumns = {"id",      "number", "class-id",  "label-id",  "action-id",
                                                 "index",   "idx",    "label-idx", "class-idx", "verb-id",
                                                 "noun-id", "class",  "label"};
const std::vector<std::string> kNameColumns = {"name",   "class-name", "label-name", "label", "class",
                                               "action", "activity",   "key",        "verb",  "noun"};
constexpr const char* kWanted = "'number,name' or 'number name' on each line, one name on each line, or JSON";

// Names by number, each once.
class ClassNames {
 public:
  explicit ClassNames(const SourceText& source) : source_(source) {}
  void add(std::int64_t number, std::string_view name, std::uint64_t line) {
    const auto fail = [&](const std::string& what) { throw Error(what).at_line(source_.name, line); };
    if (name.empty()) fail("class " + std::to_string(number) + " has no name");
    if (!names_.emplace(number, name).second) fail("class " + std::to_string(number) + " stands here twice");
    if (!known_.emplace(name).second) fail("the class name '" + std::string(name) + "' stands here twice");
  }
  std::map<std::int64_t, std::string> take() {
    if (names_.empty()) throw Error("empty: no class").at_line(source_.name, 0);
    return std::move(names_);
  }
  std::int64_t size() const { return static_cast<std::int64_t>(names_.size()); }

 private:
  const SourceText& source_;
  std::map<std::int64_t, std::string> names_;
  std::set<std::string> known_;
};

// ["a","b"], [{"id":0,"name":"a"}], {"0":"a"} or {"a":0}.
class JsonClasses {
 public:
  explicit JsonClasses(const SourceText& source) : source_(source), names_(source) {}
  std::map<std::int64_t, std::string> read() {
    const Json root = Json::parse(check_json_file(source_));
    if (root.is_array()) list(root);
    else object(root);
    return names_.take();
  }

 private:
  [[noreturn]] void fail(const std::string& what) const { throw Error(what).at_line(source_.name, 0); }

  void list(const Json& root) {
    for (const auto& item : root) {
      if (item.is_string()) names_.add(names_.size(), item.get<std::string>(), 0);
      else if (item.is_object()) member(item);
      else fail("must be a list of names, or of objects with id and name");
      if (item.type() != root.front().type()) fail("some members of the list are names and some are not");
    }
  }
  void member(const Json& item) {
    std::optional<std::int64_t> number;
    std::optional<std::string> name;
    for (const auto& [key, value] : item.items()) {
      if (value.is_number_integer() && is_one_of(kNumberColumns, key)) {
        if (number) fail("two members may be the number of a class, '" + key + "' and another");
        number = value.get<std::int64_t>();
      }
      if (value.is_string() && is_one_of(kNameColumns, key)) {
        if (name) fail("two members may be the name of a class, '" + key + "' and another");
        name = value.get<std::string>();
      }
    }
    if (!number || !name) fail("each class must have a whole number \"id\" and a text \"name\"");
    names_.add(*number, *name, 0);
  }

  static std::optional<std::int64_t> number_of(const Json& value) {
    if (value.is_number_integer()) return value.get<std::int64_t>();
    return value.is_string() ? class_number(value.get_ref<const std::string&>()) : std::nullopt;
  }
  void object(const Json& root) {
    if (!root.is_object()) fail("must be a JSON list of names, or an object of numbers and names");
    bool keys = true, values = true;  // are numbers
    for (const auto& [key, value] : root.items()) {
      if (!value.is_string() && !value.is_number_integer())
        fail("'" + key + "' must be a name or a number: an object has {\"0\":\"name\"} or {\"name\":0}");
      keys = keys && class_number(key), values = values && number_of(value);
    }
    if (root.empty()) return;
    if (keys == values)
      fail(keys ? "both sides are numbers: which is the class's name?"
                : "must map numbers to names, {\"0\":\"name\"}, or names to numbers, {\"name\":0}");
    for (const auto& [key, value] : root.items()) {
      if (keys) names_.add(*class_number(key), value.get<std::string>(), 0);
      else names_.add(*number_of(value), key, 0);
    }
  }

  const SourceText& source_;
  ClassNames names_;
};

// Columns: a number and a name of each class.
class ClassTable {
 public:
  explicit ClassTable(const NamedTable& table) : t_(table) {
    all_.push_back({table.header_line, table.header});
    all_.insert(all_.end(), table.rows.begin(), table.rows.end());
    for (const auto& row : all_) {
      if (row.fields.size() == table.header.size()) continue;
      throw Error("this line has " + std::to_string(row.fields.size()) + " columns, the first one has " +
                  std::to_string(table.header.size()) + ": put names that have a separator into quotes")
          .at_line(table.source, row.line);
    }
  }

  void read(ClassNames& names) const {
    const bool header = !std::any_of(t_.header.begin(), t_.header.end(), [](const auto& f) { return class_number(f); });
    const auto numbers = number_columns(header ? 1 : 0);
    int number = -1, name = -1;
    if (numbers.size() == 1) number = numbers.front();
    else if (header) number = numbers_by_name(numbers);
    if (number < 0)
      fail(numbers.empty() ? "no column holds the numbers of the classes" : "which column holds the classes' numbers?");
    if (t_.header.size() == 2) name = 1 - number;
    else if (header) name = name_column(number);
    if (name < 0) fail("which column holds the classes' names?");
    if (t_.header.size() == 2 && numbers.size() == 2) fail("both columns are numbers: which is the class's name?");
    for (std::size_t r = header ? 1 : 0; r < all_.size(); ++r)
      names.add(*class_number(field(r, number)), field(r, name), all_[r].line);
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw Error(what + " (the first line is '" + joined(t_.header, "', '") + "'; wanted: " + kWanted + ")")
        .at_line(t_.source, t_.header_line);
  }
  const std::string& field(std::size_t row, int column) const {
    return all_[row].fields[static_cast<std::size_t>(column)];
  }
  // Columns of whole numbers that are all different.
  std::vector<int> number_columns(std::size_t first) const {
    std::vector<int> out;
    for (int c = 0; c < static_cast<int>(t_.header.size()); ++c) {
      std::set<std::int64_t> seen;
      bool good = all_.size() > first;
      for (std::size_t r = first; r < all_.size() && good; ++r) {
        const auto number = class_number(field(r, c));
        good = number && seen.insert(*number).second;
      }
      if (good) out.push_back(c);
    }
    return out;
  }
  int numbers_by_name(const std::vector<int>& numbers) const {
    const int found = t_.find(kNumberColumns);
    return std::find(numbers.begin(), numbers.end(), found) == numbers.end() ? -1 : found;
  }
  int name_column(int number) const {
    for (const auto& name : kNameColumns)
      if (const int found = t_.find({name}); found >= 0 && found != number) return found;
    return -1;
  }

  const NamedTable& t_;
  std::vector<NamedTable::Row> all_;  // with the first line
};

// One class a line: its name, or its number and its name behind blanks.
class ClassLines {
 public:
  ClassLines(const SourceText& source, std::string_view text) : source_(source) {
    RowReader rows(text, source.name, 0);
    while (rows.next()) lines_.push_back({rows.line(), std::string(rows.fields()[0]), rows.quoted(0)});
    const bool header = lines_.size() > 1 && !lines_[0].quoted && is_one_of(kNameColumns, lines_[0].text);
    if (header) lines_.erase(lines_.begin());  // BMN's action_name.csv has one
  }

  void read(ClassNames& names) const {
    for (const auto& line : lines_)
      if (!line.quoted && line.text.find_first_of(",;\t") != std::string::npos)
        fail(line, "a separator in a list of names: put the name into quotes, or number and name on every line");
    std::size_t numbered = 0;
    for (const auto& line : lines_) numbered += number_of(line).has_value();
    if (numbered > 0 && numbered < lines_.size()) fail_mixed();
    if (numbered > 0) refuse_names_with_numbers();
    else refuse_other_codes();
    for (const auto& line : lines_) {
      if (numbered == 0) names.add(names.size(), line.text, line.number);
      else names.add(*number_of(line), name_of(line), line.number);
    }
  }

 private:
  struct Line {
    std::uint64_t number;
    std::string text;
    bool quoted;
  };
  [[noreturn]] void fail(const Line& line, const std::string& what) const {
    throw Error("'" + line.text + "': " + what + " (wanted: " + kWanted + ")").at_line(source_.name, line.number);
  }
  void fail_mixed() const {
    const bool first = number_of(lines_[0]).has_value();
    for (const auto& line : lines_)
      if (number_of(line).has_value() != first) fail(line, "some lines are 'number name' and some are not");
  }

  // Where the number at the beginning ends: "7 Jump", "7: Jump", "7. Jump", "7) Jump".
  static std::size_t number_end(const Line& line) {
    if (line.quoted) return 0;
    const auto digits = line.text.find_first_not_of("0123456789", line.text.starts_with('-') ? 1 : 0);
    if (digits == std::string::npos || !class_number(line.text.substr(0, digits))) return 0;
    const auto behind =
        std::string_view(":.)=").find(line.text[digits]) != std::string_view::npos ? digits + 1 : digits;
    const bool apart = behind < line.text.size() && (line.text[behind] == ' ' || line.text[behind] == '\t');
    const bool joined_by = behind < line.text.size() && (line.text[digits] == ':' || line.text[digits] == '=');
    return apart || joined_by ? behind : 0;
  }
  static std::optional<std::int64_t> number_of(const Line& line) {
    const auto end = number_end(line);
    if (end == 0) return std::nullopt;
    return class_number(line.text.substr(0, line.text.find_first_not_of("-0123456789")));
  }
  static std::string_view name_of(const Line& line) {
    return trim(std::string_view(line.text).substr(number_end(line)));
  }

  static bool counts(std::set<std::int64_t> numbers, std::size_t lines) {
    return numbers.size() == lines && !numbers.empty() && (*numbers.begin() == 0 || *numbers.begin() == 1) &&
           *numbers.rbegin() - *numbers.begin() + 1 == static_cast<std::int64_t>(lines);
  }

  // "100 m sprint", "200 m sprint": numbers that count no lines, before words that go on in lower case.
  void refuse_names_with_numbers() const {
    std::set<std::int64_t> numbers;
    for (const auto& line : lines_) numbers.insert(*number_of(line));
    if (counts(numbers, lines_.size())) return;
    for (const auto& line : lines_) {
      const auto words = split_blanks(name_of(line));
      if (words.size() > 1 && words[0].front() >= 'a' && words[0].front() <= 'z')
        fail(line, "is the number the class's, or a part of its name?");
    }
  }

  // "c000 Hold a book", "Run 0": a code or number that is no name, on every line.
  void refuse_other_codes() const {
    if (lines_.size() < 2) return;
    for (const bool last : {false, true}) {
      std::set<std::int64_t> numbers;
      for (const auto& line : lines_) {
        const auto words = split_blanks(line.text);
        if (line.quoted || words.size() < 2) break;
        const auto word = last ? words.back() : words.front();
        const auto digits = word.find_last_not_of("0123456789") + 1;  // 0: nothing else
        if (digits == word.size() || (last && digits != 0)) break;
        numbers.insert(*class_number(word.substr(digits)));
      }
      if (counts(numbers, lines_.size()))
        fail(lines_[0], "the lines count: is the number the class's, or a part of its name?");
    }
  }

  const SourceText& source_;
  std::vector<Line> lines_;
};

}  // namespace

std::map<std::int64_t, std::string> parse_classes(const SourceText& source) {
  const std::string_view text = utf8_text(source);
  const char first = first_character(text);
  if (first == '\0') throw Error("empty: no class").at_line(source.name, 0);
  if (first == '[' || first == '{') return JsonClasses(source).read();
  ClassNames names(source);
  const NamedTable table = parse_named_table(source, {}, BlankColumns::kNever);
  if (table.header.size() > 1) ClassTable(table).read(names);
  else ClassLines(source, text).read(names);
  return names.take();
}

std::vector<std::string> read_class_names(const std::string& path) {
  std::vector<std::string> names;
  for (const auto& [number, name] : parse_classes(load_sources({path}, "").at(0))) names.push_back(name);
  return names;
}

}  // namespace tal
