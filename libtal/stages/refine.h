// tal-refine: its options, and boundaries without a model. Those of models: libtal/stages/networks/models.h.
#pragma once

#include <string>

#include "libtal/stages/model_options.h"
#include "libtal/stages/rpn.h"

namespace tal {

struct RefineOptions {
  std::string method = "rpn";
  RpnFusionOptions rpn;
  ModelOptions model;
};
ToolInfo refine_info();  // of tal-refine
void register_options(const Options& table, RefineOptions& options);

}  // namespace tal
