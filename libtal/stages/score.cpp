#include "libtal/stages/score.h"

#include "libtal/stages/plugins.h"

namespace tal {

void register_options(const Options& table, ScoreOptions& o) {
  const Options fusion = table.without("--model"), rpn = fusion.with("--fuse", {"rpn"}),
                classes = fusion.group("Factors and classes").with("--fuse", {"classes"});
  table.settle([&o, classes](Tool& tool) {
    if (!tool.given("--fuse") && classes.any_given()) o.fuse = "classes";
  });
  fusion.add("--fuse", o.fuse, "How to score without a model: rpn, or classes (implied by the options of the latter)")
      .one_of({"rpn", "classes"});
  register_score_options(rpn, o.rpn);
  register_options(classes, o.classes);
  register_model_options(table, o.model);
  table.with_any({{"--model"}, {"--classification"}}).features_root();
}

void score(Tool& tool, const ScoreOptions& o) {
  if (!o.model.models.empty()) return network_stages().run(tool, o.model, Stage::kScore);
  if (o.fuse == "rpn") run_rpn_score(tool, o.rpn);
  else run_class_fusion(tool, o.classes);
}

}  // namespace tal
