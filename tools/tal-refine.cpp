// tal-refine: records with proposals -> the same records with adjusted boundaries.
#include "libtal/cli/tool.h"
#include "libtal/fusion/rpn_stage.h"

int main(int argc, char** argv) {
  tal::Tool tool{{"tal-refine", "Adjust the boundaries of proposals",
                  "Reads records with proposals and writes them with other segments; scores stay.\n\n"
                  "--method rpn needs no model: it takes what tal-propose left of an RPN in the record (offsets in each proposal's scores, unit scores in "
                  "maps.rpn). The best pair of a start and an end unit of the anchor's vicinity is looked for, and the boundaries that the offsets give are "
                  "clamped to one row around it (RPN paper, 3.7.2). Without such a pair the offsets decide. Results are clipped to the video.",
                  {{"Location fusion of the RPN", "tal-propose -m rpn.safetensors < features.jsonl | tal-refine --method rpn | tal-score --beta 0.8"}},
                  {"tal-propose(1)", "tal-score(1)", "tal-nms(1)"}}};
  std::string method = "rpn";
  tool.app().add_option("--method", method, "How to refine without a model")->check(CLI::IsMember({"rpn"}));
  tal::RpnFusionOptions options;
  tal::register_refine_options(tool.app(), options);
  return tool.run(argc, argv, [&] { tal::run_rpn_refine(tool, options); });
}
