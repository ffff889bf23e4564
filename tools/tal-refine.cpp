// tal-refine: records with proposals -> the same records with adjusted boundaries.
#include "libtal/stages/refine.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::refine_info());
  tal::RefineOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::refine(tool, options); });
}
