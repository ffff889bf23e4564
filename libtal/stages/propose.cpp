#include "libtal/stages/propose.h"

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/segment/shots.h"
#include "libtal/stages/ensemble_options.h"
#include "libtal/stages/group.h"
#include "libtal/stages/plugins.h"
#include "libtal/stream/video_records.h"

namespace tal {

void register_options(const Options& table, ProposeOptions& o) {
  const std::vector<Condition> models = {{"--model"}, {"--map-folder"}};
  const Options grouping = table.without("--model").without("--map-folder");
  grouping.add("--method", o.method, "How to propose without a model")
      .one_of({{"grouping", "high rows of curves over time (Algorithm 1 of ETP)"},
               {"shots",
                "what lies between cuts: --curve has their probability (default: the column cut, or the only one)"}});
  register_options(grouping, o.grouping);
  table.group("Grouping")
      .flag("--allow-empty", o.allow_empty, "No fault when grouping finds nothing in all of the records together")
      .without("--method", {"shots"});
  table.with_any({{"--method"}, {"--model"}}).features_root();
  register_model_options(table, o.model, models);
  table.with_any(models)
      .add("--videos", o.videos, "Video files instead of records, for models that see frames")
      .type_name("FILE");
  table.row("--input").without("--videos");
  register_map_options(table, o.maps);
  register_options(table.group("Maps and windows").with_any(models), o.choice, "--weights", "ensemble's members");
}

void propose(Tool& tool, const ProposeOptions& o) {
  if (o.by_models()) {
    if (!o.videos.empty()) read_videos_as_records(o.videos);
    return network_stages().propose(tool, o);
  }
  if (o.method.empty()) throw UsageError("say --model FILE, --method grouping or --method shots");
  if (o.method == "shots") {
    const auto thresholds = parse_number_list(o.grouping.threshold);
    if (thresholds.size() != 1) throw UsageError("--threshold: shots have one, not " + o.grouping.threshold);
    if (!(thresholds.front() >= 0 && thresholds.front() <= 1))
      throw UsageError("--threshold: cut probabilities lie between 0 and 1, not at " + o.grouping.threshold);
    const ShotOptions shots{o.grouping.stream, o.grouping.curve, thresholds.front()};
    return map_records(tool, [&](Record& record) { propose_shots(record, shots); });
  }
  check_options(o.grouping);
  GroupingTally tally;
  map_records(tool, [&](Record& record) { propose_by_grouping(record, o.grouping, tally); });
  if (!o.allow_empty && !tool.stopped()) tally.require_proposals(o.grouping);
}

}  // namespace tal
