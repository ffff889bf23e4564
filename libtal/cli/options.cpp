#include "libtal/cli/options.h"

#include <cmath>
#include <limits>
#include <sstream>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/cli/option_table.h"

namespace tal {
namespace {

bool is_number(const std::string& text) {
  try {
    parse_fraction(text);
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

// For options that are numbers: fractions become decimals, and what strtod would take although it is no number of an
// option (nan, inf) is refused. Everything else is left to the option's own checks.
CLI::Validator number_syntax() {
  return CLI::Validator(
      [](std::string& text) -> std::string {
        if (text.find('/') != std::string::npos && is_number(text)) text = format_number(parse_fraction(text));
        double value = 0;
        if (CLI::detail::lexical_cast(text, value) && !std::isfinite(value))
          return "'" + text + "' is not a finite number";
        return {};
      },
      "");
}

std::string name_of(const CLI::Option& option) {
  return option.get_lnames().empty() ? option.get_name(true) : "--" + option.get_lnames().front();
}

template <class T>
std::string interval(const char* type, T low, T high) {
  std::ostringstream out;
  out << type << " in [" << low << " - " << high << "]";
  return out.str();
}

}  // namespace

Option& Option::type_name(const std::string& name) { return row_->option->type_name(name), *this; }

constexpr double kNoBound = std::numeric_limits<double>::max();

Option& Option::in_range(const std::string& description, double low, double high) {
  row_->option->check(CLI::Validator(
      [=](std::string& text) -> std::string {
        double value = 0;
        if (!CLI::detail::lexical_cast(text, value)) return "'" + text + "' is not a number";
        if (value >= low && value <= high) return {};
        if (high == kNoBound)
          return std::string(low > 0 ? "must be positive" : "must not be negative") + ", not " + text;
        return text + " is not between " + format_number(low) + " and " + format_number(high);
      },
      description));
  return *this;
}
Option& Option::between_whole(std::int64_t low, std::int64_t high) {
  return in_range(interval("INT", low, high), static_cast<double>(low), static_cast<double>(high));
}
Option& Option::between_real(double low, double high) { return in_range(interval("FLOAT", low, high), low, high); }
Option& Option::positive() { return in_range("POSITIVE", std::numeric_limits<double>::min(), kNoBound); }
Option& Option::not_negative() { return in_range("NONNEGATIVE", 0, kNoBound); }

namespace {

// What parse_fraction or parse_number_list says of the text, behind the option's name.
template <class Parse>
CLI::Validator read_by(Parse parse) {
  return CLI::Validator(
      [parse](std::string& text) -> std::string {
        try {
          (void)parse(text);
          return {};
        } catch (const std::exception& error) {
          return error.what();
        }
      },
      "");
}

}  // namespace

Option& Option::fraction() {
  return row_->option->check(read_by([](const auto& text) { return parse_fraction(text); })), *this;
}
Option& Option::number_list() {
  return row_->option->check(read_by([](const auto& text) { return parse_number_list(text); })), *this;
}
Option& Option::number() { return row_->option->check(CLI::Number), *this; }

Option& Option::one_of(const std::vector<Choice>& choices) {
  row_->choices = choices;
  std::vector<std::string> names;
  for (const auto& choice : choices) names.push_back(choice.name);
  const std::string description = "{" + joined(names, ",") + "}";
  row_->option->check(CLI::Validator(
      [names, option = row_->name, own = row_->option](std::string& text) -> std::string {
        if (std::find(names.begin(), names.end(), text) != names.end()) return {};
        if (own->get_delimiter() == ',' && text.find_first_of(" ;|+") != std::string::npos)
          throw UsageError("unknown " + option + " '" + text +
                           "': several have commas between them (known: " + joined(names) + ")");
        const auto near = nearest(text, names);
        throw UsageError(
            "unknown " + option + " '" + text + "'" +
            (near.empty() ? " (known: " + joined(names) + ")" : "; did you mean '" + std::string(near) + "'?"));
      },
      description));
  return *this;
}

Option& Option::with(const std::string& option, std::vector<std::string> values) {
  return with_any({{option, std::move(values), true}});
}
Option& Option::without(const std::string& option, std::vector<std::string> values) {
  return with_any({{option, std::move(values), false}});
}
Option& Option::with_any(std::vector<Condition> alternatives) {
  return row_->rules.push_back({scope_, std::move(alternatives)}), *this;
}
Option& Option::never(const std::string& why) { return row_->rules.push_back({scope_, {}, why}), *this; }

Option& Option::required() { return row_->option->required(), *this; }
Option& Option::completes(const std::vector<std::string>& words) { return row_->offered = words, *this; }
Option& Option::completes_by(const std::string& command, const std::string& filter, const std::string& of) {
  return row_->lister = {command, filter, of}, *this;
}
Option& Option::one_value() { return row_->option->allow_extra_args(false), *this; }
Option& Option::comma_separated() {
  const auto plain = [](std::string& text) { return text = trim(text), std::string(); };  // "a, b"
  row_->option->delimiter(',')->allow_extra_args(false)->transform(CLI::Validator(plain, ""));
  return *this;
}
Option& Option::repeatable() {
  row_->option->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll)->allow_extra_args(false);
  return *this;
}
Option& Option::values(int count) { return row_->option->expected(count), *this; }
Option& Option::shown_default(const std::string& text) { return row_->option->default_str(text), *this; }
Option& Option::reads() { return row_->reads = true, *this; }
Option& Option::writes() { return row_->writes = true, *this; }
Option& Option::not_a_setting() { return row_->setting = false, *this; }

Options Options::group(const std::string& title) const {
  Options group = *this;
  group.group_ = title;
  return group;
}
Options Options::with(const std::string& option, std::vector<std::string> values) const {
  return with_any({{option, std::move(values), true}});
}
Options Options::without(const std::string& option, std::vector<std::string> values) const {
  return with_any({{option, std::move(values), false}});
}
Options Options::with_any(std::vector<Condition> alternatives) const {
  Options narrowed = *this;
  narrowed.conditions_.push_back(std::move(alternatives));
  return narrowed;
}

template <class Target>
Option Options::add_row(const std::string& names, Target& target, const std::string& help) const {
  CLI::Option* option;
  if constexpr (std::is_same_v<Target, bool>) option = app_->add_flag(names, target, help);
  else option = app_->add_option(names, target, help);
  option->group(group_);
  constexpr bool numeric =
      (std::is_arithmetic_v<Target> && !std::is_same_v<Target, bool>) || std::is_same_v<Target, std::optional<double>>;
  if (numeric || is_number(option->get_default_str())) option->transform(number_syntax());
  if constexpr (std::is_same_v<Target, std::vector<std::string>>)
    if (target.empty()) option->default_str("");  // not "[]"
  OptionRow& row = table_->rows.emplace_back(OptionRow{app_, option, &target, name_of(*option)});
  row.unset = [&target, initial = target] { target = initial; };
  for (const auto& any : conditions_) row.rules.push_back({app_, any});
  return Option(row, *app_);
}

Option Options::add(const std::string& names, int& target, const std::string& help) const {
  return add_row(names, target, help);
}
Option Options::add(const std::string& names, long& target, const std::string& help) const {
  return add_row(names, target, help);
}
Option Options::add(const std::string& names, long long& target, const std::string& help) const {
  return add_row(names, target, help);
}
Option Options::add(const std::string& names, unsigned long& target, const std::string& help) const {
  return add_row(names, target, help);
}
Option Options::add(const std::string& names, double& target, const std::string& help) const {
  return add_row(names, target, help);
}
Option Options::add(const std::string& names, std::string& target, const std::string& help) const {
  return add_row(names, target, help);
}
Option Options::add(const std::string& names, std::optional<double>& target, const std::string& help) const {
  return add_row(names, target, help);
}
Option Options::add(const std::string& names, std::vector<std::string>& target, const std::string& help) const {
  return add_row(names, target, help);
}
Option Options::flag(const std::string& names, bool& target, const std::string& help) const {
  return add_row(names, target, help);
}

Option Options::row(const std::string& name) const {
  OptionRow* row = table_->find(name, app_);
  if (!row) throw std::logic_error("the table has no option " + name);
  return Option(*row, *app_);
}

Option Options::features_root() const {
  return add("--features-root", table_->features_root,
             "Folder of the feature files that records name by relative paths (default: the working folder, else that "
             "of the records' file)")
      .type_name("DIR");
}

void Options::settle(std::function<void(Tool&)> step) const { table_->steps.emplace_back(app_, std::move(step)); }

bool Options::any_given() const {
  return std::any_of(table_->rows.begin(), table_->rows.end(), [&](const OptionRow& row) {
    return row.app == app_ && row.option->get_group() == group_ && row.given();
  });
}

Options Options::subcommand(const std::string& name, const std::string& help) const {
  CLI::App* sub = app_->add_subcommand(name, help);
  sub->fallthrough()->option_defaults()->always_capture_default();
  return Options(*sub, *table_);
}

void Options::require_subcommand() const { app_->require_subcommand(1); }
std::string Options::chosen() const { return app_->get_subcommands().front()->get_name(); }

}  // namespace tal
