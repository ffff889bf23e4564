// tal-score: records with proposals -> the same records with final scores, and labels where a model gives them.
#include "libtal/stages/score.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::score_info());
  tal::ScoreOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::score(tool, options); });
}
