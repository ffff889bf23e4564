#include "libtal/cli/options.h"

#include <CLI/CLI.hpp>

namespace tal {

Option& Option::group(const std::string& title) { return option_->group(title), *this; }
Option& Option::type_name(const std::string& name) { return option_->type_name(name), *this; }
Option& Option::between_whole(std::int64_t low, std::int64_t high) { return option_->check(CLI::Range(low, high)), *this; }
Option& Option::between_real(double low, double high) { return option_->check(CLI::Range(low, high)), *this; }
Option& Option::positive() { return option_->check(CLI::PositiveNumber), *this; }
Option& Option::not_negative() { return option_->check(CLI::NonNegativeNumber), *this; }
Option& Option::number() { return option_->check(CLI::Number), *this; }
Option& Option::one_of(const std::vector<std::string>& choices) { return option_->check(CLI::IsMember(choices)), *this; }
Option& Option::required() { return option_->required(), *this; }
Option& Option::one_value() { return option_->allow_extra_args(false), *this; }
Option& Option::comma_separated() { return option_->delimiter(','), *this; }
Option& Option::repeatable() { return option_->expected(1)->multi_option_policy(CLI::MultiOptionPolicy::TakeAll), *this; }
Option& Option::values(int count) { return option_->expected(count), *this; }
Option& Option::shown_default(const std::string& text) { return option_->default_str(text), *this; }

Option Options::add(const std::string& names, int& target, const std::string& help) { return Option(app_->add_option(names, target, help)); }
Option Options::add(const std::string& names, long& target, const std::string& help) { return Option(app_->add_option(names, target, help)); }
Option Options::add(const std::string& names, long long& target, const std::string& help) { return Option(app_->add_option(names, target, help)); }
Option Options::add(const std::string& names, unsigned long& target, const std::string& help) { return Option(app_->add_option(names, target, help)); }
Option Options::add(const std::string& names, double& target, const std::string& help) { return Option(app_->add_option(names, target, help)); }
Option Options::add(const std::string& names, std::string& target, const std::string& help) { return Option(app_->add_option(names, target, help)); }
Option Options::add(const std::string& names, std::optional<double>& target, const std::string& help) { return Option(app_->add_option(names, target, help)); }
Option Options::add(const std::string& names, std::vector<std::string>& target, const std::string& help) { return Option(app_->add_option(names, target, help)); }
Option Options::flag(const std::string& names, bool& target, const std::string& help) { return Option(app_->add_flag(names, target, help)); }

Options Options::subcommand(const std::string& name, const std::string& help) {
  CLI::App* sub = app_->add_subcommand(name, help);
  sub->fallthrough()->option_defaults()->always_capture_default();
  return Options(*sub);
}

void Options::require_subcommand() { app_->require_subcommand(1); }
std::string Options::chosen() const { return app_->get_subcommands().front()->get_name(); }

}  // namespace tal
