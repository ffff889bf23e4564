// tal-synth: nothing, or records with annotations -> records with synthetic annotations, features or videos of known
// truth.
#include "libtal/stages/synth.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::synth_info());
  tal::SynthOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::synthesize(tool, options); });
}
