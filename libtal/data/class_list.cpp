// Lists of classes, as data sets and code bases write them.
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cctype>
#include <optional>
#include <set>

#include "libtal/base/look_alike.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/data/tables.h"
#include "libtal/io/digits.h"
#include "libtal/io/json_check.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/row_column.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

const std::vector<std::string> kNumberColumns = {"id",      "number", "class-id",  "label-id",  "action-id",
                                                 "index",   "idx",    "label-idx", "class-idx", "verb-id",
                                                 "noun-id", "class",  "label"};
const std::vector<std::string> kNameColumns = {"name",       "class-name", "label-name",  "label", "class",
                                               "action",     "activity",   "key",         "verb",  "noun",
                                               "action-cls", "class-key",  "display-name"};
// Columns of ids, which may be words.
const std::vector<std::string> kCodeColumns = {"id",       "code",      "mid",     "class-id", "class-code",
                                               "label-id", "action-id", "verb-id", "noun-id"};
constexpr const char* kWanted =
    "'number,name' or 'number name' on each line, one name on each line, JSON or a label map";

// What the first line of a list of names may be: a class, a header, or either.
enum class ListHeader { kNo, kSure, kMaybe };

// "classes", "Action name" and "verb_class" are headers; "event" and "text" may be classes.
ListHeader list_header(const std::string& text) {
  static const std::vector<std::string> sure = {"names",      "class-names", "label-names",   "action-names",
                                                "class-keys", "keys",        "display-names", "verb-name"};
  static const std::vector<std::string> maybe = {"title", "titles", "description", "descriptions", "text",
                                                 "texts", "value",  "values",      "caption",      "captions",
                                                 "word",  "words",  "series"};
  if (is_one_of(kNameColumns, text) || is_one_of(sure, text)) return ListHeader::kSure;
  if (!is_label_name(text)) return is_one_of(maybe, text) ? ListHeader::kMaybe : ListHeader::kNo;
  const std::string name = plain_name(text);
  for (const char* part :
       {"label", "class", "cls", "action", "activit", "behavio", "categor", "verb", "noun", "annotation", "-name"})
    if (name.find(part) != std::string::npos) return ListHeader::kSure;
  return ListHeader::kMaybe;
}

// Whether the numbers are 0, 1, ... or 1, 2, ... in any order, one each of `many` classes.
bool counts(const std::set<std::int64_t>& numbers, std::size_t many) {
  return numbers.size() == many && !numbers.empty() && (*numbers.begin() == 0 || *numbers.begin() == 1) &&
         *numbers.rbegin() - *numbers.begin() + 1 == static_cast<std::int64_t>(many);
}

// The number of an id that is a word: letters and digits with a zero before them, Charades' c077.
std::optional<std::int64_t> code_number(std::string_view text) {
  const auto digits = text.find_first_of("0123456789");
  if (digits == 0 || digits == std::string_view::npos || text.size() < digits + 2) return std::nullopt;
  const bool letters = std::all_of(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(digits),
                                   [](unsigned char c) { return std::isalpha(c); });
  return letters && is_digits(text.substr(digits)) ? class_number(text.substr(digits)) : std::nullopt;
}

// AudioSet's "/m/09x0r", "/t/dd00088".
bool is_mid(std::string_view text) {
  return text.size() > 3 && text[0] == '/' && text[2] == '/' && std::string_view("gmt").find(text[1]) != text.npos &&
         text.find_first_of(" \t") == std::string_view::npos;
}

// Ids of one kind that are words.
bool are_codes(const std::vector<std::string_view>& ids) {
  if (ids.empty()) return false;
  if (std::all_of(ids.begin(), ids.end(), is_mid)) return true;
  const auto letters = ids[0].substr(0, ids[0].find_first_of("0123456789"));
  bool zeros = false;
  for (const auto id : ids) {
    if (!code_number(id) || id.size() != ids[0].size() || !id.starts_with(letters) ||
        id.find_first_of("0123456789") != letters.size())
      return false;
    zeros = zeros || id[letters.size()] == '0';
  }
  return zeros;
}

