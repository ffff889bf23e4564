// tal-score: records with proposals -> the same records with final scores, and labels where a model gives them.
#include "libtal/cli/model_options.h"
#include "libtal/cli/tool.h"
#include "libtal/fusion/rpn_stage.h"
#ifdef TAL_HAVE_TORCH
#include "libtal/models/stages.h"
#include "libtal/nn/torch_info.h"
#endif

int main(int argc, char** argv) {
  tal::ToolInfo info;
  info.name = "tal-score";
  info.summary = "Give proposals their final scores";
  info.description =
      "Reads records with proposals and writes them with other scores; segments stay.\n\n"
      "With --model, a model scores the proposals of any proposer: a segment classifier or a localization network turns each into labelled detections.\n\n"
      "Without one, --fuse rpn takes what tal-propose left of an RPN in the record. A proposal's unit score p' is the best product of overlap, "
      "foreground and background score over the pairs of start and end units in its anchor's vicinity (RPN paper, Eq. 8), and its score becomes "
      "BETA p + (1 - BETA) p' (Eq. 9), p being the segment score.\n\n"
      "--beta-sweep reads records with annotations and prints a table instead of records: soft-NMS and average recall for eleven values of BETA.";
  info.examples = {
      {"The RPN's combined score", "tal-propose -m rpn.safetensors < features.jsonl | tal-refine | tal-score --beta 0.8 | tal-nms --preset rpn"},
      {"Which weight is best on the validation part", "tal-score --beta-sweep < refined.jsonl"},
      {"Labels for proposals", "tal-score -m classes.safetensors < proposals.jsonl | tal-nms --method gaussian"},
  };
  info.see_also = {"tal-propose(1)", "tal-refine(1)", "tal-train(1)", "tal-nms(1)", "tal-eval(1)"};
#ifdef TAL_HAVE_TORCH
  info.libraries = {tal::torch_version()};
#endif
  tal::Tool tool(info);
  std::string fuse = "rpn";
  tool.app().add_option("--fuse", fuse, "How to score without a model")->check(CLI::IsMember({"rpn"}));
  tal::RpnFusionOptions options;
  tal::register_score_options(tool.app(), options);
  tal::ModelOptions model;
  tal::register_model_options(tool.app(), model);
  return tool.run(argc, argv, [&] {
    tal::refuse_model_options(tool, model);
    if (!model.models.empty()) {
      tool.refuse({"--fuse", "--beta", "--beta-sweep", "--kl-ev", "--sweep-low", "--sweep-tiou", "--sweep-an", "--sweep-format"}, "--model");
#ifdef TAL_HAVE_TORCH
      return tal::run_model_stage(tool, model, tal::Stage::kScore);
#else
      throw tal::Error("this build has no LibTorch, so no models");
#endif
    }
    tal::run_rpn_score(tool, options);
  });
}
