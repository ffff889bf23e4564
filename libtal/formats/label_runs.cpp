#include "libtal/formats/label_runs.h"

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/base/spelling.h"
#include "libtal/data/import_support.h"

namespace tal {

void LabelRuns::add(const std::string& label) {
  if (runs_.empty() || runs_.back().label != label) runs_.push_back({size_, size_, label});
  runs_.back().end = ++size_;
}

bool LabelRuns::has(const std::string& label) const {
  return std::any_of(runs_.begin(), runs_.end(), [&](const Run& run) { return run.label == label; });
}

void check_background(const std::vector<std::string>& background, const std::vector<const LabelRuns*>& runs) {
  for (const auto& given : background) {
    const auto text = joined_names(given, [&](const std::string& label) {
      return std::any_of(runs.begin(), runs.end(), [&](const auto* each) { return each->has(label); });
    });
    if (!text.empty()) throw UsageError("--background: of the labels " + text + ": give the option once for each");
  }
}

void LabelRuns::append_segments(double rate, std::string& list, double first) const {
  for (const auto& run : runs_) {
    if (run.label.empty() || std::find(background_.begin(), background_.end(), run.label) != background_.end())
      continue;
    append_item(list, {(first + static_cast<double>(run.begin)) / rate, (first + static_cast<double>(run.end)) / rate},
                std::nullopt, run.label);
  }
}

}  // namespace tal
