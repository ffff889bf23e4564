// The published settings of the points detectors, data set by data set: rows of their repositories' configuration
// files.
#pragma once

#include <string>
#include <vector>

namespace tal {

struct PointsPreset {
  std::string name;      // "actionformer-thumos14"
  std::string help;      // one line
  std::string settings;  // JSON object: the model's settings, "inference." and "train." ones
};
const std::vector<PointsPreset>& points_presets();

}  // namespace tal
