// tal-score: its options, and what it does with them.
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
// By fusion, or by a model (libtal/stages/plugins.h).
void score(Tool& tool, const ScoreOptions& options);

}  // namespace tal
