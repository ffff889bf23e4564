#include "libtal/stages/refine.h"

namespace tal {

void register_options(const Options& table, RefineOptions& o) {
  const Options fusion = table.without("--model");
  fusion.add("--method", o.method, "How to refine without a model").one_of({"rpn"});
  register_refine_options(fusion, o.rpn);
  register_model_options(table, o.model);
}

}  // namespace tal
