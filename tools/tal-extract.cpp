// tal-extract: records with `path` (or video files) -> the same records with feature streams.
#include "libtal/stages/extract_options.h"

int main(int argc, char** argv) {
  tal::Tool tool(tal::extract_info());
  tal::ExtractOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] { tal::extract(tool, options); });
}
