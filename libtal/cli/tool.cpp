#include "libtal/cli/tool.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <set>
#include <thread>

#include "libtal/base/library_warnings.h"
#include "libtal/base/number.h"
#include "libtal/base/process_end.h"
#include "libtal/base/version.h"
#include "libtal/cli/documents.h"
#include "libtal/cli/option_table.h"
#include "libtal/cli/parse_errors.h"
#include "libtal/cli/sources.h"
#include "libtal/io/feature_header.h"

namespace tal {
namespace {

struct Finished {};  // --print-config ends the run early, with status 0

// --help, in which each value of an option that has words of its own stands on its own line.
class HelpText : public CLI::Formatter {
 public:
  explicit HelpText(const OptionTable& table) : table_(table) { column_width(34); }
  std::string make_option_desc(const CLI::Option* option) const override {
    std::string text = option->get_description();
    if (const OptionRow* row = table_.find(option))
      for (const auto& choice : row->choices)
        if (!choice.help.empty()) text += "\n  " + choice.name + ": " + choice.help;
    return text;
  }

 private:
  const OptionTable& table_;
};

int print_out(const std::string& text) {
  Output out("-");
  out.write(text);
  out.close();
  return 0;
}

std::string footer_of(const ToolInfo& info) {
  std::string footer;
  if (!info.examples.empty()) {
    footer = "Examples:\n";
    for (const auto& example : info.examples) footer += "  # " + example.what + "\n  " + example.command + "\n";
  }
  return footer + "\nExit status: 0 all good, 1 a record or the run failed, 2 usage. Manual: man " + info.name;
}

// {"tool","version","args"}. How the work was split (-j) and where the bytes went must not show in the bytes.
std::string history_of(const ToolInfo& info, const std::vector<std::string>& arguments) {
  static const std::set<std::string> with_value = {"-i",     "--input",    "-o",        "--output", "-j",
                                                   "--jobs", "--progress", "--rejects", "--stats"};
  static const std::set<std::string> flags = {"-q", "--quiet", "-v", "--verbose"};
  std::string history = "{\"tool\":";
  append_json_string(history, info.name);
  history += ",\"version\":";
  append_json_string(history, version());
  history += ",\"args\":[";
  bool first = true;
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    const auto& argument = arguments[i];
    if (with_value.count(argument)) {
      ++i;
      continue;
    }
    if (flags.count(argument)) continue;
    if (argument.size() > 2 && argument[0] == '-' && (argument[1] == 'j' || argument[1] == 'i' || argument[1] == 'o'))
      continue;
    const std::string flag = argument.substr(0, argument.find('='));
    if (argument.size() > flag.size() && with_value.count(flag)) continue;
    if (!first) history += ',';
    first = false;
    append_json_string(history, argument);
  }
  return history + "]}";
}

}  // namespace

// SIGPIPE is an error of writing, SIGINT and SIGTERM end the loops that ask stopped().
void Tool::handle_signals() {
  ::signal(SIGPIPE, SIG_IGN);
  struct sigaction action {};
  action.sa_handler = on_signal;
  action.sa_flags = SA_RESTART;  // reads go on after it
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
}

Tool::Tool(ToolInfo info)
    : Run(info.name), info_(std::move(info)), table_(std::make_unique<OptionTable>(info_.name, info_.summary)) {
  table_->app.option_defaults()->always_capture_default();
  table_->app.formatter(std::make_shared<HelpText>(*table_));
  table_->app.footer(footer_of(info_));
  register_common();
}

Tool::~Tool() = default;

Options Tool::command_line() { return Options(table_->app, *table_); }

void Tool::register_common() {
  Options common = command_line().group("Common options");
  common.add("-i,--input", common_.input, "Read records from FILE (-: stdin)").type_name("FILE");
  common.add("-o,--output", common_.output, "Write to FILE (-: stdout); the file appears when it is complete")
      .type_name("FILE")
      .writes();
  common.add("-j,--jobs", common_.jobs, "Work on N records at a time (0: all cores); the output does not depend on it")
      .type_name("N")
      .between(0, 1024);
  common
      .add("--on-error", common_.on_error,
           "fail: stop at the first bad record; skip: leave it out, go on, end with status 1")
      .one_of({"fail", "skip"});
  common.add("--rejects", common_.rejects, "With --on-error skip, write bad lines to FILE, byte for byte")
      .type_name("FILE")
      .writes()
      .with("--on-error", {"skip"});
  common.add("--max-errors", common_.max_errors, "With --on-error skip, stop after N bad records (0: never)")
      .type_name("N")
      .with("--on-error", {"skip"});
  common.add("--seed", common_.seed, "Seed of everything random").type_name("N");
  common.flag("-q,--quiet", common_.quiet, "Only errors and warnings on stderr");
  common.flag("-v,--verbose", common_.verbose, "More on stderr");
  common.add("--progress", common_.progress, "Progress on stderr: auto (on a terminal), always, never")
      .one_of({"auto", "always", "never"});
  common
      .add("--stats", common_.stats,
           "Append a JSON line a second to FILE: rates, waits for input and output, memory (tal(7)); tal-plot stats "
           "draws them")
      .type_name("FILE")
      .writes();
  common
      .add("--config", config_file_,
           "Read settings from a JSON file {\"option\": value}; flags and TAL_* variables win")
      .type_name("FILE")
      .not_a_setting();
  common.flag("--print-config", print_config_, "Print every setting and where it came from, and end").not_a_setting();
  common.flag("--no-history", common_.no_history, "Do not add this step to the records' history");
  table_->app.set_version_flag(
      "--version",
      [this] {
        std::string text = info_.name + " " + version() + " (" + revision() + "), " + compiler();
        if (table_->at("--verbose").origin == "flag")
          for (const auto& library : info_.libraries) text += "\n" + library();
        return text;
      },
      "Print the version and end; with -v also those of the libraries that are opened when needed, and where they lie");
  command_line()
      .group("")
      .add("--generate", generate_, "Print documentation: man, bash, zsh or fish")
      .one_of({"man", "bash", "zsh", "fish"})
      .not_a_setting();
  table_->app.set_help_flag("-h,--help", "Print this help and end");
}

