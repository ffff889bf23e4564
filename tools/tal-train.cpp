// tal-train: records with features (or videos) and annotations -> a model file.
#include "libtal/stages/plugins.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::train_info());
  tal::TrainCommand options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::train(tool, options); });
}
