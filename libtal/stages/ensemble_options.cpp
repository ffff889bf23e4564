#include "libtal/stages/ensemble_options.h"

namespace tal {

void register_options(Options& table, EnsembleWeightOptions& o, const std::string& group, const std::string& members) {
  table.add("--weights-from", o.from, "Choose the weights of the " + members + " on these records with annotations: each one's share of their scores, or by --grid")
      .group(group).type_name("VAL");
  table.add("--grid", o.grid, "Try all weights that are multiples of 1/N and take those of the best score on VAL").group(group).type_name("N").between(1, 1000);
  table.add("--weights-out", o.out, "Keep the chosen weights in this file").group(group).type_name("FILE.json");
}

std::vector<std::string> ensemble_weight_names() { return {"--weights-from", "--grid", "--weights-out"}; }

void check_options(const Tool& tool, const EnsembleWeightOptions& o, const std::string& weights, std::size_t members) {
  if (o.from.empty()) return tool.refuse({"--grid", "--weights-out"}, "weights that are not chosen (--weights-from)");
  tool.refuse({weights}, "--weights-from");
  if (members < 2) throw UsageError("--weights-from: there is nothing to weigh with a single member");
  if (!o.out.empty() && !o.out.ends_with(".json")) throw UsageError("--weights-out: '" + o.out + "' does not end with .json, as " + weights + " reads it");
}

}  // namespace tal
