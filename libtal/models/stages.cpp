#include "libtal/models/stages.h"

#include <algorithm>
#include <thread>

#include "libtal/base/error.h"
#include "libtal/cli/tool.h"
#include "libtal/models/model_file.h"
#include "libtal/nn/device.h"

namespace tal {
namespace {

const char* verb(Stage stage) { return stage == Stage::kPropose ? "propose" : stage == Stage::kRefine ? "refine" : "score"; }

bool stands_for(const Model& model, Stage stage) {
  return stage == Stage::kPropose ? model.proposes() : stage == Stage::kRefine ? model.refines() : model.scores();
}

std::unique_ptr<Model> open_model(Tool& tool, const std::string& path, const ModelOptions& options, Stage stage) {
  auto model = load_model(path);
  if (!stands_for(*model, stage)) {
    std::string can;
    for (const Stage other : {Stage::kPropose, Stage::kRefine, Stage::kScore})
      if (stands_for(*model, other)) can += (can.empty() ? "tal-" : ", tal-") + std::string(verb(other));
    throw Error("'" + path + "': model '" + model->name() + "' does not " + verb(stage) + "; it is for " + can);
  }
  Settings settings = model->inference();
  for (const auto& pair : options.settings) settings.set_pair(pair);
  for (const auto& entry : settings.entries()) tool.detail("setting " + entry.name + " = " + settings.value_text(entry.name) + ": " + entry.help);
  model->device = open_device(options.device);
  model->network().to(model->device);
  model->network().eval();
  return model;
}

}  // namespace

void run_model_stage(Tool& tool, const ModelOptions& options, Stage stage) {
  tool.refuse({"--jobs"}, "--model (a model works on one record at a time with --threads)");
  if (options.models.size() > 1) throw UsageError("one --model; an ensemble needs maps (models of bsnpp and bmn)");
  torch::set_num_threads(options.threads > 0 ? options.threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
  auto model = open_model(tool, options.models.front(), options, stage);
  std::string quoted;
  append_json_string(quoted, options.models.front());
  tool.history_field("model", quoted);
  map_records(tool, [&](Record& record) {
    torch::NoGradGuard no_grad;
    try {
      const Sequence sequence = load_sequence(record, model->inputs());
      if (stage == Stage::kPropose) model->propose(record, sequence);
      else if (stage == Stage::kRefine) model->refine(record, sequence);
      else model->score(record, sequence);
    } catch (const c10::Error& error) {
      const std::string text = error.what_without_backtrace();
      throw Error("model '" + model->name() + "': " + text.substr(0, text.find('\n')));
    }
  });
}

}  // namespace tal
