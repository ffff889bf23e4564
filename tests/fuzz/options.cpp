// The command line: the first line is a configuration file, the others are arguments of tal-nms or (before a line
// "eval") of tal-eval. The answer is a status of 0 or 2, and numbers in options are finite.
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmath>
#include <string>
#include <vector>

#include "libtal/base/number.h"
#include "libtal/cli/tool.h"
#include "libtal/stages/evaluate_options.h"
#include "libtal/stages/suppress.h"
#include "tests/fuzz/fuzz.h"

using tal::fuzz::answers;
using tal::fuzz::hold;

#ifndef TAL_LIBFUZZER  // which has -close_fd_mask
extern "C" int LLVMFuzzerInitialize(int*, char***) {
  // Usage errors go to stderr by the thousand; the smoke driver keeps a copy of it for itself.
  const int nothing = ::open("/dev/null", O_WRONLY);
  ::dup2(nothing, 1);
  ::dup2(nothing, 2);
  return 0;
}
#endif

namespace {

std::vector<std::string> lines_of(std::string_view text) {
  std::vector<std::string> lines;
  while (!text.empty()) {
    const auto end = std::min(text.find('\n'), text.size());
    lines.emplace_back(text.substr(0, end));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return lines;
}

void run_tool(bool eval, const std::string& config, std::vector<std::string> arguments) {
  tal::Tool tool({eval ? "tal-eval" : "tal-nms", "Fuzzed", "", {}, {}});
  tal::NmsOptions suppress;
  tal::eval::EvalOptions evaluate;
  if (eval) tal::eval::register_options(tool.command_line(), evaluate);
  else tal::register_options(tool.command_line(), suppress);
  const int file = ::memfd_create("config", 0);
  [[maybe_unused]] const auto written = ::write(file, config.data(), config.size());
  arguments.insert(arguments.begin(), {"fuzz", "--config", "/proc/self/fd/" + std::to_string(file)});
  std::vector<char*> argv;
  for (auto& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  const int status = tool.run(static_cast<int>(argv.size()) - 1, argv.data(), [&] {
    for (const double value : {suppress.threshold, suppress.sigma, suppress.alpha, suppress.low, suppress.high,
                               suppress.voting.value_or(0), suppress.min_duration})
      hold(std::isfinite(value), "numbers of options are finite");
  });
  ::close(file);
  hold(status == 0 || status == 2, "a command line is taken or refused");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  auto lines = lines_of(tal::fuzz::text_of(data, size));
  for (const auto& line : lines) {
    if (line.find('\0') != std::string::npos) return 0;     // cannot stand in an argument
    if (line.find("stats") != std::string::npos) return 0;  // its file is made before anything else: not here
    answers([&] {
      for (const double value : tal::parse_number_list(line)) hold(std::isfinite(value), "lists hold finite numbers");
    });
    answers([&] { hold(std::isfinite(tal::parse_fraction(line)), "fractions are finite"); });
  }
  if (lines.empty()) return 0;
  const std::string config = lines.front();
  lines.erase(lines.begin());
  const bool eval = !lines.empty() && lines.front() == "eval";
  if (eval) lines.erase(lines.begin());
  run_tool(eval, config, lines);
  return 0;
}
