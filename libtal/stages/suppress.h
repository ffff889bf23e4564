// tal-nms: its options, and what it does with them.
#pragma once

#include "libtal/cli/tool.h"
#include "libtal/segment/suppress.h"

namespace tal {

struct NmsOptions : SuppressOptions {
  bool live = false;      // records are windows of videos that go on
  double early = 0;       // live: seconds that a proposal may start before its window
  double max_wait = 600;  // live: seconds behind its end that a proposal waits for others; 0: no bound
};

ToolInfo suppress_info();  // of tal-nms
void register_options(const Options& table, NmsOptions& options);
void run_suppress(Tool& tool, const NmsOptions& options);
// With --live (suppress_live.cpp).
void run_live_suppress(Tool& tool, const NmsOptions& options);

}  // namespace tal
