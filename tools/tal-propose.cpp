// tal-propose: records with features -> the same records with proposals.
#include "libtal/cli/tool.h"
#include "libtal/segment/grouping.h"

int main(int argc, char** argv) {
  tal::Tool tool{{"tal-propose", "Propose segments from features",
                  "Reads records with a feature stream and writes them with proposals, in seconds.\n\n"
                  "--method grouping needs no model. It takes columns of the stream as curves over time and groups their high rows (Algorithm 1 of ETP): "
                  "components start at rows from the threshold on, grow row by row, merge when they meet, and become proposals when their length is between "
                  "--min and --max. Each curve is used raw and smoothed; the score of a proposal is the mean of its curve inside.",
                  {{"From a video to proposals without a model", "tal-extract --videos match.mp4 --inline | tal-propose --method grouping"},
                   {"Nested proposals from two columns at three thresholds", "tal-propose --method grouping --curve dive,jump --threshold 0.3,0.5,0.7 --keep-growing < features.jsonl"}},
                  {"tal-extract(1)", "tal-nms(1)", "tal-eval(1)"}}};
  std::string method;
  tool.app().add_option("--method", method, "How to propose: grouping")->check(CLI::IsMember({"grouping"}));
  tal::GroupingOptions options;
  tal::register_options(tool.app(), options);
  return tool.run(argc, argv, [&] {
    if (method.empty()) throw tal::UsageError("no model and no method: say --method grouping (learned models are not in this version)");
    tal::check_options(options);
    tal::map_records(tool, [&](tal::Record& record) { tal::propose_by_grouping(record, options); });
  });
}
