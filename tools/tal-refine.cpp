// tal-refine: records with proposals -> the same records with adjusted boundaries.
#include "libtal/stages/refine.h"
#ifdef TAL_HAVE_TORCH
#include "libtal/nn/torch_info.h"
#include "libtal/stages/networks/models.h"
#endif

int main(int argc, char** argv) {
  tal::ToolInfo info = tal::refine_info();
#ifdef TAL_HAVE_TORCH
  info.libraries = {tal::torch_version()};
#endif
  tal::Tool tool(info);
  tal::RefineOptions options;
  tal::register_options(tool.command_line(), options);
  return tool.run(argc, argv, [&] {
    if (options.model.models.empty()) return tal::run_rpn_refine(tool, options.rpn);
#ifdef TAL_HAVE_TORCH
    tal::run_model_stage(tool, options.model, tal::Stage::kRefine);
#else
    throw tal::Error("this build has no LibTorch, so no models");
#endif
  });
}
