// The manual of tal-check, beside its options.
#include "libtal/stages/check.h"

namespace tal {

ToolInfo check_info() {
  return {"tal-check",
          "Find every fault of a stream, feature file, model or folder",
          "Reads records and prints every fault in one pass, by class, with line, video and field. It goes on behind "
          "broken lines. The exit "
          "status is 1 when a fault was found and not repaired. Feature files that records name are read too: rows and "
          "columns against the "
          "record, values, and the header that tal-extract wrote beside them, whose hashes tell whether settings or "
          "rows changed afterwards.\n\n"
          "With --fix the records are written, repaired by the named rules, and the report goes to stderr. Broken "
          "lines pass unchanged; of a "
          "repaired one only the numbers of its segments change. clip "
          "moves ends behind the video to its end and negative starts to 0, dedup leaves out equal segments, order "
          "swaps reversed ends.\n\n"
          "With --gt, videos and labels that the ground truth does not know, and its videos without a record, are "
          "faults too.\n\n"
          "--stage runs a foreign program on conforming, odd and broken records and says which promises of "
          "tal-jsonl(5) it keeps. --replay "
          "prints the pipelines that made the records. --compare-features says how far two feature files differ, and "
          "ends with status 1 when they do.",
          {{"All faults of a ground truth", "tal-check < annotations.jsonl"},
           {"Clip and go on", "tal-check --fix clip,dedup < annotations.jsonl > clean.jsonl"},
           {"Does my stage keep the protocol", "tal-check --stage './my_stage.py'"}},
          {"tal-convert(1)", "tal-eval(1)"}};
}

}  // namespace tal
