// The runner that every tool shares: standard options, settings (flag > TAL_* variable > --config file > preset),
// error policy, history, progress, exit status. A tool's main file says what it reads, what it writes, and calls run().
#pragma once

#include <CLI/CLI.hpp>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/record.h"

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
  std::vector<std::string> libraries = {};  // the large ones in use, for --version: "OpenCV 4.6.0"
};

struct CommonOptions {
  std::string input = "-", output = "-";
  int jobs = 1;  // resolved: 0 on the command line becomes the number of cores
  std::string on_error = "fail", rejects;
  std::uint64_t max_errors = 0;  // 0 = no bound
  std::uint64_t seed = 0;
  bool quiet = false, verbose = false, no_history = false, dry_run = false;
  std::string progress = "auto";
};

class Tool {
 public:
  explicit Tool(ToolInfo info);
  ~Tool();

  CLI::App& app() { return app_; }
  const ToolInfo& info() const { return info_; }
  const CommonOptions& options() const { return common_; }

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

  Output& out();                           // opened on first use, after the command line has been parsed
  void note(const std::string& message);   // stderr, unless -q
  void warn(const std::string& message);   // stderr, always: "tal-nms: warning: ..."
  void detail(const std::string& message); // stderr with -v
  // Applies --on-error: `fail` rethrows; `skip` prints, counts, writes `line` to --rejects and returns. Thread safe.
  void record_error(const Error& error, std::string_view line);
  // A failure that does not stop the run but makes the exit status 1 (already reported by the caller).
  void fail_later() { failed_ = true; }
  const std::string& history_entry() const { return history_; }  // JSON object text; "" with --no-history
  // Adds e.g. "model" to the history entry: value is JSON text.
  void history_field(const std::string& key, const std::string& json);

  // Progress on stderr: done/total (0 = unknown), rate and ETA; only on a terminal unless --progress always. Cheap to call.
  void progress(std::uint64_t done, std::uint64_t total, const std::string& unit);
  bool stopped() const;  // SIGINT/SIGTERM arrived: finish the current item and return

 private:
  void accept_numbers();  // fractions in every numeric option, of subcommands too
  void apply_settings(std::vector<std::string>& arguments);
  void print_config();
  ToolInfo info_;
  CLI::App app_;
  CommonOptions common_;
  std::vector<std::string> arguments_;
  std::string history_;
  std::unique_ptr<Output> out_;
  bool failed_ = false, print_config_ = false;
  std::string config_lines_;
  std::uint64_t errors_ = 0;
  struct Private;
  std::unique_ptr<Private> p_;
};

// Reads records from --input, applies fn to each (in `jobs` threads), appends the history entry and writes them to --output
// in input order. fn may throw Error: place is completed here. fn must be safe to call from several threads on different records.
void map_records(Tool& tool, const std::function<void(Record&)>& fn);
// The same, with fn writing any number of lines (each ended by '\n') to `out` itself.
void transform_records(Tool& tool, const std::function<void(Record&, std::string& out)>& fn);
// Reads all records of a file in order, one thread, nothing written. fn gets the reader for source and line.
void for_each_record(Tool& tool, const std::string& path, const std::function<void(Record&, const LineReader&)>& fn);

// Generated documentation, from the same CLI11 objects (hidden option --generate man|bash|zsh|fish).
std::string man_page(const Tool& tool);
std::string completion(const Tool& tool, const std::string& shell);

}  // namespace tal
