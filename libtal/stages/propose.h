// tal-propose: its options, and what it does with them.
#pragma once

#include <string>
#include <vector>

#include "libtal/cli/tool.h"
#include "libtal/fusion/ensemble_weights.h"
#include "libtal/segment/grouping.h"
#include "libtal/stages/model_options.h"

namespace tal {

struct ProposeOptions {
  std::string method;  // grouping, shots; empty: by models
  GroupingOptions grouping;
  bool allow_empty = false;
  ModelOptions model;
  std::vector<std::string> videos;  // files instead of records
  MapOptions maps;
  EnsembleWeightOptions choice;

  bool by_models() const { return !model.models.empty() || !maps.map_folders.empty(); }
};
ToolInfo propose_info();  // of tal-propose
void register_options(const Options& table, ProposeOptions& options);

// By grouping, by cuts, or by models (libtal/stages/plugins.h). Error when grouping finds nothing in all records
// together, unless options.allow_empty.
void propose(Tool& tool, const ProposeOptions& options);

}  // namespace tal
