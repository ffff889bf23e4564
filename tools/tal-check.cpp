// tal-check: any stream, feature file, model or folder -> every fault by class with its place; repairs what a rule can
// repair.
#include "libtal/stages/check.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::check_info());
  tal::CheckOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::run_check(tool, options); });
}
