#include "libtal/cli/option_table.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <type_traits>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/io/file_name.h"

namespace tal {
namespace {

// As on the command line; a list has several, what is not there none.
std::vector<std::string> values_of(const OptionRow::Target& target) {
  return std::visit(
      [](const auto* value) -> std::vector<std::string> {
        using T = std::decay_t<decltype(*value)>;
        if constexpr (std::is_same_v<T, std::vector<std::string>>) return *value;
        else if constexpr (std::is_same_v<T, std::string>)
          return value->empty() ? std::vector<std::string>{} : std::vector{*value};
        else if constexpr (std::is_same_v<T, std::optional<double>>)
          return *value ? std::vector{format_number(**value)} : std::vector<std::string>{};
        else if constexpr (std::is_same_v<T, bool>) return {*value ? "true" : "false"};
        else if constexpr (std::is_same_v<T, double>) return {format_number(*value)};
        else return {std::to_string(*value)};
      },
      target);
}

bool is_set(const OptionRow::Target& target) {
  return std::visit(
      [](const auto* value) {
        using T = std::decay_t<decltype(*value)>;
        if constexpr (std::is_arithmetic_v<T>) return *value != T{};
        else if constexpr (std::is_same_v<T, std::optional<double>>) return value->has_value();
        else return !value->empty();
      },
      target);
}

// Of an option without dashes: "files on the command line".
std::string in_words(const std::string& option) {
  return option.starts_with("--") ? option : option + " on the command line";
}

// "a, b or c"
std::string either(const std::vector<std::string>& words) {
  std::string text;
  for (std::size_t i = 0; i < words.size(); ++i)
    text += (i == 0 ? "" : i + 1 < words.size() ? ", " : " or ") + words[i];
  return text;
}

// "--method bsn or rpn", "--noise other than 0", "no --live"
std::string condition_text(const Condition& c) {
  if (c.values.empty()) return (c.wanted ? "" : "no ") + in_words(c.option);
  return in_words(c.option) + (c.wanted ? " " : " other than ") + either(c.values);
}

std::string in_words_of_file(const std::string& value) { return value == "-" ? "stdout" : "'" + value + "'"; }

}  // namespace

std::vector<OptionRow*> OptionTable::settings() {
  std::vector<OptionRow*> out;
  for (const CLI::App* part : {static_cast<const CLI::App*>(&app), static_cast<const CLI::App*>(chosen)})
    for (auto& row : rows)
      if (row.app == part && row.setting && row.name.starts_with("--")) out.push_back(&row);
  return out;
}

OptionRow* OptionTable::find(const std::string& name, const CLI::App* scope) {
  const auto of = [&](const CLI::App* part) {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const OptionRow& row) { return row.app == part && row.name == name; });
    return found == rows.end() ? nullptr : &*found;
  };
  OptionRow* row = scope ? of(scope) : nullptr;
  return row ? row : of(&app);
}

const OptionRow* OptionTable::find(const CLI::Option* option) const {
  const auto found = std::find_if(rows.begin(), rows.end(), [&](const OptionRow& row) { return row.option == option; });
  return found == rows.end() ? nullptr : &*found;
}

std::vector<std::string> OptionTable::files_read() {
  std::vector<std::string> files;
  for (const auto& row : rows) {
    if (!row.reads || !in_use(row.app)) continue;
    for (auto& file : values_of(row.target)) files.push_back(std::move(file));
  }
  return files;
}

OptionRow& OptionTable::at(const std::string& name) {
  OptionRow* row = find(name, chosen);
  if (!row) throw std::logic_error("the table has no option " + name);
  return *row;
}

bool OptionTable::holds(const Condition& condition, const CLI::App* scope) {
  const OptionRow* other = find(condition.option, scope);
  if (!other) throw std::logic_error("a condition names " + condition.option + ", which the table does not have");
  for (const auto& value : condition.values)
    if (!other->choices.empty() && std::none_of(other->choices.begin(), other->choices.end(),
                                                [&](const Choice& choice) { return choice.name == value; }))
      throw std::logic_error("a condition names " + condition.option + " " + value + ", which is no choice");
  if (condition.values.empty()) return is_set(other->target) == condition.wanted;
  const auto now = values_of(other->target);
  return condition.wanted == std::any_of(now.begin(), now.end(), [&](const std::string& value) {
           return std::find(condition.values.begin(), condition.values.end(), value) != condition.values.end();
         });
}

