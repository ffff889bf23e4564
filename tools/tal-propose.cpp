// tal-propose: records with features -> the same records with proposals.
#include "libtal/stages/propose.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::propose_info());
  tal::ProposeOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::propose(tool, options); });
}
