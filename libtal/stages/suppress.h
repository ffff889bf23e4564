// tal-nms: the options of suppression.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/segment/suppress.h"

namespace tal {

void register_options(Options& table, SuppressOptions& options);
// Applies presets and the method's defaults to what was not given, and refuses what the method does not use. UsageError.
void settle_options(Tool& tool, SuppressOptions& options);

}  // namespace tal