// "has no effect with --method greedy", "without --model or --map-folder": the options as they are, those that lack
// behind them.
std::string OptionTable::violation(const OptionRow& row, const OptionRow::Rule& rule) {
  std::vector<std::string> there, lacking;
  for (const auto& condition : rule.any) {
    const auto now = joined(values_of(find(condition.option, rule.scope)->target), ",");
    if (condition.values.empty()) (condition.wanted ? lacking : there).push_back(in_words(condition.option));
    else if (now.empty()) lacking.push_back(in_words(condition.option));
    else there.push_back(in_words(condition.option) + " " + now);
  }
  if (rule.any.empty()) there.push_back(rule.why);
  return row.name + " has no effect" + (there.empty() ? "" : " with " + joined(there, " ")) +
         (lacking.empty() ? "" : " without " + joined(lacking, " or "));
}

void OptionTable::settle(Tool& tool) {
  for (const auto& [of, step] : steps)
    if (in_use(of)) step(tool);
  for (const auto& row : rows)
    for (const auto& rule : row.rules)
      if (!has_effect(row, rule) && row.given()) throw UsageError(violation(row, rule));
  refuse_shared_files();
}

// By this rule of its row; where neither is in use, it is not asked.
bool OptionTable::has_effect(const OptionRow& row, const OptionRow::Rule& rule) {
  // Each condition of every row is looked at, so that one that cannot hold shows in the first run.
  bool works = false;
  for (const auto& condition : rule.any) works = holds(condition, rule.scope) || works;
  return works || !in_use(row.app) || !in_use(rule.scope);
}

void OptionTable::unset_useless() {
  std::set<const OptionRow*> unset;
  for (bool again = true; again;) {  // what is unset may be another one's condition
    again = false;
    for (const auto& row : rows) {
      if (!row.given() || unset.contains(&row)) continue;
      if (std::all_of(row.rules.begin(), row.rules.end(), [&](const auto& rule) { return has_effect(row, rule); }))
        continue;
      row.unset(), unset.insert(&row), again = true;
    }
  }
}

// By the files themselves: two names may be links to one.
void OptionTable::refuse_shared_files() const {
  struct Use {
    const OptionRow* row;
    std::string value, file;
  };
  const auto is_stream = [](const OptionRow& row) { return row.name == "--input" || row.name == "files"; };
  std::vector<Use> written, read;
  for (const auto& row : rows) {
    if (!in_use(row.app)) continue;
    if (row.writes && row.given() && values_of(row.target).empty())
      throw UsageError(row.name + ": the name of the file is empty");
    for (auto& value : values_of(row.target)) {
      if (row.writes) written.push_back({&row, value, file_written(value)});
      else if (row.reads || is_stream(row)) read.push_back({&row, value, file_read(value)});
    }
  }
  // A stage that is given files does not read --input's stdin.
  const bool has_files = std::any_of(read.begin(), read.end(), [](const Use& use) { return use.row->name == "files"; });
  for (std::size_t i = 0; i < written.size(); ++i) {
    const auto& [row, value, file] = written[i];
    if (file.empty()) continue;
    for (std::size_t k = 0; k < i; ++k)
      if (written[k].file == file)
        throw UsageError(written[k].row->name + " and " + row->name + " would both write " + in_words_of_file(value));
    for (const auto& other : read) {
      if ((is_stream(*other.row) && row->name == "--output") || (has_files && other.row->name == "--input")) continue;
      if (other.file == file)
        throw UsageError(row->name + " would write " + in_words_of_file(value) + ", which " +
                         in_words(other.row->name) + (other.row->name.starts_with("--") ? " reads" : " are"));
    }
  }
}

std::string conditions_text(const OptionRow& row) {
  std::vector<std::string> only, never;
  for (const auto& rule : row.rules) {
    if (rule.scope != row.app) continue;  // a subcommand's, of one of the tool's own options
    std::vector<std::string> any;
    for (const auto& condition : rule.any) any.push_back(condition_text(condition));
    const bool excluded = rule.any.size() == 1 && !rule.any.front().wanted;
    if (excluded) never.push_back(condition_text({rule.any.front().option, rule.any.front().values}));
    else only.push_back(either(any));
  }
  std::string text = only.empty() ? "" : "Only with " + joined(only, ", and with ") + ".";
  if (!never.empty()) text += (text.empty() ? "" : " ") + std::string("Not with ") + either(never) + ".";
  return text;
}

}  // namespace tal
