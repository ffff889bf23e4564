// tal-bench: each case against its baseline in the same run, interleaved, minimum of several rounds.
#include <algorithm>
#include <chrono>
#include <iostream>
#include <regex>
#include <vector>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "bench/bench.h"

namespace tal::bench {
namespace {

struct Entry {
  std::string name;
  std::function<Case()> make;
};
std::vector<Entry>& entries() {
  static std::vector<Entry> all;
  return all;
}

// Seconds of one call; short subjects are repeated until the clock can see them.
double time_of(const std::function<void()>& call, int repeat) {
  const auto start = std::chrono::steady_clock::now();
  for (int i = 0; i < repeat; ++i) call();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count() / repeat;
}

std::string printed(const char* form, double value) {
  char text[64];
  std::snprintf(text, sizeof text, form, value);
  return text;
}

int repeats_for(const std::function<void()>& call) {
  const double once = time_of(call, 1);
  return once > 0.02 ? 1 : static_cast<int>(std::min(100000.0, 0.02 / std::max(once, 1e-7))) + 1;
}

}  // namespace

Register::Register(std::string name, std::function<Case()> make) {
  entries().push_back({std::move(name), std::move(make)});
}

}  // namespace tal::bench

int main(int argc, char** argv) {
  using namespace tal::bench;
  CLI::App app{"Measure the toolchain against named baselines in the same run", "tal-bench"};
  std::string filter = ".", format = "markdown";
  bool list = false, subject_only = false;
  int rounds = 0;
  app.add_option("--filter", filter, "Only cases whose name matches this regular expression");
  app.add_option("--format", format, "markdown or json")->check(CLI::IsMember({"markdown", "json"}));
  app.add_flag("--subject-only", subject_only, "Leave the baselines out, for a profiler");
  app.add_option("--rounds", rounds, "Rounds of every case instead of its own number")->check(CLI::PositiveNumber);
  app.add_flag("--list", list, "List the cases and end");
  CLI11_PARSE(app, argc, argv);
  auto& all = entries();
  std::sort(all.begin(), all.end(), [](const auto& a, const auto& b) { return a.name < b.name; });
  std::regex pattern;
  try {
    pattern = std::regex(filter);
  } catch (const std::regex_error& error) {
    std::cerr << "tal-bench: error: --filter: " << error.what() << "\n";
    return 2;
  }
  nlohmann::json results = nlohmann::json::array();
  if (format == "markdown" && !list)
    std::cout << "| case | what | value | baseline | baseline value | ratio |\n|---|---|---|---|---|---|\n";
  for (const auto& entry : all) {
    if (!std::regex_search(entry.name, pattern)) continue;
    if (list) {
      std::cout << entry.name << "\n";
      continue;
    }
    Case item = entry.make();
    if (subject_only) item.reference = nullptr;
    if (rounds > 0) item.rounds = rounds;
    if (item.available && !item.available()) {
      if (format == "markdown") std::cout << "| " << item.name << " | " << item.what << " | skipped | | | |\n";
      continue;
    }
    const int subject_repeats = repeats_for(item.subject),
              reference_repeats = item.reference ? repeats_for(item.reference) : 0;
    double subject = 1e300, reference = 1e300;
    for (int round = 0; round < item.rounds; ++round) {
      subject = std::min(subject, time_of(item.subject, subject_repeats));
      if (item.reference) reference = std::min(reference, time_of(item.reference, reference_repeats));
    }
    const auto shown = [&](double seconds) { return item.work > 0 ? item.work / seconds : seconds * 1e3; };
    if (format == "json") {
      results.push_back({{"name", item.name}, {"what", item.what}, {"value", shown(subject)}, {"unit", item.unit}});
      if (item.reference)
        results.back().update(
            {{"baseline", item.baseline}, {"baseline_value", shown(reference)}, {"ratio", reference / subject}});
      continue;
    }
    std::cout << "| " << item.name << " | " << item.what << " | " << printed("%.4g", shown(subject)) << " " << item.unit
              << " | ";
    if (item.reference)
      std::cout << item.baseline << " | " << printed("%.4g", shown(reference)) << " " << item.unit << " | "
                << printed("%.2f", reference / subject) << " |";
    else std::cout << "| | |";
    std::cout << std::endl;
  }
  if (format == "json" && !list) std::cout << results.dump(1) << "\n";
  return 0;
}
