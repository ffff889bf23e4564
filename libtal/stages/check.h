// tal-check: its options, and what it does with them.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/data/check.h"

namespace tal {

ToolInfo check_info();  // of tal-check
void register_options(const Options& table, CheckOptions& options);
// The whole tool: what `options` asks for, written to the tool's output.
void run_check(Tool& tool, const CheckOptions& options);

}  // namespace tal
