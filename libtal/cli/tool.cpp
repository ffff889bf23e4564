#include "libtal/cli/tool.h"

#include <fcntl.h>
#include <signal.h>
#include <unistd.h>

#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdlib>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <thread>

#include "libtal/base/number.h"
#include "libtal/base/version.h"

namespace tal {
namespace {

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

// Whether the command line sets the option itself.
bool stands_in(const CLI::Option* option, const std::vector<std::string>& arguments) {
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
}

// The file of settings: --config, else TAL_CONFIG; empty: none.
std::string settings_file(const std::vector<std::string>& arguments) {
  std::string file = std::getenv("TAL_CONFIG") ? std::getenv("TAL_CONFIG") : "";
  for (std::size_t i = 0; i < arguments.size(); ++i) {
    if (arguments[i] == "--config" && i + 1 < arguments.size()) file = arguments[i + 1];
    if (arguments[i].rfind("--config=", 0) == 0) file = arguments[i].substr(9);
  }
  return file;
}

// {"option": value}, checked against the names there are; of {"tal-nms": {...}, "tal-eval": {...}}, one file for a whole pipeline, the tool's part.
nlohmann::json read_settings(const std::string& file, const std::string& tool, const std::vector<std::string>& known) {
  if (file.empty()) return nlohmann::json::object();
  nlohmann::json settings;
  try {
    settings = nlohmann::json::parse(read_file(file), nullptr, true, true);
  } catch (const nlohmann::json::exception& error) {
    throw UsageError("--config " + file + ": " + error.what());
  } catch (const Error& error) {
    throw UsageError(std::string("--config: ") + error.what());
  }
  if (!settings.is_object()) throw UsageError("--config " + file + ": must be one JSON object");
  bool sections = !settings.empty();
  for (const auto& [key, value] : settings.items()) sections = sections && key.rfind("tal-", 0) == 0 && value.is_object();
  if (sections) settings = settings.value(tool, nlohmann::json::object());
  for (const auto& [key, value] : settings.items()) {
    if (std::find(known.begin(), known.end(), key) != known.end()) continue;
    const auto near = nearest(key, known);
    throw UsageError("--config " + file + ": unknown key '" + key + "'" + (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
  }
  return settings;
}

// A setting as the words that a command line would have.
std::vector<std::string> words_of(const std::string& file, const std::string& key, const nlohmann::json& value) {
  const auto word = [&](const nlohmann::json& item) {
    if (item.is_structured() || item.is_null()) throw UsageError("--config " + file + ": " + key + ": must be a text, a number, true, false or a list of them");
    return item.is_string() ? item.get<std::string>() : item.dump();
  };
  std::vector<std::string> words;
  if (value.is_array())
    for (const auto& item : value) words.push_back(word(item));
  else
    words.push_back(word(value));
  return words;
}

}  // namespace

struct Tool::Private {
  explicit Private(const ToolInfo& info) : app(info.summary, info.name) {}
  CLI::App app;
  std::map<std::string, std::string> origin;  // option -> where its value came from
  std::string config_file, generate;
  CLI::App* subcommand = nullptr;
};

Tool::Tool(ToolInfo info) : Run(info.name), info_(std::move(info)), p_(std::make_unique<Private>(info_)), table_(p_->app) {
  p_->app.option_defaults()->always_capture_default();
  p_->app.get_formatter()->column_width(34);
  const std::string common = "Common options";
  table_.add("-i,--input", common_.input, "Read records from FILE (-: stdin)").group(common).type_name("FILE");
  table_.add("-o,--output", common_.output, "Write to FILE (-: stdout); the file appears when it is complete").group(common).type_name("FILE");
  table_.add("-j,--jobs", common_.jobs, "Work on N records at a time (0: all cores); the output does not depend on it").group(common).type_name("N").between(0, 1024);
  table_.add("--on-error", common_.on_error, "fail: stop at the first bad record; skip: leave it out, go on, end with status 1").group(common).one_of({"fail", "skip"});
  table_.add("--rejects", common_.rejects, "With --on-error skip, write bad lines to FILE, byte for byte").group(common).type_name("FILE");
  table_.add("--max-errors", common_.max_errors, "With --on-error skip, stop after N bad records (0: never)").group(common).type_name("N");
  table_.add("--seed", common_.seed, "Seed of everything random").group(common).type_name("N");
  table_.flag("-q,--quiet", common_.quiet, "Only errors and warnings on stderr").group(common);
  table_.flag("-v,--verbose", common_.verbose, "More on stderr").group(common);
  table_.add("--progress", common_.progress, "Progress on stderr: auto (on a terminal), always, never").group(common).one_of({"auto", "always", "never"});
  table_.add("--config", p_->config_file, "Read settings from a JSON file {\"option\": value}; flags and TAL_* variables win").group(common).type_name("FILE");
  table_.flag("--print-config", print_config_, "Print every setting and where it came from, and end").group(common);
  table_.flag("--no-history", common_.no_history, "Do not add this step to the records' history").group(common);
  p_->app.set_version_flag("--version", [this] {
    std::string text = info_.name + " " + version() + " (" + revision() + "), " + compiler();
    if (stands_in(p_->app.get_option("--verbose"), arguments_))
      for (const auto& library : info_.libraries) text += "\n" + library();
    return text;
  }, "Print the version and end; with -v also those of the libraries that are opened when needed, and where they lie");
  table_.add("--generate", p_->generate, "Print documentation: man, bash, zsh or fish").group("").one_of({"man", "bash", "zsh", "fish"});
  p_->app.set_help_flag("-h,--help", "Print this help and end");
}

CLI::App& Tool::parser() const { return p_->app; }

Tool::~Tool() = default;

void Tool::accept_numbers() {
  const auto all = [](CLI::App& app) {
    for (auto* option : app.get_options())
      if (is_number(option->get_default_str())) option->transform(number_syntax());
  };
  all(p_->app);
  for (auto* sub : p_->app.get_subcommands([](CLI::App*) { return true; })) all(*sub);
}

void Tool::apply_settings(std::vector<std::string>& arguments) {
  CLI::App* sub = nullptr;
  for (const auto& argument : arguments) {
    for (auto* candidate : p_->app.get_subcommands({}))
      if (!sub && candidate->get_name() == argument) sub = candidate;
  }
  p_->subcommand = sub;
  std::vector<const CLI::Option*> options;
  for (const auto* option : p_->app.get_options())
    if (is_setting(option)) options.push_back(option);
  if (sub)
    for (const auto* option : sub->get_options())
      if (is_setting(option)) options.push_back(option);

  std::vector<std::string> known, added;
  for (const auto* option : options) known.push_back(option->get_lnames().front());
  const std::string file = settings_file(arguments);
  const auto settings = read_settings(file, info_.name, known);
  for (const auto* option : options) {
    const std::string key = option->get_lnames().front(), name = "--" + key, variable = variable_name(name);
    if (stands_in(option, arguments)) {
      p_->origin[name] = "flag";
    } else if (const char* value = std::getenv(variable.c_str())) {
      p_->origin[name] = "variable " + variable;
      added.push_back(name + "=" + value);
    } else if (const auto entry = settings.find(key); entry != settings.end()) {
      p_->origin[name] = "file " + file;
      for (const auto& word : words_of(file, key, *entry)) added.push_back(name + "=" + word);
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
  auto* option = find_option(p_->app, p_->subcommand, name);
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
  list(&p_->app);
  if (p_->subcommand) list(p_->subcommand);
  Output out("-");
  out.write(text + config_lines_);
  out.close();
}

void Tool::config_line(const std::string& name, const std::string& value, const std::string& origin) {
  config_lines_ += name + " = " + value + "  # " + origin + "\n";
}

void Tool::before_output() {
  if (!print_config_) return;
  print_config();
  throw Finished{};
}

namespace {

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

// What is wrong with the first option that there is not.
std::optional<std::string> unknown_option(const CLI::App& app, const CLI::App* sub, const std::vector<std::string>& arguments) {
  std::vector<std::string> known;
  for (const auto* part : {&app, sub})
    if (part)
      for (const auto* option : part->get_options())
        for (const auto& name : option->get_lnames()) known.push_back("--" + name);
  for (const auto& argument : arguments) {
    if (argument.rfind("--", 0) != 0 || argument == "--") continue;
    const std::string flag = argument.substr(0, argument.find('='));
    if (std::find(known.begin(), known.end(), flag) != known.end()) continue;
    const auto near = nearest(flag, known);
    return "unknown option " + flag + (near.empty() ? "" : "; did you mean " + std::string(near) + "?");
  }
  return std::nullopt;
}

// {"tool","version","args"}. How the work was split (-j) and where the bytes went must not show in the bytes.
std::string history_of(const ToolInfo& info, const std::vector<std::string>& arguments) {
  static const std::set<std::string> with_value = {"-i", "--input", "-o", "--output", "-j", "--jobs", "--progress", "--rejects"};
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
    if (argument.size() > 2 && argument[0] == '-' && (argument[1] == 'j' || argument[1] == 'i' || argument[1] == 'o')) continue;
    const std::string flag = argument.substr(0, argument.find('='));
    if (argument.size() > flag.size() && with_value.count(flag)) continue;
    if (!first) history += ',';
    first = false;
    append_json_string(history, argument);
  }
  return history + "]}";
}

}  // namespace

std::optional<int> Tool::parse(std::vector<std::string>& arguments) {
  try {
    accept_numbers();
    apply_settings(arguments);
    std::reverse(arguments.begin(), arguments.end());
    p_->app.parse(arguments);
  } catch (const CLI::CallForHelp&) {
    return print_out(p_->subcommand && p_->subcommand->parsed() ? p_->subcommand->help() : p_->app.help());
  } catch (const CLI::CallForAllHelp&) {
    return print_out(p_->app.help("", CLI::AppFormatMode::All));
  } catch (const CLI::CallForVersion& call) {
    return print_out(std::string(call.what()) + "\n");
  } catch (const CLI::ExtrasError& error) {
    if (p_->generate.empty()) throw UsageError(unknown_option(p_->app, p_->subcommand, arguments_).value_or(error.what()));
  } catch (const CLI::ParseError& error) {
    if (p_->generate.empty()) throw UsageError(readable_range(error.what()));
  }
  if (p_->generate.empty()) return std::nullopt;
  return print_out(p_->generate == "man" ? man_page(*this) : completion(*this, p_->generate));
}

int Tool::run(int argc, char** argv, const std::function<void()>& body) {
  ::signal(SIGPIPE, SIG_IGN);
  struct sigaction action {};
  action.sa_handler = on_signal;  // reads go on after it, loops ask stopped()
  action.sa_flags = SA_RESTART;
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);
  // Without this, a closed stdout would let the first opened file take its number.
  if (::fcntl(1, F_GETFD) < 0) {
    print_error("stdout is closed");
    return 1;
  }

  p_->app.footer(footer_of(info_));
  try {
    for (int i = 1; i < argc; ++i) arguments_.emplace_back(argv[i]);
    std::vector<std::string> arguments = arguments_;
    if (const auto status = parse(arguments)) return *status;
    if (common_.jobs == 0) common_.jobs = static_cast<int>(std::max(1u, std::thread::hardware_concurrency()));
    if (common_.on_error == "fail") refuse({"--rejects", "--max-errors"}, "--on-error fail");
    if (!common_.no_history) history_ = history_of(info_, arguments_);
    body();
    before_output();  // --print-config of a run that wrote nothing
    end_progress();
    close();
    if (stopped()) {
      print_error("interrupted");
      return 1;
    }
    if (errors_ > 0) print_error(std::to_string(errors_) + " bad record" + (errors_ > 1 ? "s" : "") + " left out");
    return failed_ ? 1 : 0;
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
