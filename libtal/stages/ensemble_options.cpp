#include "libtal/stages/ensemble_options.h"

namespace tal {

void register_options(const Options& table, EnsembleWeightOptions& o, const std::string& weights,
                      const std::string& members) {
  const Options chosen = table.with("--weights-from");
  table
      .add("--weights-from", o.from,
           "Choose the weights of the " + members +
               " on these records with annotations: each one's share of their scores, or by --grid")
      .type_name("VAL")
      .reads();
  chosen.add("--grid", o.grid, "Try all weights that are multiples of 1/N and take those of the best score on VAL")
      .type_name("N")
      .between(1, 1000);
  chosen.add("--weights-out", o.out, "Keep the chosen weights in this file").type_name("FILE.json").writes();
  table.row(weights).without("--weights-from");
}

void check_options(const EnsembleWeightOptions& o, const std::string& weights, std::size_t members) {
  if (o.from.empty()) return;
  if (members < 2) throw UsageError("--weights-from: there is nothing to weigh with a single member");
  if (!o.out.empty() && !o.out.ends_with(".json"))
    throw UsageError("--weights-out: '" + o.out + "' does not end with .json, as " + weights + " reads it");
}

}  // namespace tal
