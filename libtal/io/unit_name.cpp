#include "libtal/io/unit_name.h"

#include <algorithm>
#include <cctype>
#include <vector>

namespace tal {
namespace {

struct Unit {
  const char* name;
  double factor, divisor;
  std::vector<std::string> words;
};

const std::vector<Unit>& units() {
  static const std::vector<Unit> all = {
      {"seconds", 1, 1, {"s", "sec", "secs", "second", "seconds"}},
      {"milliseconds",
       1,
       1e3,
       {"ms", "msec", "msecs", "milli", "millis", "millisec", "millisecs", "millisecond", "milliseconds"}},
      {"microseconds", 1, 1e6, {"us", "usec", "usecs", "micros", "microsec", "microsecond", "microseconds"}},
      {"nanoseconds", 1, 1e9, {"ns", "nsec", "nsecs", "nanos", "nanosec", "nanosecond", "nanoseconds"}},
      {"minutes", 60, 1, {"min", "mins", "minute", "minutes"}},
      {"hours", 3600, 1, {"h", "hr", "hrs", "hour", "hours"}},
      {"per cent", 1, 100, {"%", "pct", "perc", "percent", "percents", "percentage", "percentages"}},
      {"frames", 1, 1, {"frame", "frames", "sample", "samples"}}};
  return all;
}

const Unit* unit_of(const std::string& word) {
  for (const auto& unit : units())
    if (std::find(unit.words.begin(), unit.words.end(), word) != unit.words.end()) return &unit;
  return nullptr;
}

// What may stand between words and says nothing.
bool is_between(char c) { return std::string_view(" _-.,;:/|()[]{}\t").find(c) != std::string_view::npos; }

// "startFrame", "start_frame" and "Start.Frame" -> start, frame. Other signs are words, as "%" in "start (%)": they may
// say a unit. A '#' before all of them begins a comment, as numpy writes headers.
std::vector<std::string> name_words(std::string_view name) {
  std::vector<std::string> words;
  bool within = false, lower = false;  // of a word; behind a small letter
  for (const char c : name) {
    const auto byte = static_cast<unsigned char>(c);
    if (!std::isalnum(byte) && byte < 0x80) {
      within = false;
      if (!is_between(c) && !(c == '#' && words.empty())) words.emplace_back(1, c);
      continue;
    }
    const bool capital = std::isupper(byte) != 0;
    if (!within || (capital && lower)) words.emplace_back();
    within = true, lower = std::islower(byte) != 0;
    words.back() += static_cast<char>(std::tolower(byte));
  }
  return words;
}

// ELAN's "ss.msec" are seconds, "hh:mm:ss.ms" and "mm:ss" times of the clock: the words of one unit. "": they are none.
std::string take_clock(std::vector<std::string>& words) {
  static const std::vector<std::vector<std::string>> forms = {
      {"hh", "mm", "ss"}, {"h", "mm", "ss"}, {"h", "m", "s"}, {"mm", "ss"}, {"m", "ss"}};
  static const std::vector<std::string> parts = {"ms", "msec", "mmm", "sss", "fff", "ff"};
  std::size_t end = words.size();
  const bool part = end > 1 && std::count(parts.begin(), parts.end(), words.back()) > 0;
  if (part) --end;
  for (const auto& form : forms)
    if (end >= form.size() &&
        std::equal(form.begin(), form.end(), words.begin() + static_cast<std::ptrdiff_t>(end - form.size()))) {
      words.resize(end - form.size());
      return "clock";
    }
  if (!part || words[end - 1] != "ss" || words.back() == "ff") return "";
  words.resize(end - 1);
  return "seconds";
}

}  // namespace

UnitName unit_name(std::string_view column) {
  UnitName out;
  auto words = name_words(column);
  out.unit = take_clock(words);
  if (out.unit.empty() && !words.empty()) {
    static const std::vector<std::string> counts = {"no", "nr", "num", "number", "idx", "index", "id", "#"};
    const bool counted = words.size() > 1 && std::count(counts.begin(), counts.end(), words.back()) > 0 &&
                         unit_of(words[words.size() - 2]) == &units().back();  // frame_no
    if (counted) words.pop_back();
    const bool before = !unit_of(words.back()) && unit_of(words.front()) == &units().back();  // frame_start
    if (const Unit* unit = unit_of(before ? words.front() : words.back())) {
      out.unit = unit->name, out.factor = unit->factor, out.divisor = unit->divisor;
      words.erase(before ? words.begin() : words.end() - 1);
    }
  }
  if (!out.unit.empty() && !words.empty() && words.back() == "in") words.pop_back();
  for (const auto& word : words) out.base += (out.base.empty() ? "" : "-") + word;
  return out;
}

}  // namespace tal
