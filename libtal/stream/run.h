// One run of a stage, as the engine and the algorithms see it: where records come from and go, what is said on stderr,
// what happens to bad records, progress, history. Tools make one of their command line (libtal/cli/tool.h).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/io/jsonl.h"
#include "libtal/stream/stats.h"

namespace tal {

struct CommonOptions {
  std::string input = "-", output = "-";
  int jobs = 1;  // resolved: 0 on the command line becomes the number of cores
  std::string on_error = "fail", rejects;
  std::uint64_t max_errors = 0;  // 0 = no bound
  std::uint64_t seed = 0;
  bool quiet = false, verbose = false, no_history = false;
  std::string features_root;  // folder of the feature files that records name by relative paths; "": none was named
  std::string progress = "auto", stats;
};

class Run {
 public:
  explicit Run(std::string name) : name_(std::move(name)) {}  // before every line on stderr: "tal-nms"
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;
  virtual ~Run() = default;

  const std::string& name() const { return name_; }
  const CommonOptions& options() const { return common_; }

  Output& out();  // of --output; opened on first use (Error when it cannot be written)
  void close();   // output and rejects, which are complete: files appear under their names. Error when they cannot be
                  // written
  void note(const std::string& message);    // stderr, unless -q
  void warn(const std::string& message);    // stderr, always: "tal-nms: warning: ..."
  void detail(const std::string& message);  // stderr with -v
  // Applies --on-error: `fail` rethrows; `skip` prints, counts, writes `line` to --rejects and returns. Thread safe.
  // Error after --max-errors of them.
  void record_error(const Error& error, std::string_view line);
  // A failure that does not stop the run but makes the exit status 1 (already reported by the caller).
  void fail_later() { failed_ = true; }
  // JSON object text, to which the record adds its digests; "" with --no-history. The first call reads the files of
  // files_read(): Error when one cannot be.
  const std::string& history_entry();
  // Adds e.g. "model" to the history entry: value is JSON text.
  void history_field(const std::string& key, const std::string& json);

  // Progress on stderr: done/total (0 = unknown), rate and ETA; only on a terminal unless --progress always. Cheap to
  // call.
  void progress(std::uint64_t done, std::uint64_t total, const std::string& unit);
  // Counts what the run reads and writes; nullptr without --stats. out() has it; readers are given it.
  StreamMeter* meter() { return stats_ ? &stats_->meter() : nullptr; }
  bool stopped() const;  // SIGINT or SIGTERM arrived: finish the current item and return
  // A run that goes on until it is stopped: what it has written is complete then.
  void end_by_signal() { ends_by_signal_ = true; }

 protected:
  // Files that the run reads besides the stream, as the command line names them.
  virtual std::vector<std::string> files_read() const { return {}; }
  virtual void before_output() {}                   // the output is wanted for the first time, or again
  static void print_line(const std::string& line);  // stderr
  void print_error(const std::string& message);
  void begin_stats();          // of --stats. Error when its file cannot be written
  void end_stats(int status);  // says what could not be written
  void end_progress();         // so that the next line begins at the left
  void keep_what_was_good();   // after a fault: stdout and rejects keep what has been computed; a file that is not
                               // complete never appears

  static void on_signal(int number);  // for sigaction: stopped() from then on; a second one ends the process
  CommonOptions common_;
  std::string history_;
  bool failed_ = false, ends_by_signal_ = false;
  std::uint64_t errors_ = 0;

 private:
  const std::string name_;
  std::unique_ptr<Stats> stats_;  // outlives the output that it counts
  std::unique_ptr<Output> out_, rejects_;
  std::mutex mutex_;
  bool progress_shown_ = false, files_told_ = false;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now(), last_progress_{};
};

}  // namespace tal
