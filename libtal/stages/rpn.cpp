#include "libtal/stages/rpn.h"

#include <cmath>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/fusion/beta_sweep.h"
#include "libtal/segment/suppress.h"

namespace tal {
namespace {

void print_sweep(Tool& tool, const std::vector<SweepVideo>& videos, const RpnFusionOptions& options) {
  if (videos.empty()) throw Error("no record to sweep over");
  const auto most = static_cast<int>(options.most);
  std::vector<int> at;
  for (const int n : {1, 5, 10, 50, 100, 200, 500, 1000})
    if (n <= most) at.push_back(n);
  const bool json = options.format == "json";
  std::string out;
  char text[64];
  if (!json) {
    out += "beta      AUC";
    for (const int n : at) std::snprintf(text, sizeof text, " %9s", ("AR@" + std::to_string(n)).c_str()), out += text;
    out += '\n';
  }
  for (int k = 0; k <= 10; ++k) {
    const double beta = k / 10.0;
    const eval::ProposalResult result = average_recall(videos, beta, options, tool.options().jobs);
    if (json) {
      nlohmann::ordered_json line{{"beta", beta}, {"auc", result.auc}, {"ar_at", nlohmann::ordered_json::object()}};
      for (const int n : at) line["ar_at"][std::to_string(n)] = eval::interpolate(result.an, result.ar, n);
      out += line.dump() + '\n';
    } else {
      std::snprintf(text, sizeof text, "%4.1f %8.2f", beta, result.auc), out += text;
      for (const int n : at)
        std::snprintf(text, sizeof text, " %9.2f", 100 * eval::interpolate(result.an, result.ar, n)), out += text;
      out += '\n';
    }
  }
  tool.out().write(out);
}

}  // namespace

void register_refine_options(const Options& table, RpnFusionOptions& o) {
  table.flag("--kl-ev", o.kl_ev, "rpn: choose the unit candidate with the KL factor of Eq. (8)");
}

void register_score_options(const Options& table, RpnFusionOptions& o) {
  register_refine_options(table, o);
  const Options records = table.without("--beta-sweep"), sweep = table.with("--beta-sweep");
  records
      .add("--fusion", o.fusion,
           "rpn: the score is the weighted average of segment and unit score (Eq. 9), or their product")
      .one_of({"average", "product"});
  records.add("--beta", o.beta, "rpn: weight of the segment score, 1 - BETA of the unit score (Eq. 9)")
      .between(0.0, 1.0)
      .with("--fusion", {"average"});
  records.flag("--keep-maps", o.keep_maps,
               "rpn: leave the unit scores (maps.rpn, most of a record's bytes) in the records, for another scoring");
  table.flag("--beta-sweep", o.sweep,
             "rpn: print AR@AN and AUC for beta 0, 0.1, ..., 1 instead of records (needs annotations)");
  std::vector<Choice> presets;
  for (const auto& preset : suppression_presets())
    if (preset.rule.method == "rpn") presets.push_back(preset.name.c_str());
  sweep.add("--sweep-preset", o.preset, "Sweep: preset of tal-nms that suppresses").one_of(presets);
  sweep.add("--sweep-low", o.low, "Sweep: lower threshold of soft-NMS (default: the preset's)").between(0.0, 1.0);
  sweep.add("--sweep-tiou", o.tiou, "Sweep: tIoU thresholds").number_list();
  sweep.add("--sweep-an", o.most, "Sweep: largest average number of proposals").between(1.0, 1e6);
  sweep.add("--sweep-format", o.format, "Sweep: text or json (one object a line)").one_of({"text", "json"});
}

void run_rpn_refine(Tool& tool, const RpnFusionOptions& options) {
  map_records(tool, [&](Record& record) { refine_by_units(record, options); });
}

void run_rpn_score(Tool& tool, const RpnFusionOptions& options) {
  if (!options.sweep) {
    map_records(tool, [&](Record& record) { score_by_units(record, options); });
    return;
  }
  for (const double tiou : parse_number_list(options.tiou))
    if (!(tiou >= 0 && tiou <= 1)) throw UsageError("--sweep-tiou: " + format_number(tiou) + " is not between 0 and 1");
  if (options.most != std::floor(options.most))
    throw UsageError("--sweep-an: " + format_number(options.most) + " is no whole number");
  if (const double high = preset_of(options.preset).high; options.low && *options.low > high)
    throw UsageError("--sweep-low " + format_number(*options.low) + " is above the preset's --high " +
                     format_number(high));
  std::vector<SweepVideo> videos;
  for_each_record(tool, tool.options().input,
                  [&](Record& record, const LineReader&) { videos.push_back(sweep_video(record, options)); });
  print_sweep(tool, videos, options);
}

}  // namespace tal
