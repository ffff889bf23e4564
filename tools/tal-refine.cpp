// tal-refine: records with proposals -> the same records with adjusted boundaries.
#include "libtal/cli/tool.h"
#include "libtal/stages/refine.h"
#ifdef TAL_HAVE_TORCH
#include "libtal/nn/torch_info.h"
#include "libtal/stages/networks/models.h"
#endif

int main(int argc, char** argv) {
  tal::ToolInfo info;
  info.name = "tal-refine";
  info.summary = "Adjust the boundaries of proposals";
  info.description =
      "Reads records with proposals and writes them with other segments; scores stay.\n\n"
      "With --model, a refinement network moves the boundaries of the proposals of any proposer.\n\n"
      "Without one, --method rpn takes what tal-propose left of an RPN in the record (offsets in each proposal's scores, unit scores in "
      "maps.rpn). The best pair of a start and an end unit of the anchor's vicinity is looked for, and the boundaries that the offsets give are "
      "clamped to one row around it (RPN paper, 3.7.2). Without such a pair the offsets decide. Results are clipped to the video.";
  info.examples = {
      {"Location fusion of the RPN", "tal-propose -m rpn.safetensors < features.jsonl | tal-refine | tal-score --beta 0.8"},
      {"ETP's refinement after any proposer", "tal-refine -m etp-rn.safetensors < proposals.jsonl | tal-score -m etp-ln.safetensors"},
  };
  info.see_also = {"tal-propose(1)", "tal-score(1)", "tal-train(1)", "tal-nms(1)"};
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
