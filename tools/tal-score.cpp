// tal-score: records with proposals -> the same records with final scores.
#include "libtal/cli/tool.h"
#include "libtal/fusion/rpn_stage.h"

int main(int argc, char** argv) {
  tal::Tool tool{{"tal-score", "Give proposals their final scores",
                  "Reads records with proposals and writes them with other scores; segments stay.\n\n"
                  "--fuse rpn needs no model: it takes what tal-propose left of an RPN in the record. A proposal's unit score p' is the best product of overlap, "
                  "foreground and background score over the pairs of start and end units in its anchor's vicinity (RPN paper, Eq. 8), and its score becomes "
                  "BETA p + (1 - BETA) p' (Eq. 9), p being the segment score.\n\n"
                  "--beta-sweep reads records with annotations and prints a table instead of records: soft-NMS and average recall for eleven values of BETA.",
                  {{"The RPN's combined score", "tal-propose -m rpn.safetensors < features.jsonl | tal-refine | tal-score --beta 0.8 | tal-nms --preset rpn"},
                   {"Which weight is best on the validation part", "tal-score --beta-sweep < refined.jsonl"}},
                  {"tal-propose(1)", "tal-refine(1)", "tal-nms(1)", "tal-eval(1)"}}};
  std::string fuse = "rpn";
  tool.app().add_option("--fuse", fuse, "How to score without a model")->check(CLI::IsMember({"rpn"}));
  tal::RpnFusionOptions options;
  tal::register_score_options(tool.app(), options);
  return tool.run(argc, argv, [&] { tal::run_rpn_score(tool, options); });
}
