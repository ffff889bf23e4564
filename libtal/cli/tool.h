// The runner that every tool shares: standard options, settings (flag > TAL_* variable > --config file > preset),
// error policy, history, progress, exit status. A tool's main file says what it reads, what it writes, and calls run().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "libtal/cli/options.h"
#include "libtal/stream/records.h"
#include "libtal/stream/run.h"

namespace tal {

struct Example {
  std::string what;     // one line, no full stop
  std::string command;  // may be a pipe
};

struct ToolInfo {
  std::string name;         // "tal-nms"
  std::string summary;      // one line, for NAME and the head of --help
  std::string description;  // paragraphs (separated by blank lines) of the man page
  std::vector<Example> examples;
  std::vector<std::string> see_also;  // "tal-eval(1)"; tal(7) and tal-jsonl(5) are added
  // What it opens when it is asked to, for --version -v: "OpenCV 4.6.0", or why it is not there.
  std::vector<std::string (*)()> libraries = {};
};

class Tool : public Run {
 public:
  explicit Tool(ToolInfo info);
  ~Tool() override;

  const ToolInfo& info() const { return info_; }
  Options& command_line() { return table_; }
  CLI::App& parser() const;  // for the documents that are made of it

  // Whether the option was set by flag, variable or configuration file (not by a preset). name: "--sigma".
  bool given(const std::string& name) const;
  // Sets an option's value from a preset unless it was given. Call in the body, before reading the option.
  void preset(const std::string& name, const std::string& value);
  // UsageError when any of `names` was given although `why` ("--method greedy") makes it useless.
  void refuse(const std::vector<std::string>& names, const std::string& why) const;

  // Parses, runs body, closes the output, and returns the exit status: 0, 1 (a record or the run failed), 2 (usage).
  int run(int argc, char** argv, const std::function<void()>& body);

  // One more line of --print-config: a setting that is not an option of its own (a model's).
  void config_line(const std::string& name, const std::string& value, const std::string& origin);

 private:
  struct Private;
  void before_output() override;  // --print-config ends the run here
  void accept_numbers();          // fractions in every numeric option, of subcommands too
  void apply_settings(std::vector<std::string>& arguments);
  void print_config();
  std::optional<int> parse(std::vector<std::string>& arguments);  // the exit status of a run that ends here, as with --help
  ToolInfo info_;
  std::unique_ptr<Private> p_;
  Options table_;
  std::vector<std::string> arguments_;
  bool print_config_ = false;
  std::string config_lines_;
};

// Generated documentation, from the option table (hidden option --generate man|bash|zsh|fish).
std::string man_page(const Tool& tool);
std::string completion(const Tool& tool, const std::string& shell);

}  // namespace tal
