#include "libtal/formats/label_runs.h"

#include <algorithm>

#include "libtal/data/import_support.h"

namespace tal {

void LabelRuns::add(const std::string& label) {
  if (runs_.empty() || runs_.back().label != label) runs_.push_back({size_, size_, label});
  runs_.back().end = ++size_;
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
