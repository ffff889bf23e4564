// tal-eval from records to report.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/stages/evaluate_options.h"

namespace tal::eval {

ToolInfo evaluate_info();  // of tal-eval
// Reads, evaluates and prints what the options ask for.
void run_evaluation(Tool& tool, EvalOptions& options);

}  // namespace tal::eval
