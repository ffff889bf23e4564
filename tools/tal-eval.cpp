// tal-eval: records with proposals, and ground truth -> the metrics of the field, one report.
#include "libtal/stages/evaluate.h"

int main(int argc, char** argv) {
  tal::eval::EvalOptions options;
  tal::Tool tool(tal::eval::evaluate_info());
  tal::eval::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::eval::run_evaluation(tool, options); });
}
