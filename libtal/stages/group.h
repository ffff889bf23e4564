// tal-propose --method grouping: its options.
#pragma once

#include "libtal/cli/options.h"
#include "libtal/cli/tool.h"
#include "libtal/segment/grouping.h"

namespace tal {

void register_options(const Options& table, GroupingOptions& options);

}  // namespace tal
