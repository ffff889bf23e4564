#include "libtal/cli/sources.h"

#include <algorithm>
#include <cctype>
#include <cstdlib>
#include <string_view>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/io/json_check.h"
#include "libtal/io/jsonl.h"

namespace tal {
namespace {

std::string variable_name(const std::string& option) {
  std::string out = "TAL_";
  for (char c : option.substr(2)) out += c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(c));
  return out;
}

// Whether the command line sets the option itself.
bool stands_in(const CLI::Option* option, const std::vector<std::string>& arguments) {
  for (const auto& argument : arguments) {
    if (argument == "--") break;
    for (const auto& name : option->get_lnames()) {
      const std::string flag = "--" + name;
      if (argument == flag || argument.rfind(flag + "=", 0) == 0) return true;
    }
    for (const auto& name : option->get_snames())
      if (argument.size() > 1 && argument[0] == '-' && argument[1] != '-' && argument.substr(1, name.size()) == name)
        return true;
  }
  return false;
}

// The file of settings: --config, else TAL_CONFIG; empty: none.
std::string settings_file(const std::vector<std::string>& arguments) {
  std::string file = std::getenv("TAL_CONFIG") ? std::getenv("TAL_CONFIG") : "";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--config" && i + 1 < arguments.size()) file = arguments[i + 1];
    if (arguments[i].rfind("--config=", 0) == 0) file = arguments[i].substr(9);
  }
  return file;
}

// {"option": value}, checked against the names there are; of {"tal-nms": {...}, "tal-eval": {...}}, one file for a
// whole pipeline, the tool's part.
nlohmann::json read_settings(const std::string& file, const std::string& tool, const std::vector<std::string>& known) {
  if (file.empty()) return nlohmann::json::object();
  nlohmann::json settings;
  try {
    const SourceText source{file, read_file(file)};
    settings = nlohmann::json::parse(check_json_file(source, /*comments=*/true), nullptr, true, true);
  } catch (const nlohmann::json::exception& error) {
    throw UsageError("--config " + file + ": " + error.what());
  } catch (const Error& error) {
    throw UsageError(std::string("--config: ") + error.what());
  }
  if (!settings.is_object()) throw UsageError("--config " + file + ": must be one JSON object");
  bool sections = !settings.empty();
  for (const auto& [key, value] : settings.items())
    sections = sections && key.rfind("tal-", 0) == 0 && value.is_object();
  if (sections) settings = settings.value(tool, nlohmann::json::object());
  for (const auto& [key, value] : settings.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto near = nearest(key, known);
    throw UsageError("--config " + file + ": unknown key '" + key + "'" +
                     (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
  }
  return settings;
}

// A setting as the words that a command line would have.
std::vector<std::string> words_of(const std::string& file, const std::string& key, const nlohmann::json& value) {
  const auto word = [&](const nlohmann::json& item) {
    if (item.is_structured() || item.is_null())
      throw UsageError("--config " + file + ": " + key + ": must be a text, a number, true, false or a list of them");
    return item.is_string() ? item.get<std::string>() : item.dump();
  };
  std::vector<std::string> words;
  if (value.is_array())
    for (const auto& item : value) words.push_back(word(item));
  else words.push_back(word(value));
  return words;
}

CLI::App* subcommand_in(CLI::App& app, const std::vector<std::string>& arguments) {
  for (const auto& argument : arguments)
    for (auto* candidate : app.get_subcommands({}))
      if (candidate->get_name() == argument) return candidate;
  return nullptr;
}

}  // namespace

std::vector<std::string> with_other_sources(OptionTable& table, const std::string& tool,
                                            std::vector<std::string> arguments) {
  table.chosen = subcommand_in(table.app, arguments);
  const auto rows = table.settings();
  std::vector<std::string> known, added;
  for (const auto* row : rows) known.push_back(row->name.substr(2));
  const std::string file = settings_file(arguments);
  const auto settings = read_settings(file, tool, known);
  const auto add = [&](const std::string& name, const std::string& value) {
    added.push_back(value.empty() ? name : name + "=" + value);
    if (value.empty()) added.emplace_back();  // behind "--name=" the parser would take the next word
  };
  for (auto* row : rows) {
    const std::string key = row->name.substr(2), variable = variable_name(row->name);
    if (stands_in(row->option, arguments)) {
      row->origin = "flag";
    } else if (const char* value = std::getenv(variable.c_str()); value && *value) {  // an empty one is not set
      row->origin = "variable " + variable;
      add(row->name, value);
    } else if (const auto entry = settings.find(key); entry != settings.end()) {
      row->origin = "file " + file;
      for (const auto& word : words_of(file, key, *entry)) add(row->name, word);
    }
  }
  // In front, so that a positional list or "--" at the end cannot swallow them; behind the subcommand's name.
  std::size_t at = 0;
  if (table.chosen)
    at = static_cast<std::size_t>(std::find(arguments.begin(), arguments.end(), table.chosen->get_name()) -
                                  arguments.begin()) +
         1;
  arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(at), added.begin(), added.end());
  return arguments;
}

}  // namespace tal
