// The manual of tal-refine, beside its options.
#include "libtal/stages/plugins.h"
#include "libtal/stages/refine.h"

namespace tal {

ToolInfo refine_info() {
  ToolInfo info;
  info.name = "tal-refine";
  info.summary = "Adjust the boundaries of proposals";
  info.description =
      "Reads records with proposals and writes them with other segments; scores stay.\n\n"
      "With --model, a refinement network moves the boundaries of the proposals of any proposer.\n\n"
      "Without one, --method rpn takes what tal-propose left of an RPN in the record (offsets in each proposal's "
      "scores, unit scores in "
      "maps.rpn). The best pair of a start and an end unit of the anchor's vicinity is looked for, and the boundaries "
      "that the offsets give are "
      "clamped to one row around it (RPN paper, 3.7.2). Without such a pair the offsets decide. Results are clipped to "
      "the video.";
  info.examples = {
      {"Location fusion of the RPN",
       "tal-propose -m rpn.safetensors < features.jsonl | tal-refine | tal-score --beta 0.8"},
      {"ETP's refinement after any proposer",
       "tal-refine -m etp-rn.safetensors < proposals.jsonl | tal-score -m etp-ln.safetensors"},
  };
  info.see_also = {"tal-propose(1)", "tal-score(1)", "tal-train(1)", "tal-nms(1)"};
  info.libraries = {network_library};
  return info;
}

}  // namespace tal
