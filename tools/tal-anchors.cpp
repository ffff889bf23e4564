// tal-anchors: records with durations -> the same records with anchors as proposals; or what those anchors could reach.
#include "libtal/stages/anchors.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::anchors_info());
  tal::AnchorOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::run_anchors(tool, options); });
}
