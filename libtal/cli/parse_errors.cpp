#include "libtal/cli/parse_errors.h"

#include <algorithm>
#include <CLI/CLI.hpp>
#include <cmath>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/base/text.h"

namespace tal {
namespace {

std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const auto near = nearest(word, known);
  return near.empty() ? "" : "; did you mean " + std::string(near) + "?";
}

std::optional<std::string> unknown_option(const CLI::App& app, const CLI::App* sub,
                                          const std::vector<std::string>& arguments) {
  std::vector<std::string> known;
  for (const auto* part : {&app, sub})
    if (part)
      for (const auto* option : part->get_options())
        for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  for (const auto& argument : arguments) {
    if (argument.rfind("--", 0) != 0 || argument == "--") continue;
    const std::string flag = argument.substr(0, argument.find('='));
    if (std::find(known.begin(), known.end(), flag) == known.end())
      return "unknown option " + flag + did_you_mean(flag, known);
  }
  return std::nullopt;
}

// The tool has subcommands and none was named.
std::string missing_subcommand(const CLI::App& app, const std::vector<std::string>& arguments) {
  std::vector<std::string> known;
  for (const auto* sub : app.get_subcommands({})) known.push_back(sub->get_name());
  const auto word =
      std::find_if(arguments.begin(), arguments.end(), [](const auto& a) { return a.rfind('-', 0) != 0; });
  if (word == arguments.end()) return "say what to make: " + joined(known, ", ");
  return "unknown '" + *word + "': it is one of " + joined(known, ", ") + did_you_mean(*word, known);
}

// The option whose name the parser's text begins with.
const CLI::Option* option_of(const std::string& text, const CLI::App& app, const CLI::App* sub) {
  const std::string name = text.substr(0, text.find(':'));
  for (const auto* part : {sub, &app})
    if (part)
      if (const auto* option = part->get_option_no_throw(name)) return option;
  return nullptr;
}

std::string wrong_count(const std::string& text, const CLI::App& app, const CLI::App* sub) {
  const CLI::Option* option = option_of(text, app, sub);
  if (!option) return text;
  const int most = option->get_items_expected_max(), given = static_cast<int>(option->results().size());
  const std::string name = option->get_name();
  if (given > most)
    return name + (most == 1 ? " is given " + std::to_string(given) + " times: it takes one value"
                             : " takes " + std::to_string(most) + " values, not " + std::to_string(given));
  const int least = option->get_items_expected_min();
  return name + " needs " + (least > 1 ? std::to_string(least) + " values" : "a value") + ": " +
         option->get_type_name();
}

// "Could not convert: --window = a=b". Texts convert always: it is a number or a flag; and any number is one of what
// takes fractions.
std::string wrong_value(const std::string& text, const CLI::App& app, const CLI::App* sub) {
  const std::size_t colon = text.find(": "), equals = text.find(" = ");
  if (colon == std::string::npos || equals == std::string::npos || equals < colon) return text;
  const std::string name = text.substr(colon + 2, equals - colon - 2);
  const CLI::Option* option = option_of(name, app, sub);
  const bool flag = option && option->get_expected_max() == 0;
  const std::string value = text.substr(equals + 3);
  double number = 0;
  const bool whole = !flag && CLI::detail::lexical_cast(value, number) && std::isfinite(number);
  return name + ": '" + value + "' is not " +
         (flag                                                      ? "true or false"
          : !whole                                                  ? "a number"
          : std::abs(number) < 9e15 && number == std::floor(number) ? "a whole number in digits alone"
                                                                    : "a whole number");
}

}  // namespace

std::string parse_error_text(const CLI::ParseError& error, const CLI::App& app, const CLI::App* sub,
                             const std::vector<std::string>& arguments) {
  const std::string text = error.what();
  if (dynamic_cast<const CLI::ExtrasError*>(&error)) {
    if (const auto option = unknown_option(app, sub, arguments)) return *option;
    std::vector<std::string> left = app.remaining(true), words;
    for (const auto& word : arguments)
      if (std::find(left.begin(), left.end(), word) != left.end()) words.push_back(word);
    return "not expected here: " + joined(words, " ");
  }
  if (dynamic_cast<const CLI::RequiredError*>(&error) && !sub && !app.get_subcommands({}).empty())
    return unknown_option(app, sub, arguments).value_or(missing_subcommand(app, arguments));
  if (dynamic_cast<const CLI::ArgumentMismatch*>(&error)) return wrong_count(text, app, sub);
  if (dynamic_cast<const CLI::ConversionError*>(&error)) return wrong_value(text, app, sub);
  return text;
}

}  // namespace tal
