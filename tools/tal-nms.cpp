// tal-nms: records with proposals -> the same records with fewer, re-scored proposals.
#include "libtal/stages/suppress.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::suppress_info());
  tal::NmsOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::run_suppress(tool, options); });
}
