#include "libtal/stages/refine.h"

#include "libtal/stages/plugins.h"

namespace tal {

void register_options(const Options& table, RefineOptions& o) {
  const Options fusion = table.without("--model");
  fusion.add("--method", o.method, "How to refine without a model").one_of({"rpn"});
  register_refine_options(fusion, o.rpn);
  register_model_options(table, o.model);
  table.with("--model").features_root();
}

void refine(Tool& tool, const RefineOptions& o) {
  if (!o.model.models.empty()) return network_stages().run(tool, o.model, Stage::kRefine);
  run_rpn_refine(tool, o.rpn);
}

}  // namespace tal
