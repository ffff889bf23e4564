// tal-nms: the options of suppression, and its run.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/segment/suppress.h"

namespace tal {

ToolInfo suppress_info();  // of tal-nms
// Presets and the method's defaults take effect where an option was not given.
void register_options(const Options& table, SuppressOptions& options);
void run_suppress(Tool& tool, const SuppressOptions& options);

}  // namespace tal
