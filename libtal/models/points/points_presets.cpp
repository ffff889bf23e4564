#include "libtal/models/catalogue/points_presets.h"

#include "libtal/models/points/points_model.h"

namespace tal {

std::vector<Preset> PointsModel::presets() const {
  std::vector<Preset> all;
  for (const auto& preset : points_presets()) all.push_back({preset.name, preset.help, preset.settings});
  return all;
}

}  // namespace tal
