// The manual of tal-nms, beside its options.
#include "libtal/stages/suppress.h"

namespace tal {

ToolInfo suppress_info() {
  return {
      "tal-nms",
      "Suppress overlapping proposals",
      "Reads records with proposals and writes them with the proposals that the chosen rule keeps, by falling "
      "score. Proposals with labels are treated label by "
      "label, unless --class-agnostic.\n\n"
      "greedy keeps a proposal when its tIoU with every kept one is at most the threshold. gaussian, linear, bsn "
      "and rpn take the highest "
      "remaining score again and again and lower the scores of what overlaps it. bsn and rpn need the record's "
      "duration.\n\n"
      "Every proposal needs a score. greedy takes any scores. The other rules multiply scores by factors, and --voting "
      "weighs segments by them: they take scores from 0 on, since a factor would raise a negative score. Negative "
      "ones (logits) are an error; those below a --min-score that is given are dropped and do not vote.\n\n"
      "With --live the records are windows of videos that go on, as tal-extract --live makes them, those of several "
      "videos in any mixture. Each line is answered by the same record with the proposals that are decided by then: "
      "together they are what one tal-nms keeps of all windows in one record, to the last digit. A proposal is decided "
      "once a window (less --early) starts at or behind its end and every better one that overlaps it and would change "
      "it is decided, so the delay is a window and the length of such a chain, and the memory that of the proposals "
      "that wait, but for the names of the videos that have ended. "
      "A chain of ever better ones may be long: --max-wait ends it. After the final window nothing waits; where the "
      "input ends without one, one more record has the rest. Windows that are missing before another one are told. "
      "What "
      "keeps the best of a whole video (--top-k, "
      "--pre-top-k, --stop, which some rules and presets set: 0 takes it back) is refused, and --voting 0; bsn, rpn "
      "and --clip need windows that say the video's duration.\n\n"
      "A rule that is given an option which it does not use is a usage error.",
      {{"ETP's rule", "tal-nms --preset etp < proposals.jsonl"},
       {"BSN's Soft-NMS, 100 kept", "tal-nms --method bsn --alpha 0.75 --low 0.65 --high 0.9 < proposals.jsonl"},
       {"What happens at a camera, scored once as a whole",
        "tal-extract --live --videos rtsp://camera/stream | tal-propose --method grouping --curve motion | tal-nms "
        "--live"},
       {"Gaussian decay with voting",
        "tal-nms --method gaussian --sigma 0.5 --voting 0.75 --top-k 200 < proposals.jsonl"}},
      {"tal-propose(1)", "tal-score(1)", "tal-eval(1)"}};
}

}  // namespace tal
