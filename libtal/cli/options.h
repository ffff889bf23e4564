// The options of a tool as rows of a table: name, target, meaning, group, range or choices, and beside which other
// options it has an effect. A row registers, documents and completes its option, and refuses it where it would change
// nothing. The parser (CLI11) stays behind it, whose header takes longer to compile than most sources that have
// options.
//
//   void register_options(const Options& table, SuppressOptions& o) {
//     const Options rule = table.group("Rule");
//     rule.add("--method", o.method, "Suppression rule").one_of({"greedy", "gaussian"});
//     rule.add("--sigma", o.sigma, "score *= exp(-tIoU^2 / SIGMA)").positive().with("--method", {"gaussian"});
//   }
#pragma once

#include <concepts>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace CLI {
class App;
}  // namespace CLI

namespace tal {

class OptionTable;
struct OptionRow;
class Tool;

// When an option has an effect: while the option `option` ("--method", or "files" of one without dashes) has one of
// `values` (wanted), or none of them. Values as on the command line: "greedy", "0.5"; a list has those of its elements.
// No values: any but none, 0 and false.
struct Condition {
  std::string option;
  std::vector<std::string> values = {};
  bool wanted = true;
};
// Of each inner list, one must hold.
using Conditions = std::vector<std::vector<Condition>>;

// A value that an option may have; with help, --help and the manual page list it.
struct Choice {
  Choice(const char* word) : name(word) {}  // {"greedy", "gaussian"}
  Choice(std::string word, std::string text) : name(std::move(word)), help(std::move(text)) {}
  std::string name, help;
};

// One row, while it is written down.
class Option {
 public:
  Option(OptionRow& row, const CLI::App& scope) : row_(&row), scope_(&scope) {}
  Option& type_name(const std::string& name);  // what stands for the value in --help and on the manual page: "SECONDS"
  // What the value must be; anything else is a usage error that names the option.
  template <std::integral T>
  Option& between(T low, T high) {
    return between_whole(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high));
  }
  template <std::floating_point T>
  Option& between(T low, T high) {
    return between_real(static_cast<double>(low), static_cast<double>(high));
  }
  Option& positive();
  Option& not_negative();
  Option& number();
  // Of a target that is a text: "3/4", "0.3,0.5" or "0.5:0.05:0.95" (base/number.h).
  Option& fraction();
  Option& number_list();
  Option& one_of(const std::vector<Choice>& choices);  // names the nearest of them
  // Words that a shell offers for a value which may be something else as well; or a command that prints them, a word a
  // line, to which the shell adds `--model VALUE` where `of` ("--model") stands on the command line.
  Option& completes(const std::vector<std::string>& words);
  Option& completes_by(const std::string& command, const std::string& filter, const std::string& of);
  Option& required();
  // Where the option has an effect (Condition). Given elsewhere, by flag, variable or file, it is a usage error: the
  // runner checks when presets are applied (Options::settle) and before the tool's work begins.
  Option& with(const std::string& option, std::vector<std::string> values = {});
  Option& without(const std::string& option, std::vector<std::string> values = {});
  Option& with_any(std::vector<Condition> alternatives);
  // Of a tool's own option, for a subcommand that does not use it: "has no effect with WHY".
  Option& never(const std::string& why);
  // Lists. One word after the option: `--set a --set b`, not `--set a b`; several in a word; exactly so many.
  Option& one_value();
  Option& comma_separated();  // one word too: the next one may be a file
  Option& repeatable();       // a word each time
  Option& values(int count);
  Option& shown_default(const std::string& text);  // of --help, instead of the target's value
  Option& not_a_setting();                         // neither in files nor variables
  // The values are files that the run reads besides the stream: the records' history has their SHA-256.
  Option& reads();
  // The value is a file that the run writes ("-": stdout). A usage error when the run reads it as well, or writes it
  // for another option; --output may replace the stream that it was made of.
  Option& writes();

 private:
  Option& between_whole(std::int64_t low, std::int64_t high);
  Option& between_real(double low, double high);
  Option& in_range(const std::string& description, double low, double high);
  OptionRow* row_;
  const CLI::App* scope_;
};

// A tool's options, or those of one of its subcommands. A target's value when its row is added is the default; it must
// outlive the parsing.
class Options {
 public:
  Options(CLI::App& app, OptionTable& table) : app_(&app), table_(&table) {}
  // The same options, but rows that are added through what it returns stand under the title (of --help and the manual
  // page; "": in neither), or have an effect on these conditions only, besides their own.
  Options group(const std::string& title) const;
  Options with(const std::string& option, std::vector<std::string> values = {}) const;
  Options without(const std::string& option, std::vector<std::string> values = {}) const;
  Options with_any(std::vector<Condition> alternatives) const;

  // names: "-i,--input"; "files" without dashes: what stands by itself.
  Option add(const std::string& names, int& target, const std::string& help) const;
  Option add(const std::string& names, long& target, const std::string& help) const;
  Option add(const std::string& names, long long& target, const std::string& help) const;
  Option add(const std::string& names, unsigned long& target, const std::string& help) const;
  Option add(const std::string& names, double& target, const std::string& help) const;
  Option add(const std::string& names, std::string& target, const std::string& help) const;
  Option add(const std::string& names, std::optional<double>& target, const std::string& help) const;
  Option add(const std::string& names, std::vector<std::string>& target, const std::string& help) const;
  Option flag(const std::string& names, bool& target, const std::string& help) const;
  // A row that is there, also a tool's own of a subcommand, for conditions that hold in this subcommand only.
  // std::logic_error when it is not.
  Option row(const std::string& name) const;
  // Runs when the command line is read, before conditions are checked: here presets set options (Tool::preset), and
  // those follow that stand for others.
  void settle(std::function<void(Tool&)> step) const;
  // Adds --features-root, for a stage that reads the rows of records' features (CommonOptions::features_root).
  Option features_root() const;
  // Whether one of the group's rows was given.
  bool any_given() const;

  // The tool's own options may follow a subcommand's.
  Options subcommand(const std::string& name, const std::string& help) const;
  void require_subcommand() const;
  std::string chosen() const;  // the subcommand that the command line names

 private:
  template <class Target>
  Option add_row(const std::string& names, Target& target, const std::string& help) const;
  CLI::App* app_;
  OptionTable* table_;
  std::string group_ = "Options";
  Conditions conditions_;
};

}  // namespace tal
