// tal-score: its options, and scores without a model. Those of models: libtal/stages/networks/models.h.
#pragma once

#include <string>

#include "libtal/stages/classes.h"
#include "libtal/stages/model_options.h"
#include "libtal/stages/rpn.h"

namespace tal {

struct ScoreOptions {
  std::string fuse = "rpn";  // or classes
  RpnFusionOptions rpn;
  ClassFusionOptions classes;
  ModelOptions model;
};
ToolInfo score_info();  // of tal-score
// The options of --fuse classes imply it.
void register_options(const Options& table, ScoreOptions& options);
void score_by_fusion(Tool& tool, const ScoreOptions& options);

}  // namespace tal
