// The runner that every tool shares: standard options, settings (flag > TAL_* variable > --config file > preset),
// options without effect, error policy, history, progress, exit status. A tool's main file says what it reads, what it
// writes, and calls run().
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
  Options command_line();

  // Whether the option was set by flag, variable or configuration file (not by a preset). name: "--sigma".
  bool given(const std::string& name) const;
  // Sets an option's value unless it was given; for Options::settle. origin: what --print-config says of it.
  void preset(const std::string& name, const std::string& value, const std::string& origin = "preset");
  // Puts what a value stands for in its place, given or not; for Options::settle: a format in that of "auto".
  void resolve(const std::string& name, const std::string& value);
  // Gives every option that was given and has no effect beside the others, as they are now, its default: where a run
  // has several parts, and changes an option to what one of them has.
  void unset_useless();
  // UsageError when any of `names` was given although what the data or a model turn out to be (`why`: "a model that
  // sees frames") makes it useless. What the options themselves say is a condition of the row.
  void refuse(const std::vector<std::string>& names, const std::string& why) const;

  // Parses, applies presets, refuses options without effect, runs body, closes the output, and returns the exit status:
  // 0, 1 (a record or the run failed), 2 (usage).
  int run(int argc, char** argv, const std::function<void()>& body);

  // One more line of --print-config: a setting that is not an option of its own (a model's).
  void config_line(const std::string& name, const std::string& value, const std::string& origin);

 private:
  static void handle_signals();
  std::vector<std::string> files_read() const override;
  void before_output() override;  // --print-config ends the run here
  void register_common();
  std::string config_text() const;
  std::optional<int> parse(std::vector<std::string> arguments);  // the exit status of a run that ends here, as with
                                                                 // --help
  int run_to_status(int argc, char** argv, const std::function<void()>& body);
  int work(const std::function<void()>& body);
  ToolInfo info_;
  std::unique_ptr<OptionTable> table_;
  std::vector<std::string> arguments_;
  std::string config_file_, generate_, config_lines_;
  bool print_config_ = false;
};

}  // namespace tal
