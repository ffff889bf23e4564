#include "libtal/cli/tool.h"

#include <fcntl.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <chrono>
#include <cmath>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <iostream>
#include <map>
#include <mutex>
#include <nlohmann/json.hpp>
#include <set>
#include <thread>

#include "libtal/base/number.h"
#include "libtal/base/version.h"

namespace tal {
namespace {

std::atomic<int> stop_signal{0};
extern "C" void on_signal(int number) {
  // A second Ctrl-C means it: the default action ends the process.
  stop_signal = number;
  ::signal(number, SIG_DFL);
}

struct Finished {};  // --print-config and --generate end the run early, with status 0

std::string variable_name(const std::string& option) {
  std::string out = "TAL_";
  for (char c : option.substr(2)) out += c == '-' || c == '.' ? '_' : static_cast<char>(std::toupper(c));
  return out;
}

// Settings that are not for files or variables.
bool is_setting(const CLI::Option* option) {
  static const std::set<std::string> own = {"help", "version", "config", "print-config", "generate", "help-all"};
  return !option->get_lnames().empty() && !own.count(option->get_lnames().front());
}

bool is_number(const std::string& text) {
  try {
    parse_fraction(text);
    return true;
  } catch (const UsageError&) {
    return false;
  }
}

// For options whose default is a number: fractions become decimals, and what strtod would take although it is no number of an
// option (nan, inf) is refused. Everything else is left to the option's own checks.
CLI::Validator number_syntax() {
  return CLI::Validator([](std::string& text) -> std::string {
    if (text.find('/') != std::string::npos && is_number(text)) text = format_number(parse_fraction(text));
    double value = 0;
    if (CLI::detail::lexical_cast(text, value) && !std::isfinite(value)) return "'" + text + "' is not a finite number";
    return {};
  }, "");
}

// CLI11 prints ranges with six decimals, and its open ends with 300 digits.
std::string readable_range(const std::string& message) {
  const std::string before = "Value ", middle = " not in range ", to = " to ";
  const auto at = message.find(before), range = message.find(middle), until = message.rfind(to);
  if (at == std::string::npos || range == std::string::npos || until == std::string::npos || until < range) return message;
  const std::string value = message.substr(at + before.size(), range - at - before.size());
  const std::string low = message.substr(range + middle.size(), until - range - middle.size()), high = message.substr(until + to.size());
  const std::string head = message.substr(0, at);
  if (!is_number(value)) return head + "'" + value + "' is not a number";
  if (high.size() > 40) return head + (parse_fraction(value) < 0 ? "must not be negative" : "must be positive") + ", not " + value;
  return head + value + " is not between " + format_number(parse_number(low)) + " and " + format_number(parse_number(high));
}

}  // namespace

struct Tool::Private {
  std::map<std::string, std::string> origin;  // option -> where its value came from
  std::string config_file, generate;
  CLI::App* subcommand = nullptr;
  std::mutex mutex;
  std::unique_ptr<Output> rejects;
  bool closed_pipe = false, progress_shown = false;
  std::chrono::steady_clock::time_point started = std::chrono::steady_clock::now(), last_progress{};
  std::vector<std::pair<std::string, std::string>> history_fields;
};

Tool::Tool(ToolInfo info) : info_(std::move(info)), app_(info_.summary, info_.name), p_(std::make_unique<Private>()) {
  app_.option_defaults()->always_capture_default();
  app_.get_formatter()->column_width(34);
  const std::string common = "Common options";
  app_.add_option("-i,--input", common_.input, "Read records from FILE (-: stdin)")->group(common)->type_name("FILE");
  app_.add_option("-o,--output", common_.output, "Write to FILE (-: stdout); the file appears when it is complete")
      ->group(common)->type_name("FILE");
  app_.add_option("-j,--jobs", common_.jobs, "Work on N records at a time (0: all cores); the output does not depend on it")
      ->group(common)->type_name("N")->check(CLI::Range(0, 1024));
  app_.add_option("--on-error", common_.on_error, "fail: stop at the first bad record; skip: leave it out, go on, end with status 1")
      ->group(common)->check(CLI::IsMember({"fail", "skip"}));
  app_.add_option("--rejects", common_.rejects, "With --on-error skip, write bad lines to FILE, byte for byte")
      ->group(common)->type_name("FILE");
  app_.add_option("--max-errors", common_.max_errors, "With --on-error skip, stop after N bad records (0: never)")
      ->group(common)->type_name("N");
  app_.add_option("--seed", common_.seed, "Seed of everything random")->group(common)->type_name("N");
  app_.add_flag("-q,--quiet", common_.quiet, "Only errors and warnings on stderr")->group(common);
  app_.add_flag("-v,--verbose", common_.verbose, "More on stderr")->group(common);
  app_.add_option("--progress", common_.progress, "Progress on stderr: auto (on a terminal), always, never")
      ->group(common)->check(CLI::IsMember({"auto", "always", "never"}));
  app_.add_option("--config", p_->config_file, "Read settings from a JSON file {\"option\": value}; flags and TAL_* variables win")
      ->group(common)->type_name("FILE");
  app_.add_flag("--print-config", print_config_, "Print every setting and where it came from, and end")->group(common);
  app_.add_flag("--no-history", common_.no_history, "Do not add this step to the records' history")->group(common);
  app_.set_version_flag("--version", [this] {
    std::string text = info_.name + " " + version() + " (" + revision() + "), " + compiler();
    for (const auto& library : info_.libraries) text += ", " + library;
    return text;
  }, "Print versions and end");
  app_.add_option("--generate", p_->generate, "Print documentation: man, bash, zsh or fish")
      ->group("")->check(CLI::IsMember({"man", "bash", "zsh", "fish"}));
  app_.set_help_flag("-h,--help", "Print this help and end");
}

Tool::~Tool() = default;

void Tool::accept_numbers() {
  const auto all = [](CLI::App& app) {
    for (auto* option : app.get_options())
      if (is_number(option->get_default_str())) option->transform(number_syntax());
  };
  all(app_);
  for (auto* sub : app_.get_subcommands([](CLI::App*) { return true; })) all(*sub);
}

void Tool::apply_settings(std::vector<std::string>& arguments) {
  CLI::App* sub = nullptr;
  for (const auto& argument : arguments) {
    for (auto* candidate : app_.get_subcommands({}))
      if (!sub && candidate->get_name() == argument) sub = candidate;
  }
  p_->subcommand = sub;
  std::vector<const CLI::Option*> options;
  for (const auto* option : app_.get_options())
    if (is_setting(option)) options.push_back(option);
  if (sub)
    for (const auto* option : sub->get_options())
      if (is_setting(option)) options.push_back(option);

  const auto on_command_line = [&](const CLI::Option* option) {
    for (const auto& argument : arguments) {
      if (argument == "--") break;
      for (const auto& name : option->get_lnames()) {
        const std::string flag = "--" + name;
        if (argument == flag || argument.rfind(flag + "=", 0) == 0) return true;
      }
      for (const auto& name : option->get_snames())
        if (argument.size() > 1 && argument[0] == '-' && argument[1] != '-' && argument.substr(1, name.size()) == name) return true;
    }
    return false;
  };

  std::string config_file = std::getenv("TAL_CONFIG") ? std::getenv("TAL_CONFIG") : "";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--config" && i + 1 < arguments.size()) config_file = arguments[i + 1];
    if (arguments[i].rfind("--config=", 0) == 0) config_file = arguments[i].substr(9);
  }
  nlohmann::json config = nlohmann::json::object();
  if (!config_file.empty()) {
    try {
      config = nlohmann::json::parse(read_file(config_file), nullptr, true, true);
    } catch (const nlohmann::json::exception& error) {
      throw UsageError("--config " + config_file + ": " + error.what());
    } catch (const Error& error) {
      throw UsageError(std::string("--config: ") + error.what());
    }
    if (!config.is_object()) throw UsageError("--config " + config_file + ": must be one JSON object");
    // {"tal-nms": {...}, "tal-eval": {...}}: one file for a whole pipeline; each tool takes its part.
    bool sections = !config.empty();
    for (const auto& [key, value] : config.items()) sections = sections && key.rfind("tal-", 0) == 0 && value.is_object();
    if (sections) config = config.value(info_.name, nlohmann::json::object());
    std::vector<std::string> known;
    for (const auto* option : options) known.push_back(option->get_lnames().front());
    for (const auto& [key, value] : config.items()) {
      if (std::find(known.begin(), known.end(), key) != known.end()) continue;
      const auto near = nearest(key, known);
      throw UsageError("--config " + config_file + ": unknown key '" + key + "'" +
                       (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
    }
  }
  const auto text_of = [&](const std::string& key, const nlohmann::json& value) {
    if (value.is_structured() || value.is_null()) throw UsageError("--config " + config_file + ": " + key + ": must be a text, a number, true, false or a list of them");
    return value.is_string() ? value.get<std::string>() : value.dump();
  };
  std::vector<std::string> added;
  for (const auto* option : options) {
    const std::string name = "--" + option->get_lnames().front();
    if (on_command_line(option)) {
      p_->origin[name] = "flag";
      continue;
    }
    const char* variable = std::getenv(variable_name(name).c_str());
    const auto entry = config.find(name.substr(2));
    if (variable) {
      p_->origin[name] = "variable " + variable_name(name);
      added.push_back(name + "=" + variable);
    } else if (entry != config.end()) {
      p_->origin[name] = "file " + config_file;
      if (entry->is_array())
        for (const auto& item : *entry) added.push_back(name + "=" + text_of(entry.key(), item));
      else
        added.push_back(name + "=" + text_of(entry.key(), *entry));
    }
  }
  // In front, so that a positional list or "--" at the end cannot swallow them; behind the subcommand's name.
  std::size_t at = 0;
  if (sub) at = static_cast<std::size_t>(std::find(arguments.begin(), arguments.end(), sub->get_name()) - arguments.begin()) + 1;
  arguments.insert(arguments.begin() + static_cast<std::ptrdiff_t>(at), added.begin(), added.end());
}

namespace {

CLI::Option* find_option(CLI::App& app, CLI::App* sub, const std::string& name) {
  if (sub)
    if (auto* option = sub->get_option_no_throw(name)) return option;
  return app.get_option_no_throw(name);
}

}  // namespace

bool Tool::given(const std::string& name) const {
  const auto found = p_->origin.find(name);
  return found != p_->origin.end() && found->second != "preset";
}

void Tool::preset(const std::string& name, const std::string& value) {
  if (given(name)) return;
  auto* option = find_option(app_, p_->subcommand, name);
  if (!option) throw std::logic_error("preset for an unknown option " + name);
  option->clear();
  option->add_result(value);
  option->run_callback();
  p_->origin[name] = "preset";
}

void Tool::refuse(const std::vector<std::string>& names, const std::string& why) const {
  for (const auto& name : names)
    if (given(name)) throw UsageError(name + " has no effect with " + why);
}

void Tool::print_config() {
  std::string text;
  const auto list = [&](CLI::App* app) {
    for (const auto* option : app->get_options()) {
      if (!is_setting(option)) continue;
      const std::string name = "--" + option->get_lnames().front();
      const auto origin = p_->origin.find(name);
      std::string value;
      if (option->count() > 0)
        for (const auto& part : option->results()) value += (value.empty() ? "" : ",") + part;
      else
        value = option->get_expected_max() == 0 ? "false" : option->get_default_str();  // 0 words: a flag
      text += name.substr(2) + " = " + (value.empty() ? "(none)" : value) + "  # " +
              (origin == p_->origin.end() ? "default" : origin->second) + "\n";
    }
  };
  list(&app_);
  if (p_->subcommand) list(p_->subcommand);
  Output out("-");
  out.write(text + config_lines_);
  out.close();
}

void Tool::config_line(const std::string& name, const std::string& value, const std::string& origin) {
  config_lines_ += name + " = " + value + "  # " + origin + "\n";
}

Output& Tool::out() {
  if (print_config_) {
    print_config();
    throw Finished{};
  }
  if (!out_) out_ = std::make_unique<Output>(common_.output);
  return *out_;
}

namespace {

void print_line(const std::string& line) {
  // One write per line, so that lines of several tools in a pipe do not mix.
  const std::string text = line + "\n";
  [[maybe_unused]] const ssize_t ignored = ::write(2, text.data(), text.size());
}

}  // namespace

void Tool::note(const std::string& message) {
  if (!common_.quiet) print_line(info_.name + ": " + message);
}
void Tool::warn(const std::string& message) { print_line(info_.name + ": warning: " + message); }
void Tool::detail(const std::string& message) {
  if (common_.verbose) print_line(info_.name + ": " + message);
}

void Tool::record_error(const Error& error, std::string_view line) {
  std::lock_guard lock(p_->mutex);
  if (common_.on_error == "fail") throw error;
  failed_ = true;
  ++errors_;
  print_line(info_.name + ": error: " + error.what());
  if (!common_.rejects.empty()) {
    if (!p_->rejects) p_->rejects = std::make_unique<Output>(common_.rejects);
    p_->rejects->write_line(line);
  }
  if (common_.max_errors > 0 && errors_ >= common_.max_errors)
    throw Error("stopped after " + std::to_string(errors_) + " bad records (--max-errors)");
}

void Tool::history_field(const std::string& key, const std::string& json) {
  if (common_.no_history) return;
  history_.pop_back();
  history_ += ',';
  append_json_string(history_, key);
  history_ += ':' + json + '}';
}

bool Tool::stopped() const { return stop_signal != 0; }

void Tool::progress(std::uint64_t done, std::uint64_t total, const std::string& unit) {
  if (common_.progress == "never" || common_.quiet) return;
  static const bool terminal = ::isatty(2);
  if (common_.progress == "auto" && !terminal) return;
  const auto now = std::chrono::steady_clock::now();
  const bool last = total > 0 && done >= total;
  if (!last && now - p_->last_progress < std::chrono::milliseconds(terminal ? 200 : 2000)) return;
  p_->last_progress = now;
  const double seconds = std::chrono::duration<double>(now - p_->started).count();
  const double rate = seconds > 0 ? static_cast<double>(done) / seconds : 0;
  char text[200];
  if (total > 0) {
    const double left = rate > 0 ? static_cast<double>(total - std::min(done, total)) / rate : 0;
    std::snprintf(text, sizeof text, "%s: %llu/%llu %s (%.0f %%), %.3g/s, %d:%02d left", info_.name.c_str(),
                  static_cast<unsigned long long>(done), static_cast<unsigned long long>(total), unit.c_str(),
                  100.0 * static_cast<double>(done) / static_cast<double>(total), rate, static_cast<int>(left) / 60,
                  static_cast<int>(left) % 60);
  } else {
    std::snprintf(text, sizeof text, "%s: %llu %s, %.3g/s", info_.name.c_str(), static_cast<unsigned long long>(done),
                  unit.c_str(), rate);
  }
  std::string line = terminal ? std::string("\r\x1b[K") + text : std::string(text) + "\n";
  if (terminal && last) line += "\n";
  p_->progress_shown = terminal && !last;
  [[maybe_unused]] const ssize_t ignored = ::write(2, line.data(), line.size());
}

int Tool::run(int argc, char** argv, const std::function<void()>& body) {
  ::signal(SIGPIPE, SIG_IGN);
  struct sigaction action {};
  action.sa_handler = on_signal;  // no SA_RESTART needed: reads are retried, loops ask stopped()
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  // Without this, a closed stdout would let the first opened file take its number.
  if (::fcntl(1, F_GETFD) < 0) {
    print_line(info_.name + ": error: stdout is closed");
    return 1;
  }

  std::string footer;
  if (!info_.examples.empty()) {
    footer = "Examples:\n";
    for (const auto& example : info_.examples) footer += "  # " + example.what + "\n  " + example.command + "\n";
  }
  footer += "\nExit status: 0 all good, 1 a record or the run failed, 2 usage. Manual: man " + info_.name;
  app_.footer(footer);

  const auto end_progress = [&] {
    if (p_->progress_shown) print_line("");
    p_->progress_shown = false;
  };
  const auto usage = [&](const std::string& message) {
    print_line(info_.name + ": error: " + message);
    print_line("Try '" + info_.name + " --help'.");
    return 2;
  };
  const auto print_out = [&](const std::string& text) {
    Output out("-");
    out.write(text);
    out.close();
    return 0;
  };

  try {
    for (int i = 1; i < argc; ++i) arguments_.emplace_back(argv[i]);
    std::vector<std::string> arguments = arguments_;
    try {
      accept_numbers();
      apply_settings(arguments);
      std::reverse(arguments.begin(), arguments.end());
      app_.parse(arguments);
    } catch (const CLI::CallForHelp&) {
      return print_out(p_->subcommand && p_->subcommand->parsed() ? p_->subcommand->help() : app_.help());
    } catch (const CLI::CallForAllHelp&) {
      return print_out(app_.help("", CLI::AppFormatMode::All));
    } catch (const CLI::CallForVersion& call) {
      return print_out(std::string(call.what()) + "\n");
    } catch (const CLI::ExtrasError& error) {
      if (!p_->generate.empty()) return print_out(p_->generate == "man" ? man_page(*this) : completion(*this, p_->generate));
      std::vector<std::string> known;
      const auto collect = [&](const CLI::App* app) {
        for (const auto* option : app->get_options())
          for (const auto& name : option->get_lnames()) known.push_back("--" + name);
      };
      collect(&app_);
      if (p_->subcommand) collect(p_->subcommand);
      for (const auto& argument : arguments_) {
        if (argument.rfind("--", 0) != 0 || argument == "--") continue;
        const std::string flag = argument.substr(0, argument.find('='));
        if (std::find(known.begin(), known.end(), flag) != known.end()) continue;
        const auto near = nearest(flag, known);
        return usage("unknown option " + flag + (near.empty() ? "" : "; did you mean " + std::string(near) + "?"));
      }
      return usage(error.what());
    } catch (const CLI::ParseError& error) {
      if (!p_->generate.empty()) return print_out(p_->generate == "man" ? man_page(*this) : completion(*this, p_->generate));
      return usage(readable_range(error.what()));
    }
    if (!p_->generate.empty()) return print_out(p_->generate == "man" ? man_page(*this) : completion(*this, p_->generate));
    if (common_.jobs == 0) common_.jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    if (common_.on_error == "fail") refuse({"--rejects", "--max-errors"}, "--on-error fail");
    if (!common_.no_history) {
      history_ = "{\"tool\":";
      append_json_string(history_, info_.name);
      history_ += ",\"version\":";
      append_json_string(history_, version());
      history_ += ",\"args\":[";
      // How the work was split (-j) and where the bytes went must not show in the bytes.
      bool first = true;
      for (std::size_t i = 0; i < arguments_.size(); ++i) {
        const auto& argument = arguments_[i];
        static const std::set<std::string> with_value = {"-i", "--input", "-o", "--output", "-j", "--jobs", "--progress", "--rejects"};
        if (with_value.count(argument)) {
          ++i;
          continue;
        }
        if (argument == "-q" || argument == "-v" || argument == "--quiet" || argument == "--verbose") continue;
        if (argument.size() > 2 && argument[0] == '-' && (argument[1] == 'j' || argument[1] == 'i' || argument[1] == 'o')) continue;
        const std::string flag = argument.substr(0, argument.find('='));
        if (argument.size() > flag.size() && with_value.count(flag)) continue;
        if (!first) history_ += ',';
        first = false;
        append_json_string(history_, argument);
      }
      history_ += "]}";
    }
    body();
    if (print_config_) out();
    end_progress();
    if (out_) out_->close();
    if (p_->rejects) p_->rejects->close();
    if (stopped()) {
      print_line(info_.name + ": error: interrupted");
      return 1;
    }
    if (errors_ > 0) print_line(info_.name + ": error: " + std::to_string(errors_) + " bad record" + (errors_ > 1 ? "s" : "") + " left out");
    return failed_ ? 1 : 0;
  } catch (const Finished&) {
    return 0;
  } catch (const ClosedPipe&) {
    return failed_ ? 1 : 0;
  } catch (const UsageError& error) {
    end_progress();
    return usage(error.what());
  } catch (const Error& error) {
    end_progress();
    print_line(info_.name + ": error: " + error.what());
  } catch (const std::bad_alloc&) {
    end_progress();
    print_line(info_.name + ": error: out of memory");
  } catch (const std::exception& error) {
    end_progress();
    print_line(info_.name + ": error: " + error.what());
  }
  // What was good before the fault has been computed and must not be lost: stdout keeps it; a file that is not complete never appears.
  try {
    if (out_ && common_.output == "-") out_->flush();
    if (p_->rejects) p_->rejects->close();
  } catch (...) {
  }
  return 1;
}

namespace {

// A batch of lines on its way through the workers. Lines are stored in one buffer, the results likewise.
struct Batch {
  struct Fault {
    std::size_t output_size;  // the fault stands behind this many bytes of output
    Error error;
    std::string line;
  };
  std::string lines;
  std::vector<std::pair<std::size_t, std::size_t>> spans;
  std::uint64_t first_line = 0;
  std::vector<std::uint64_t> numbers;
  std::string output;
  std::vector<Fault> faults;
  bool done = false;
  std::exception_ptr broken;
};

}  // namespace

void transform_records(Tool& tool, const std::function<void(Record&, std::string&)>& fn) {
  Output& out = tool.out();
  LineReader reader(tool.options().input);
  std::uint64_t count = 0;
  const bool by_bytes = reader.total_bytes() > 0;
  const auto report = [&] {
    if (by_bytes) tool.progress(reader.bytes() >> 10, reader.total_bytes() >> 10, "KiB");
    else tool.progress(count, 0, "records");
  };
  const auto process = [&](Record& record, std::string_view line, std::uint64_t number, std::string& output) {
    const std::size_t before = output.size();
    try {
      record.parse(line);
      fn(record, output);
    } catch (Error& error) {
      output.resize(before);
      error.at_video(record.video());
      throw error.at_line(reader.source(), number);
    }
  };

  const int jobs = tool.options().jobs;
  std::string_view line;
  if (jobs <= 1) {
    Record record;
    while (!tool.stopped()) {
      if (!out.buffer().empty() && reader.would_block()) out.flush();
      if (!reader.next(line)) break;
      try {
        process(record, line, reader.line_number(), out.buffer());
      } catch (const Error& error) {
        tool.record_error(error, line);
      }
      out.spill();
      ++count;
      report();
    }
    return;
  }

  std::mutex mutex;
  std::condition_variable work_ready, work_done;
  std::deque<Batch*> queue;
  bool finished = false;
  const auto worker = [&] {
    Record record;
    while (true) {
      Batch* batch;
      {
        std::unique_lock lock(mutex);
        work_ready.wait(lock, [&] { return finished || !queue.empty(); });
        if (queue.empty()) return;
        batch = queue.front();
        queue.pop_front();
      }
      try {
        for (std::size_t i = 0; i < batch->spans.size(); ++i) {
          const auto text = std::string_view(batch->lines).substr(batch->spans[i].first, batch->spans[i].second);
          try {
            process(record, text, batch->numbers[i], batch->output);
          } catch (const Error& error) {
            batch->faults.push_back({batch->output.size(), error, std::string(text)});
          }
        }
      } catch (...) {
        batch->broken = std::current_exception();
      }
      {
        std::lock_guard lock(mutex);
        batch->done = true;
      }
      work_done.notify_one();
    }
  };
  std::vector<std::thread> threads;
  std::deque<std::unique_ptr<Batch>> order;
  const auto join = [&] {
    {
      std::lock_guard lock(mutex);
      finished = true;
      queue.clear();
    }
    work_ready.notify_all();
    for (auto& thread : threads) thread.join();
    threads.clear();
  };
  try {
    for (int i = 0; i < jobs; ++i) threads.emplace_back(worker);
    const auto write_front = [&] {
      Batch& batch = *order.front();
      {
        std::unique_lock lock(mutex);
        work_done.wait(lock, [&] { return batch.done; });
      }
      std::size_t at = 0;
      for (const auto& fault : batch.faults) {
        out.write(std::string_view(batch.output).substr(at, fault.output_size - at));
        at = fault.output_size;
        tool.record_error(fault.error, fault.line);
      }
      out.write(std::string_view(batch.output).substr(at));
      if (batch.broken) std::rethrow_exception(batch.broken);
      count += batch.spans.size();
      report();
      order.pop_front();
    };
    constexpr std::size_t kBatchBytes = 1 << 17;
    bool more = true;
    while (more && !tool.stopped()) {
      auto batch = std::make_unique<Batch>();
      while (batch->lines.size() < kBatchBytes) {
        if (reader.would_block()) {
          if (!batch->spans.empty()) break;
          while (!order.empty()) write_front();
          out.flush();
        }
        if (!reader.next(line)) {
          more = false;
          break;
        }
        batch->spans.emplace_back(batch->lines.size(), line.size());
        batch->numbers.push_back(reader.line_number());
        batch->lines += line;
      }
      if (batch->spans.empty()) break;
      {
        std::lock_guard lock(mutex);
        queue.push_back(batch.get());
        order.push_back(std::move(batch));
      }
      work_ready.notify_one();
      while (order.size() > static_cast<std::size_t>(2 * jobs + 2)) write_front();
    }
    while (!order.empty()) write_front();
  } catch (...) {
    join();
    throw;
  }
  join();
}

void map_records(Tool& tool, const std::function<void(Record&)>& fn) {
  const std::string& history = tool.history_entry();
  transform_records(tool, [&](Record& record, std::string& out) {
    fn(record);
    record.append_history(history);
    record.write(out);
    out += '\n';
  });
}

void for_each_record(Tool& tool, const std::string& path, const std::function<void(Record&, const LineReader&)>& fn) {
  LineReader reader(path);
  Record record;
  std::string_view line;
  std::uint64_t count = 0;
  while (!tool.stopped() && reader.next(line)) {
    try {
      try {
        record.parse(line);
        fn(record, reader);
      } catch (Error& error) {
        error.at_video(record.video());
        throw error.at_line(reader.source(), reader.line_number());
      }
    } catch (const Error& error) {
      tool.record_error(error, line);
    }
    ++count;
    if (reader.total_bytes() > 0) tool.progress(reader.bytes() >> 10, reader.total_bytes() >> 10, "KiB");
    else tool.progress(count, 0, "records");
  }
}

}  // namespace tal