bool Tool::given(const std::string& name) const { return table_->at(name).given(); }

void Tool::preset(const std::string& name, const std::string& value, const std::string& origin) {
  OptionRow& row = table_->at(name);
  if (row.given()) return;
  resolve(name, value);
  row.origin = origin;
  row.settled = true;
}

void Tool::resolve(const std::string& name, const std::string& value) {
  OptionRow& row = table_->at(name);
  row.option->clear();
  row.option->add_result(value);
  row.option->run_callback();
}

void Tool::unset_useless() { table_->unset_useless(); }

void Tool::refuse(const std::vector<std::string>& names, const std::string& why) const {
  for (const auto& name : names)
    if (given(name)) throw UsageError(name + " has no effect with " + why);
}

std::string Tool::config_text() const {
  std::string text;
  for (const auto* row : table_->settings()) {
    std::string value;
    if (row->option->count() > 0)
      for (const auto& part : row->option->results()) value += (value.empty() ? "" : ",") + part;
    else value = takes_value(*row->option) ? row->option->get_default_str() : "false";
    text += row->name.substr(2) + " = " + (value.empty() ? "(none)" : value) + "  # " +
            (row->origin.empty() ? "default" : row->origin) + "\n";
  }
  return text + config_lines_;
}

void Tool::config_line(const std::string& name, const std::string& value, const std::string& origin) {
  config_lines_ += name + " = " + value + "  # " + origin + "\n";
}

std::vector<std::string> Tool::files_read() const { return table_->files_read(); }

void Tool::before_output() {
  if (!print_config_) return;
  print_out(config_text());
  throw Finished{};
}

std::optional<int> Tool::parse(std::vector<std::string> arguments) {
  CLI::App& app = table_->app;
  const CLI::App* const& sub = table_->chosen;
  try {
    arguments = with_other_sources(*table_, info_.name, std::move(arguments));
    std::reverse(arguments.begin(), arguments.end());
    app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return print_out(sub && sub->parsed() ? table_->chosen->help() : app.help());
  } catch (const CLI::CallForAllHelp&) {
    return print_out(app.help("", CLI::AppFormatMode::All));
  } catch (const CLI::CallForVersion& call) {
    return print_out(std::string(call.what()) + "\n");
  } catch (const CLI::ParseError& error) {
    if (generate_.empty()) throw UsageError(parse_error_text(error, app, sub, arguments_));
  }
  if (generate_.empty()) return std::nullopt;
  return print_out(generate_ == "man" ? man_page(info_, *table_) : completion(info_, *table_, generate_));
}

// From the arguments to the complete output.
int Tool::work(const std::function<void()>& body) {
  if (const auto status = parse(arguments_)) return *status;
  if (common_.jobs == 0) common_.jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
  if (common_.stats == "-") throw UsageError("--stats -: stdout is for data; /dev/stderr takes it");
  table_->settle(*this);
  common_.features_root = table_->features_root;
  want_library_warnings(common_.verbose);
  if (!common_.no_history) history_ = history_of(info_, arguments_);
  if (!print_config_) begin_stats();
  body();
  if (const auto spans = take_seen_spans(); !spans.empty()) warn(spans);
  before_output();  // --print-config of a run that wrote nothing
  if (stopped() && !ends_by_signal_) throw Error("interrupted");
  end_progress();
  close();
  if (stopped()) {
    print_error("interrupted");
    return 1;
  }
  if (errors_ > 0) print_error(std::to_string(errors_) + " bad record" + (errors_ > 1 ? "s" : "") + " left out");
  return failed_ ? 1 : 0;
}

int Tool::run(int argc, char** argv, const std::function<void()>& body) {
  const int status = run_to_status(argc, argv, body);
  end_stats(status);
  end_without_libraries();
  return status;
}

int Tool::run_to_status(int argc, char** argv, const std::function<void()>& body) {
  handle_signals();
  // Without this, a closed stdout would let the first opened file take its number.
  if (::fcntl(1, F_GETFD) < 0) {
    print_error("stdout is closed");
    return 1;
  }
  try {
    arguments_.assign(argv + 1, argv + argc);
    return work(body);
  } catch (const Finished&) {
    return 0;
  } catch (const ClosedPipe&) {
    return failed_ ? 1 : 0;
  } catch (const UsageError& error) {
    end_progress();
    print_error(error.what());
    print_line("Try '" + info_.name + " --help'.");
    return 2;
  } catch (const Error& error) {
    end_progress();
    print_error(error.what());
  } catch (const std::bad_alloc&) {
    end_progress();
    print_error("out of memory");
  } catch (const std::filesystem::filesystem_error& error) {
    end_progress();
    print_error("'" + error.path1().string() + "': " + error.code().message());
  } catch (const std::exception& error) {
    // A library's own: its first line says what, the others where in the library.
    end_progress();
    const std::string text = error.what();
    print_error(text.substr(0, text.find('\n')));
  }
  keep_what_was_good();
  return 1;
}

}  // namespace tal
