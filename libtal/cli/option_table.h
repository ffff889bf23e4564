// What is behind Options and Tool: the rows with their parser, their targets and their conditions.
#pragma once

#include <CLI/CLI.hpp>

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "libtal/cli/options.h"

namespace tal {

struct OptionRow {
  using Target = std::variant<bool*, int*, long*, long long*, unsigned long*, double*, std::string*,
                              std::optional<double>*, std::vector<std::string>*>;
  struct Rule {
    const CLI::App* scope;       // holds in this subcommand; the tool itself: always
    std::vector<Condition> any;  // one must hold; empty: the option never has an effect
    std::string why = {};        // then
  };
  const CLI::App* app;  // the tool's, or a subcommand's
  CLI::Option* option;
  Target target;
  std::string name;  // "--sigma", or "files" of one without dashes
  std::vector<Choice> choices = {};
  std::vector<std::string> offered = {};  // to complete, besides the choices
  struct Lister {
    std::string command, filter, of;
  };
  Lister lister = {};  // Option::completes_by
  std::vector<Rule> rules = {};
  bool reads = false;       // its values are files
  bool setting = true;      // may stand in a file, has a variable
  bool writes = false;      // its value is a file
  std::string origin = {};  // of its value: "flag", "variable TAL_SIGMA", "file c.json", "preset"; "": the default
  std::function<void()> unset = {};  // gives the target its default

  bool settled = false;  // by a preset, or by what another option means

  bool given() const { return !origin.empty() && !settled; }
};

class OptionTable {
 public:
  OptionTable(const std::string& tool, const std::string& summary) : app(summary, tool) {}
  OptionTable(const OptionTable&) = delete;
  OptionTable& operator=(const OptionTable&) = delete;

  CLI::App app;
  CLI::App* chosen = nullptr;  // the subcommand that the command line names
  std::string features_root;   // of Options::features_root
  std::deque<OptionRow> rows;  // never move: Option points at them
  std::vector<std::pair<const CLI::App*, std::function<void(Tool&)>>> steps;  // Options::settle, of which subcommand

  // Of the tool itself or the chosen subcommand.
  bool in_use(const CLI::App* of) const { return of == &app || of == chosen; }
  // Those that a file or a variable may set: the tool's own, then the chosen subcommand's.
  std::vector<OptionRow*> settings();
  // The row by its name in the subcommand `scope`, else among the tool's own; nullptr: none.
  OptionRow* find(const std::string& name, const CLI::App* scope);
  const OptionRow* find(const CLI::Option* option) const;
  // As find() with the chosen subcommand. std::logic_error for a name that the tool does not have.
  OptionRow& at(const std::string& name);
  // The values of the rows in use that are files which the run reads.
  std::vector<std::string> files_read();

  // Presets, then the conditions: UsageError for the first given option without effect, and for a file that would be
  // written while it is read or written for another option. std::logic_error when a condition names an option or a
  // choice that there is not.
  void settle(Tool& tool);
  // Tool::unset_useless.
  void unset_useless();

 private:
  bool has_effect(const OptionRow& row, const OptionRow::Rule& rule);
  bool holds(const Condition& condition, const CLI::App* scope);
  std::string violation(const OptionRow& row, const OptionRow::Rule& rule);
  void refuse_shared_files() const;
};

// False of a flag.
inline bool takes_value(const CLI::Option& option) {
  return option.get_expected_max() > 0 && option.get_items_expected_max() > 0;
}
// "Only with --method bsn or rpn. Not with --live." for the manual page; "": the option always has an effect.
std::string conditions_text(const OptionRow& row);

}  // namespace tal
