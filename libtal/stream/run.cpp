#include "libtal/stream/run.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cstdio>
#include <set>
#include <utility>

#include "libtal/io/file_hash.h"
#include "libtal/io/file_name.h"
#include "libtal/io/record.h"

namespace tal {
namespace {

std::atomic<int> stop_signal{0};

}  // namespace

void Run::print_line(const std::string& line) {
  // One write per line, so that lines of several tools in a pipe do not mix.
  const std::string text = line + "\n";
  [[maybe_unused]] const ssize_t ignored = ::write(2, text.data(), text.size());
}

Output& Run::out() {
  before_output();
  if (!out_) out_ = std::make_unique<Output>(common_.output, meter());
  return *out_;
}

void Run::note(const std::string& message) {
  if (!common_.quiet) print_line(name_ + ": " + message);
}
void Run::warn(const std::string& message) { print_line(name_ + ": warning: " + message); }
void Run::detail(const std::string& message) {
  if (common_.verbose) print_line(name_ + ": " + message);
}
void Run::print_error(const std::string& message) { print_line(name_ + ": error: " + message); }

void Run::record_error(const Error& error, std::string_view line) {
  std::lock_guard lock(mutex_);
  if (common_.on_error == "fail") throw error;
  failed_ = true;
  ++errors_;
  print_error(error.what());
  if (!common_.rejects.empty()) {
    if (!rejects_) rejects_ = std::make_unique<Output>(common_.rejects);
    rejects_->write_line(line);
  }
  if (common_.max_errors > 0 && errors_ >= common_.max_errors)
    throw Error("stopped after " + std::to_string(errors_) + " bad records (--max-errors)");
}

void Run::history_field(const std::string& key, const std::string& json) {
  if (common_.no_history) return;
  history_.pop_back();
  history_ += ',';
  append_json_string(history_, key);
  history_ += ':' + json + '}';
}

const std::string& Run::history_entry() {
  if (common_.no_history || std::exchange(files_told_, true)) return history_;
  std::string files;
  std::set<std::string> told;
  for (const auto& value : files_read()) {
    const auto file = regular_file_in(value);
    if (file.empty() || !told.insert(file).second) continue;
    files += files.empty() ? '{' : ',';
    append_json_string(files, file);
    files += ":\"" + file_hash(file) + '"';
  }
  if (!files.empty()) history_field("files", files + "}");
  return history_;
}

bool Run::stopped() const { return stop_signal != 0; }

void Run::on_signal(int number) {
  stop_signal = number;
  ::signal(number, SIG_DFL);  // a second Ctrl-C means it
}

void Run::progress(std::uint64_t done, std::uint64_t total, const std::string& unit) {
  if (common_.progress == "never" || common_.quiet) return;
  static const bool terminal = ::isatty(2);
  if (common_.progress == "auto" && !terminal) return;
  const auto now = std::chrono::steady_clock::now();
  const bool last = total > 0 && done >= total;
  if (!last && now - last_progress_ < std::chrono::milliseconds(terminal ? 200 : 2000)) return;
  last_progress_ = now;
  const double seconds = std::chrono::duration<double>(now - started_).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  char text[200];
  if (total > 0) {
    const double left = rate > 0 ? static_cast<double>(total - std::min(done, total)) / rate : 0;
    std::snprintf(text, sizeof text, "%s: %llu/%llu %s (%.0f %%), %.3g/s, %d:%02d left", name_.c_str(),
                  static_cast<unsigned long long>(done), static_cast<unsigned long long>(total), unit.c_str(),
                  100.0 * static_cast<double>(done) / static_cast<double>(total), rate, static_cast<int>(left) / 60,
                  static_cast<int>(left) % 60);
  } else {
    std::snprintf(text, sizeof text, "%s: %llu %s, %.3g/s", name_.c_str(), static_cast<unsigned long long>(done),
                  unit.c_str(), rate);
  }
  std::string line = terminal ? std::string("\r\x1b[K") + text : std::string(text) + "\n";
  if (terminal && last) line += "\n";
  progress_shown_ = terminal && !last;
  [[maybe_unused]] const ssize_t ignored = ::write(2, line.data(), line.size());
}

void Run::begin_stats() {
  if (!common_.stats.empty()) stats_ = std::make_unique<Stats>(name_, common_.stats);
}

void Run::end_stats(int status) {
  if (!stats_) return;
  if (const auto fault = stats_->end(status); !fault.empty()) warn(fault);
}

void Run::end_progress() {
  if (progress_shown_) print_line("");
  progress_shown_ = false;
}

void Run::close() {
  if (out_) out_->close();
  if (rejects_) rejects_->close();
}

void Run::keep_what_was_good() {
  try {
    if (out_ && common_.output == "-") out_->flush();
    if (rejects_) rejects_->close();
  } catch (...) {
  }
}

}  // namespace tal
