#include "libtal/data/weight_maps.h"

#include <algorithm>

namespace tal {

const std::vector<NamedMap>& named_maps() {
  static const std::vector<NamedMap> all = [] {
    auto maps = bmn_maps();
    for (auto& map : encoder_maps()) maps.push_back(std::move(map));
    return maps;
  }();
  return all;
}

const NamedMap* find_named_map(std::string_view name) {
  const auto& all = named_maps();
  const auto found = std::find_if(all.begin(), all.end(), [&](const NamedMap& map) { return map.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace tal
