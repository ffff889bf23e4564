// The checkpoints of others whose names tal-convert --map NAME knows. One file a family of networks; named_maps() lists
// them all.
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/safetensors.h"

namespace tal {

// What is given with --map NAME.
struct MapRequest {
  std::vector<std::string> inputs;  // --model-input: NAME[:KEY=VALUE,...], the feature streams that the network was
                                    // trained on
};

struct NamedMap {
  std::string name;   // "bmn-mmaction2"
  std::string help;   // one line
  std::string rules;  // as in a --map file
  // Fills the metadata that make the result a model file, from the tensors as they were and as they are; checks that
  // they are the network's. May be empty.
  void (*complete)(const std::vector<TensorView>& source, const std::vector<TensorView>& renamed,
                   const MapRequest& request, std::map<std::string, std::string>& metadata);
};
const std::vector<NamedMap>& named_maps();
const NamedMap* find_named_map(std::string_view name);  // nullptr: unknown

std::vector<NamedMap> bmn_maps();      // bmn_weights.cpp
std::vector<NamedMap> encoder_maps();  // encoder_weights.cpp

}  // namespace tal