// Names by number, each once, and the numbers of ids that are words.
class ClassNames {
 public:
  explicit ClassNames(const SourceText& source) : source_(source) {}
  // A class whose id is a word; its number is the one in it, or else counts the classes.
  void add_code(const std::string& code, std::string_view name, std::uint64_t line) {
    const auto own = code_number(code);
    add(own && names_.count(*own) == 0 ? *own : size(), name, line, code);
  }
  void add(std::int64_t number, std::string_view name, std::uint64_t line, const std::string& code = "") {
    const auto fail = [&](const std::string& what) { throw Error(what).at_line(source_.name, line); };
    if (name.empty()) fail("class " + (code.empty() ? std::to_string(number) : code) + " has no name");
    if (!code.empty() && !codes_.emplace(code, number).second) fail("class " + code + " stands here twice");
    if (!names_.emplace(number, name).second) fail("class " + std::to_string(number) + " stands here twice");
    if (!known_.emplace(name).second) fail("the class name '" + std::string(name) + "' stands here twice");
  }
  std::map<std::int64_t, std::string> take() {
    if (names_.empty()) throw Error("empty: no class").at_line(source_.name, 0);
    return std::move(names_);
  }
  const std::map<std::string, std::int64_t>& codes() const { return codes_; }
  const std::string& first() const { return names_.begin()->second; }
  std::int64_t size() const { return static_cast<std::int64_t>(names_.size()); }

 private:
  const SourceText& source_;
  std::map<std::int64_t, std::string> names_;
  std::map<std::string, std::int64_t> codes_;
  std::set<std::string> known_;
};

// ["a","b"], [{"id":0,"name":"a"}], [{"name":"a"}], {"0":"a"} or {"a":0}; or one of these as "categories", "classes" or
// "names" of an object. AudioSet's ontology.json has ids that are words.
class JsonClasses {
 public:
  JsonClasses(const SourceText& source, ClassNames& names) : source_(source), names_(names) {}
  void read() {
    const std::string_view text = check_json_file(source_);
    const Json root = Json::parse(text);
    const Json* classes = &root;
    for (const char* key : {"categories", "classes", "names", "labels", "class_names"}) {
      if (!root.is_object() || !root.contains(key) || !root[key].is_structured()) continue;
      if (!path_.empty()) fail("two members may hold the classes, '" + path_ + "' and '" + key + "'");
      path_ = key, classes = &root[key];
    }
    if (!path_.empty()) line_ = place_of(source_.text, find_member(source_.text, {path_})).line;
    if (classes->is_array()) list(*classes);
    else object(*classes);
  }

 private:
  [[noreturn]] void fail(const std::string& what, std::size_t item) const {
    fail(path_ + "[" + std::to_string(item) + "]: " + what);
  }
  [[noreturn]] void fail(const std::string& what) const { throw Error(what).at_line(source_.name, line_); }

  struct Class {
    std::optional<std::int64_t> number;
    std::string name, code = "";
  };
  void list(const Json& root) {
    std::size_t numbered = 0, coded = 0;
    std::vector<Class> classes;
    for (const auto& item : root) {
      if (item.type() != root.front().type())
        fail("some members of the list are names and some are not", classes.size());
      if (item.is_string()) classes.push_back({std::nullopt, item.get<std::string>()});
      else if (item.is_object()) classes.push_back(member(item, classes.size()));
      else fail("must be a list of names, or of objects with id and name", classes.size());
      numbered += classes.back().number.has_value(), coded += !classes.back().code.empty();
    }
    for (std::size_t i = 0; i < classes.size(); ++i) {
      const auto& [number, name, code] = classes[i];
      if (numbered > 0 && !number) fail("no whole number \"id\", which other classes have", i);
      if (coded > 0 && code.empty()) fail("no \"id\", which other classes have", i);
      if (coded > 0) names_.add_code(code, name, line_);
      else names_.add(number.value_or(static_cast<std::int64_t>(i)), name, line_);
    }
  }
  Class member(const Json& item, std::size_t index) const {
    std::optional<std::int64_t> number;
    std::optional<std::string> name;
    std::string code;
    for (const auto& [key, value] : item.items()) {
      const bool names = is_one_of(kNameColumns, key), numbers = is_one_of(kNumberColumns, key);
      if (!names && is_one_of(kCodeColumns, key) && value.is_string() && !number_of(value)) {
        if (!code.empty() || number) fail("two members may be the id of a class, '" + key + "' and another", index);
        if ((code = value.get<std::string>()).empty()) fail("'" + key + "' is empty", index);
      } else if (numbers && !(names && value.is_string())) {
        if (number || !code.empty()) fail("two members may be the number of a class, '" + key + "' and another", index);
        if (!(number = number_of(value)) && !names) fail("'" + key + "' must be a whole number", index);
      } else if (names && value.is_string()) {
        if (name) fail("two members may be the name of a class, '" + key + "' and another", index);
        name = value.get<std::string>();
      }
    }
    if (!name) fail("each class must have a text \"name\", and a whole number \"id\" or none", index);
    return {number, *name, code};
  }

