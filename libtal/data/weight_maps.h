// The checkpoints of others whose names tal-convert --map NAME knows. One file a family of networks; named_maps() lists
// them all.
#pragma once

#include <deque>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/safetensors.h"

namespace tal {

// What is given with --map NAME.
struct MapRequest {
  std::vector<std::string> inputs;   // --model-input: NAME[:KEY=VALUE,...], the feature streams that the network was
                                     // trained on
  std::string settings;              // --model-preset: JSON object of the model's settings
  std::vector<std::string> classes;  // --model-classes: labels in class order
};
// The metadata `inputs` of a model file, from --model-input and the columns that the network reads. Without one, the
// network reads a record's only stream, whatever its name is.
std::string model_inputs(const std::vector<std::string>& texts, std::int64_t columns);

struct NamedMap {
  std::string name;   // "bmn-mmaction2"
  std::string help;   // one line
  std::string rules;  // as in a --map file
  // Fills the metadata that make the result a model file, from the tensors as they were and as they are; checks that
  // they are the network's. May be empty.
  // storage: keeps alive what it adds to `renamed`.
  void (*complete)(const std::vector<TensorView>& source, std::vector<TensorView>& renamed, const MapRequest& request,
                   std::map<std::string, std::string>& metadata, std::deque<std::string>& storage);
  // A tensor by which a checkpoint is known when no map is named, whatever modules its name stands in; "": none.
  std::string mark = {};
};
const std::vector<NamedMap>& named_maps();
const NamedMap* find_named_map(std::string_view name);                   // nullptr: unknown
const NamedMap* recognised_map(const std::vector<TensorView>& tensors);  // by a map's mark; nullptr: by none

std::vector<NamedMap> bmn_maps();          // bmn_weights.cpp
std::vector<NamedMap> point_maps();        // point_weights.cpp
std::vector<NamedMap> encoder_maps();      // encoder_weights.cpp
std::vector<NamedMap> transformer_maps();  // transformer_weights.cpp
// Rules for the patches and blocks of a vision transformer as MMAction2 names them behind `from`, a pattern without
// groups -> as nn/backbones/vision_transformer.h names them, behind `to`.
std::string mmaction2_transformer_rules(const std::string& from, const std::string& to);

}  // namespace tal
