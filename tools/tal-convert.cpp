// tal-convert: annotation, proposal, result, feature, signal and weight files of the field <-> records and safetensors.
#include "libtal/stages/convert.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::convert_info());
  tal::ConvertOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::convert(tool, options); });
}
