// tal-refine: its options, and what it does with them.
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
// By the RPN's units, or by a model (libtal/stages/plugins.h).
void refine(Tool& tool, const RefineOptions& options);

}  // namespace tal
