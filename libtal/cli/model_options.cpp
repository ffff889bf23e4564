#include "libtal/cli/model_options.h"

#include "libtal/cli/tool.h"

namespace tal {

void register_model_options(CLI::App& app, ModelOptions& o) {
  const std::string group = "Model";
  app.add_option("-m,--model", o.models, "Model file (repeat for an ensemble)")->group(group)->type_name("FILE");
  app.add_option("--device", o.device, "Where the model runs: cpu, cuda, cuda:N")->group(group)->type_name("DEVICE");
  app.add_option("--threads", o.threads, "Threads of the model's arithmetic (0: all cores)")->group(group)->type_name("N")->check(CLI::Range(0, 1024));
  app.add_option("--set", o.settings, "Change an inference setting of the model (repeatable; -v lists them)")->group(group)->type_name("NAME=VALUE");
}

void refuse_model_options(const Tool& tool, const ModelOptions& options) {
  if (options.models.empty()) tool.refuse({"--device", "--threads", "--set"}, "a run without --model");
}

}  // namespace tal
