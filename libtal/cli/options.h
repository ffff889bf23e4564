// The options of a tool as rows of a table: name, target, meaning, group, range or choices. A row registers, documents and completes its option.
// The parser (CLI11) stays behind it, whose header takes longer to compile than most sources that have options.
//
//   void register_options(Options& options, SuppressOptions& o) {
//     options.add("--method", o.method, "Suppression rule").group("Rule").one_of({"greedy", "gaussian"});
//     options.add("--sigma", o.sigma, "gaussian: score *= exp(-tIoU^2 / SIGMA)").group("Rule").positive();
//   }
#pragma once

#include <concepts>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace tal {

// One row, while it is written down.
class Option {
 public:
  explicit Option(CLI::Option* option) : option_(option) {}
  Option& group(const std::string& title);     // of --help and the manual page
  Option& type_name(const std::string& name);  // what stands for the value there: "SECONDS"
  // What the value must be; anything else is a usage error that names the option.
  template <std::integral T>
  Option& between(T low, T high) { return between_whole(static_cast<std::int64_t>(low), static_cast<std::int64_t>(high)); }
  template <std::floating_point T>
  Option& between(T low, T high) { return between_real(static_cast<double>(low), static_cast<double>(high)); }
  Option& positive();
  Option& not_negative();
  Option& number();
  Option& one_of(const std::vector<std::string>& choices);
  Option& required();
  // Lists. One word after the option: `--set a --set b`, not `--set a b`; several in a word; exactly so many.
  Option& one_value();
  Option& comma_separated();
  Option& repeatable();  // a word each time
  Option& values(int count);
  Option& shown_default(const std::string& text);  // of --help, instead of the target's value

 private:
  Option& between_whole(std::int64_t low, std::int64_t high);
  Option& between_real(double low, double high);
  CLI::Option* option_;
};

// A tool's options, or those of one of its subcommands. A target's value when its row is added is the default; it must outlive the parsing.
class Options {
 public:
  explicit Options(CLI::App& app) : app_(&app) {}
  // names: "-i,--input"; "files" without dashes: what stands by itself.
  Option add(const std::string& names, int& target, const std::string& help);
  Option add(const std::string& names, long& target, const std::string& help);
  Option add(const std::string& names, long long& target, const std::string& help);
  Option add(const std::string& names, unsigned long& target, const std::string& help);
  Option add(const std::string& names, double& target, const std::string& help);
  Option add(const std::string& names, std::string& target, const std::string& help);
  Option add(const std::string& names, std::optional<double>& target, const std::string& help);
  Option add(const std::string& names, std::vector<std::string>& target, const std::string& help);
  Option flag(const std::string& names, bool& target, const std::string& help);

  // The tool's own options may follow a subcommand's.
  Options subcommand(const std::string& name, const std::string& help);
  void require_subcommand();
  std::string chosen() const;  // the subcommand that the command line names

 private:
  CLI::App* app_;
};

}  // namespace tal