  static std::optional<std::int64_t> number_of(const Json& value) {
    if (value.is_number_integer()) return value.get<std::int64_t>();
    return value.is_string() ? class_number(value.get_ref<const std::string&>()) : std::nullopt;
  }
  void object(const Json& root) {
    if (!root.is_object()) fail("must be a JSON list of names, or an object of numbers and names");
    bool keys = true, values = true;  // are numbers
    std::set<std::int64_t> numbers;
    for (const auto& [key, value] : root.items()) {
      if (!value.is_string() && !value.is_number_integer())
        fail("'" + key + "' must be a name or a number: an object has {\"0\":\"name\"} or {\"name\":0}");
      keys = keys && class_number(key), values = values && number_of(value);
      if (values) numbers.insert(*number_of(value));
    }
    if (root.empty()) return;
    std::vector<std::string_view> codes;
    for (const auto& [key, value] : root.items())
      if (value.is_string()) codes.push_back(key);
    if (!keys && !values && codes.size() == root.size() && are_codes(codes)) {
      for (const auto& [key, value] : root.items()) names_.add_code(key, value.get<std::string>(), line_);
      return;
    }
    if (keys == values)
      fail(keys ? "both sides are numbers: which is the class's name?"
                : "must map numbers to names, {\"0\":\"name\"}, or names to numbers, {\"name\":0}");
    if (values && !counts(numbers, root.size()))
      fail(
          "the names' numbers do not count the classes: where they are the classes' numbers and not something else, "
          "write {\"7\":\"name\"}");
    for (const auto& [key, value] : root.items()) {
      if (keys) names_.add(*class_number(key), value.get<std::string>(), line_);
      else names_.add(*number_of(value), key, line_);
    }
  }

  const SourceText& source_;
  ClassNames& names_;
  std::string path_;        // to the classes
  std::uint64_t line_ = 0;  // where they begin; 0: the file
};

// Columns: a number, or an id that is a word, and a name of each class; or all three.
class ClassTable {
 public:
  explicit ClassTable(const NamedTable& table) : t_(table) {
    all_.push_back({table.header_line, table.header, {}});
    all_.insert(all_.end(), table.rows.begin(), table.rows.end());
    for (const auto& row : all_) {
      if (row.fields.size() == table.header.size()) continue;
      throw Error("this line has " + std::to_string(row.fields.size()) + " columns, the first one has " +
                  std::to_string(table.header.size()) + ": put names that have a separator into quotes")
          .at_line(table.source, row.line);
    }
  }

