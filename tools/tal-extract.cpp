// tal-extract: records with `path` (or video files) -> the same records with feature streams.
#include "libtal/stages/video/extract.h"
#include "libtal/video/opencv_info.h"
#ifdef TAL_HAVE_ENCODE
#include "libtal/encoder/networks/network_encoder.h"
#include "libtal/nn/torch_info.h"
#endif

int main(int argc, char** argv) {
  tal::ToolInfo info = tal::extract_info();
  info.libraries = {tal::opencv_version()};
  tal::ExtractOptions options;
#ifdef TAL_HAVE_ENCODE
  info.libraries.push_back(tal::torch_version());
  options.encoder.networks = tal::make_network_encoder;
#endif
  tal::Tool tool(info);
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] {
    tal::check_options(options);
    tal::extract_all(tool, options);
  });
}