  void read(ClassNames& names) const {
    const bool header = t_.header.front().empty() ||  // pandas' index
                        (code_column(false) < 0 && !std::any_of(t_.header.begin(), t_.header.end(),
                                                                [](const auto& f) { return class_number(f); }));
    const auto numbers = number_columns(header ? 1 : 0);
    int number = -1, name = -1;
    if (numbers.size() == 1) number = numbers.front();
    else if (header) number = numbers_by_name(numbers);
    const int code = code_column(header);
    if (number < 0 && (code < 0 || !numbers.empty()))
      fail(numbers.empty() ? "no column holds the numbers of the classes" : "which column holds the classes' numbers?");
    const int id = number < 0 ? code : number;
    if (header) name = name_column({number, code});
    const bool named = name >= 0;
    if (t_.header.size() == 2) name = 1 - id;
    else if (!header && t_.header.size() == 3 && number >= 0 && code >= 0) name = 3 - number - code;
    if (name < 0) fail("which column holds the classes' names?");
    if (t_.header.size() == 2 && numbers.size() == 2 && !named)
      fail("both columns are numbers: which is the class's name?");
    if (number >= 0) check_numbers(number, header);
    for (std::size_t r = header ? 1 : 0; r < all_.size(); ++r) {
      const std::string word = code < 0 || code == name ? "" : field(r, code);
      if (number < 0) names.add_code(word, field(r, name), all_[r].line);
      else names.add(*class_number(field(r, number)), field(r, name), all_[r].line, word);
    }
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
  // "name,instances": what is not called the classes' numbers, nor stands before the names, must count them.
  void check_numbers(int column, bool header) const {
    const auto& called = t_.header[static_cast<std::size_t>(column)];
    if (header ? called.empty() || is_one_of(kNumberColumns, called) : column == 0) return;
    std::set<std::int64_t> numbers;
    for (std::size_t r = header ? 1 : 0; r < all_.size(); ++r) numbers.insert(*class_number(field(r, column)));
    if (!counts(numbers, numbers.size()))
      fail("column " + std::to_string(column + 1) +
           " does not count the classes: are these their numbers (a header id,name says so), or something else?");
  }
  int numbers_by_name(const std::vector<int>& numbers) const {
    const int found = t_.find(kNumberColumns);
    return std::find(numbers.begin(), numbers.end(), found) == numbers.end() ? -1 : found;
  }
  int name_column(const std::vector<int>& but) const {
    for (const auto& name : kNameColumns)
      if (const int found = t_.find({name}); found >= 0 && std::find(but.begin(), but.end(), found) == but.end())
        return found;
    return -1;
  }
  // The one of ids that are words: they look so, or the header calls them so beside a name. -1: none, or several.
  int code_column(bool header) const {
    int found = -1;
    for (int c = 0; c < static_cast<int>(t_.header.size()); ++c) {
      std::vector<std::string_view> ids;
      for (std::size_t r = header ? 1 : 0; r < all_.size(); ++r) ids.emplace_back(field(r, c));
      if (!are_codes(ids) || std::set<std::string_view>(ids.begin(), ids.end()).size() != ids.size()) continue;
      if (found >= 0) return -1;
      found = c;
    }
    if (found >= 0 || !header) return found;
    for (const auto& name : kCodeColumns) {
      found = t_.find({name});
      if (found < 0 || name_column({found}) < 0) continue;
      std::set<std::string> ids;
      bool words = true;
      for (std::size_t r = 1; r < all_.size(); ++r)
        words =
            words && !class_number(field(r, found)) && !field(r, found).empty() && ids.insert(field(r, found)).second;
      if (words) return found;
    }
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
    take_header();
  }

  void read(ClassNames& names) const {
    for (const auto& line : lines_)
      if (!line.quoted && (line.text.starts_with("//") || line.text.starts_with("%")) && lines_.size() > 1)
        fail(line, "a comment or a class? Comments begin with #; put a name into quotes");
    for (const auto& line : lines_)
      if (!line.quoted && line.text.find_first_of(",;\t") != std::string::npos)
        fail(line, "a separator in a list of names: put the name into quotes, or number and name on every line");
    std::size_t numbered = 0;
    for (const auto& line : lines_) numbered += number_of(line).has_value();
    if (numbered > 0 && numbered < lines_.size()) fail_mixed();
    if (numbered > 0) refuse_names_with_numbers();
    else if (read_codes(names)) return;
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
  // BMN's action_name.csv has one. Quotes say that the line is a class, where they are not around every line.
  void take_header() {
    const bool all = std::all_of(lines_.begin(), lines_.end(), [](const Line& line) { return line.quoted; });
    if (lines_.size() < 2 || (lines_[0].quoted && !all)) return;
    ListHeader header = list_header(lines_[0].text);
    const auto is_number = [](const Line& line) { return class_number(line.text).has_value(); };
    const bool number = is_number(lines_[0]) && std::none_of(lines_.begin() + 1, lines_.end(), is_number);
    if (number || (all && is_one_of({"x", "v1"}, lines_[0].text)))
      header = ListHeader::kMaybe;  // what pandas and R call a column without a name
    if (header == ListHeader::kMaybe)
      fail(lines_[0], std::string("the name of the column, or a class? Delete the line where it is a header; ") +
                          (all ? "where it is a class, take the quotes of the other lines off or write a JSON list"
                               : "put it into quotes where it is a class"));
    if (header == ListHeader::kSure) lines_.erase(lines_.begin());
  }

  [[noreturn]] void fail(const Line& line, const std::string& what) const {
    throw Error("'" + line.text + "': " + what + " (wanted: " + kWanted + ")").at_line(source_.name, line.number);
  }
  void fail_mixed() const {
    const bool first = number_of(lines_[0]).has_value();
    for (const auto& line : lines_)
      if (number_of(line).has_value() != first) fail(line, "some lines are 'number name' and some are not");
  }

  // Behind a dash, '=' or ':' that stands by itself between number and name, "7 - Jump"; `blank` when there is none.
  static std::size_t behind_mark(std::string_view text, std::size_t blank) {
    const auto mark = text.find_first_not_of(" \t", blank);
    if (mark == text.npos || mark == blank) return blank;
    for (const std::string_view sign : {"-", "=", ":", "\u2013", "\u2014"}) {
      const auto behind = mark + sign.size();
      if (text.substr(mark).starts_with(sign) && behind < text.size() && (text[behind] == ' ' || text[behind] == '\t'))
        return behind;
    }
    return blank;
  }
  // Where the number at the beginning ends: "7 Jump", "7: Jump", "7. Jump", "7) Jump", "(7) Jump", "7 - Jump".
  static std::size_t number_end(const Line& line) {
    if (line.quoted) return 0;
    if (const auto end = bracket_end(line.text); end > 0) return end;
    const auto digits = line.text.find_first_not_of("0123456789", line.text.starts_with('-') ? 1 : 0);
    if (digits == std::string::npos || !class_number(line.text.substr(0, digits))) return 0;
    const auto behind = std::string_view(":.)=").find(line.text[digits]) != std::string_view::npos
                            ? digits + 1
                            : behind_mark(line.text, digits);
    const bool apart = behind < line.text.size() && (line.text[behind] == ' ' || line.text[behind] == '\t');
    const bool joined_by = behind < line.text.size() && (line.text[digits] == ':' || line.text[digits] == '=');
    return apart || joined_by ? behind : 0;
  }
  static std::optional<std::int64_t> number_of(const Line& line) {
    if (number_end(line) == 0) return std::nullopt;
    if (const auto end = bracket_end(line.text); end > 0) return class_number(line.text.substr(1, end - 2));
    return class_number(line.text.substr(0, line.text.find_first_not_of("-0123456789")));
  }
  // Behind the ')' of "(7) Jump"; 0: no such number.
  static std::size_t bracket_end(std::string_view text) {
    const auto end = text.starts_with('(') ? text.find(')') : text.npos;
    if (end == text.npos || !class_number(text.substr(1, end - 1)) || trim(text.substr(end + 1)).empty()) return 0;
    return end + 1;
  }
  static std::string_view name_of(const Line& line) {
    return trim(std::string_view(line.text).substr(number_end(line)));
  }

  // "100 m sprint", "200 m", "400 m": numbers that count no lines, before words that go on in lower case, or one word.
  void refuse_names_with_numbers() const {
    std::set<std::int64_t> numbers;
    for (const auto& line : lines_) numbers.insert(*number_of(line));
    if (counts(numbers, lines_.size())) return;
    std::set<std::string_view> different;
    for (const auto& line : lines_) {
      const auto words = split_blanks(name_of(line));
      const bool again = !different.insert(name_of(line)).second;
      if (again || (words.size() > 1 && words[0].front() >= 'a' && words[0].front() <= 'z'))
        fail(line, "is the number the class's, or a part of its name? (as a part: put the name into quotes)");
    }
  }

  // "c000 Holding some clothes": Charades' list.
  bool read_codes(ClassNames& names) const {
    std::vector<std::string_view> codes;
    for (const auto& line : lines_) {
      const auto end = line.quoted ? line.text.npos : line.text.find_first_of(" \t");
      if (end == line.text.npos) return false;
      codes.push_back(std::string_view(line.text).substr(0, end));
    }
    if (codes.size() < 2 || !are_codes(codes)) return false;
    for (std::size_t i = 0; i < lines_.size(); ++i)
      names.add_code(std::string(codes[i]), trim(std::string_view(lines_[i].text).substr(codes[i].size())),
                     lines_[i].number);
    return true;
  }

  // "0-Run", "001.Run", "c0 Hold a book", "Run 0": a code or number that may be no name, on every line.
  void refuse_other_codes() const {
    if (lines_.size() < 2) return;
    for (const auto code : {&ClassLines::joined_code, &ClassLines::first_code, &ClassLines::last_code}) {
      std::set<std::int64_t> numbers;
      for (const auto& line : lines_) {
        const auto number = line.quoted ? std::nullopt : code(line.text);
        if (!number) break;
        numbers.insert(*number);
      }
      if (counts(numbers, lines_.size()))
        fail(
            lines_[0],
            "the lines count: is the number the class's, or a part of its name? (as a part: put the name into quotes)");
    }
  }

  // The number that a line's first word begins with, a sign behind it; that it ends with; that the last word is.
  static std::optional<std::int64_t> joined_code(std::string_view line) {
    const auto digits = line.find_first_not_of("0123456789");
    const bool signs = digits != std::string_view::npos && std::string_view("-_.)/").find(line[digits]) != line.npos;
    return signs ? class_number(line.substr(0, digits)) : std::nullopt;
  }
  static std::optional<std::int64_t> first_code(std::string_view line) {
    const auto words = split_blanks(line);
    return words.size() < 2 ? std::nullopt
                            : class_number(words.front().substr(words.front().find_last_not_of("0123456789") + 1));
  }
  static std::optional<std::int64_t> last_code(std::string_view line) {
    const auto words = split_blanks(line);
    return words.size() > 1 && is_digits(words.back()) ? class_number(words.back()) : std::nullopt;
  }

  const SourceText& source_;
  std::vector<Line> lines_;
};

// A label map in the text form of protocol buffers: TensorFlow's item { id: 1 name: "run" }, AVA's label { name: "run"
// label_id: 1 label_type: ... }.
class LabelMap {
 public:
  explicit LabelMap(const SourceText& source) : source_(source), rest_(source.text) {}
  bool fits() const {
    LabelMap copy(source_);
    try {
      return is_word(copy.next()) && copy.next() == "{";
    } catch (const Error&) {
      return false;
    }
  }
  void read(ClassNames& names) const {
    LabelMap map(source_);
    for (auto word = map.next(); !word.empty(); word = map.next()) {
      if (!is_word(word) || map.next() != "{") map.fail(word);
      map.item(names);
    }
  }

 private:
  static bool is_word(std::string_view word) {
    return !word.empty() &&
           std::all_of(word.begin(), word.end(), [](unsigned char c) { return std::isalnum(c) || c == '_'; });
  }
  [[noreturn]] void fail(const std::string& word) const {
    throw Error("'" + word + "': a label map has item { id: 1 name: \"run\" } for each class")
        .at_line(source_.name, line_);
  }
  void item(ClassNames& names) {
    const std::uint64_t line = line_;
    std::optional<std::int64_t> number;
    std::optional<std::string> name;
    const auto twice = [&](const char* what, const std::string& key) {
      throw Error("two members may be the " + std::string(what) + " of a class, '" + key + "' and another")
          .at_line(source_.name, line_);
    };
    for (auto key = next(); key != "}"; key = next()) {
      if (!is_word(key) || next() != ":") fail(key);
      const std::string value = next();
      const bool text = quoted_;
      if (value.empty() && !text) fail(key);
      if (is_one_of(kNumberColumns, key) && !text) {
        if (number) twice("number", key);
        if (!(number = class_number(value))) fail(key + ": " + value);
      } else if ((is_one_of(kNameColumns, key) || is_one_of({"display_name"}, key)) && text) {
        if (name) twice("name", key);
        name = value;
      }
    }
    if (!number || !name)
      throw Error(std::string("a class without ") + (name ? "its number, id or label_id" : "its name"))
          .at_line(source_.name, line);
    names.add(*number, *name, line);
  }
  // A word, a sign, or a string without its quotes; "" at the end.
  std::string next() {
    quoted_ = false;
    while (!rest_.empty() && std::string_view(" \t\r\n,;").find(rest_.front()) != std::string_view::npos) {
      line_ += rest_.front() == '\n';
      rest_.remove_prefix(1);
    }
    if (rest_.empty()) return "";
    const char c = rest_.front();
    if (c == '"' || c == '\'') return string(c);
    const auto ends = [](char each) {
      return std::string_view(" \t\r\n,;:{}\"'").find(each) != std::string_view::npos;
    };
    std::size_t end = 1;
    if (!ends(c))
      while (end < rest_.size() && !ends(rest_[end])) ++end;
    std::string word(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return word;
  }
  std::string string(char quote) {
    std::string out;
    std::size_t i = 1;
    for (; i < rest_.size() && rest_[i] != quote && rest_[i] != '\n'; ++i) {
      if (rest_[i] == '\\' && i + 1 < rest_.size()) ++i;
      out += rest_[i];
    }
    if (i >= rest_.size() || rest_[i] != quote) throw Error("a quoted text is not closed").at_line(source_.name, line_);
    rest_.remove_prefix(i + 1);
    quoted_ = true;
    return out;
  }

  const SourceText& source_;
  std::string_view rest_;
  std::uint64_t line_ = 1;
  bool quoted_ = false;
};

// YAML's "- name" lines, or "0: name" lines, below "names:" or alone.
class YamlClasses {
 public:
  YamlClasses(const SourceText& source, std::string_view text) : source_(source) {
    std::string_view rest = text;
    for (std::uint64_t line = 1; !rest.empty(); ++line) {
      const auto each = trim(take_line(rest));
      if (!each.empty() && each != "---" && each.front() != '#') lines_.push_back({line, each});
    }
  }
  // A line of a key alone, or the first an item.
  bool fits() const {
    return !lines_.empty() &&
           (is_item(lines_[0].text) || std::any_of(lines_.begin(), lines_.end(), [](const auto& l) {
              const auto key = l.text.substr(0, l.text.find(':'));
              const auto value = key == l.text ? key : trim(l.text.substr(key.size() + 1));
              const bool words = key != l.text && is_one_of({"names", "classes", "categories", "labels"}, key);
              return (key.size() + 1 == l.text.size()) || (words && value.find_first_of("[{") == 0);
            }));
  }
  void read(ClassNames& names) const {
    const std::size_t first = lines_[0].text.back() == ':' ? 1 : 0;
    for (std::size_t i = first; i < lines_.size(); ++i) {
      const auto& [line, text] = lines_[i];
      const auto colon = text.find(':');
      const bool items = is_item(lines_[first].text);
      const auto number = colon == std::string_view::npos ? std::nullopt : class_number(text.substr(0, colon));
      if (items ? !is_item(text) : !number) fail(line, text);
      const auto value = trim(text.substr(items ? 1 : colon + 1));
      const auto name = unquoted(value);
      if (name == value && (value.find(": ") != std::string_view::npos || value.find(" #") != std::string_view::npos))
        fail(line, text);
      names.add(items ? names.size() : *number, name, line);
    }
  }

 private:
  struct Line {
    std::uint64_t line;
    std::string_view text;
  };
  [[noreturn]] void fail(std::uint64_t line, std::string_view text) const {
    throw Error("'" + std::string(text) +
                "': of YAML one list is read, '- name' or '0: name' on each line (wanted: " + kWanted + ")")
        .at_line(source_.name, line);
  }
  static bool is_item(std::string_view text) { return text.starts_with("- "); }
  static std::string_view unquoted(std::string_view text) {
    const bool quoted = text.size() > 1 && (text.front() == '"' || text.front() == '\'') && text.back() == text.front();
    return quoted ? text.substr(1, text.size() - 2) : text;
  }

  const SourceText& source_;
  std::vector<Line> lines_;
};

}  // namespace

namespace {

// The text with nothing in the place of its comments, so that lines keep their numbers. A '#' before a separator is the
// name of a column. Where all lines begin with one, they are names.
SourceText without_comments(const SourceText& source, const Note& note) {
  SourceText out{source.name, ""};
  std::size_t comments = 0, others = 0;
  std::string_view rest = utf8_text(source);
  while (!rest.empty()) {
    const std::string_view before = rest;
    const auto line = trim(take_line(rest));
    const bool comment = line.starts_with('#') &&
                         (line.size() == 1 || std::string_view(",;\t|").find(line[1]) == std::string_view::npos);
    (comment ? comments : others) += !line.empty();
    const auto whole = before.substr(0, before.size() - rest.size());
    out.text += comment ? whole.substr(whole.find_last_not_of("\r\n") + 1) : whole;
  }
  if (comments == 0 || others == 0) return {source.name, std::string(utf8_text(source))};
  if (note)
    note(source.name + ": left out " + std::to_string(comments) +
         (comments == 1 ? " line that begins" : " lines that begin") + " with #, as " +
         (comments == 1 ? "a comment" : "comments"));
  return out;
}

void read_classes(const SourceText& source, ClassNames& names, const Note& note) {
  const char first = first_character(utf8_text(source));
  if (first == '[' || first == '{') return JsonClasses(source, names).read();
  if (const LabelMap map(source); map.fits()) return map.read(names);
  const std::string_view text = source.text;
  if (const YamlClasses yaml(source, text); yaml.fits()) return yaml.read(names);
  const NamedTable table = parse_named_table(source, {}, BlankColumns::kNever);
  if (table.header.size() > 1) return ClassTable(table).read(names);
  ClassLines(source, text).read(names);
  if (note && names.size() == 1 && table.rows.empty() && split_blanks(table.header.front()).size() > 1)
    note(source.name + ": one class, '" + names.first() +
         "': several stand one on each line, or with commas and their numbers");
}

}  // namespace

std::map<std::int64_t, std::string> parse_classes(const SourceText& given, const Note& note,
                                                  std::map<std::string, std::int64_t>* codes) {
  const char first = first_character(utf8_text(given));
  if (first == '\0') throw Error("empty: no class").at_line(given.name, 0);
  const SourceText source = first == '[' || first == '{' ? given : without_comments(given, note);
  ClassNames names(source);
  read_classes(source, names, note);
  if (codes) *codes = names.codes();
  auto classes = names.take();
  LookAlikes alike;
  for (const auto& [number, name] : classes) alike.see(name);
  if (const auto text = alike.text("classes"); note && !text.empty()) note(source.name + ": " + text);
  return classes;
}

std::vector<std::string> read_class_names(const std::string& path, const Note& note) {
  std::vector<std::string> names;
  for (const auto& [number, name] : parse_classes(load_class_list(path), note)) names.push_back(name);
  return names;
}

SourceText load_class_list(const std::string& path) try {
  return load_sources({path}, "").at(0);
} catch (const Error& error) {
  if (path.find_first_of(" ,;") == std::string::npos) throw;
  throw Error("no such file; a list of classes is a file, with a class on each line", error.kind()).at_line(path, 0);
}

}  // namespace tal
