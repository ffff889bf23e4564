#include "libtal/stages/model_options.h"

#include "libtal/cli/tool.h"

namespace tal {

void register_model_options(Options& table, ModelOptions& o) {
  const std::string group = "Model";
  table.add("-m,--model", o.models, "Model file (repeat for an ensemble)").group(group).type_name("FILE");
  table.add("--device", o.device, "Where the model runs: cpu, cuda, cuda:N").group(group).type_name("DEVICE");
  table.add("--precision", o.precision, "The model's products and convolutions: float32, bfloat16, float16 (CUDA)").group(group).one_of({"float32", "bfloat16", "float16"});
  table.add("--threads", o.threads, "Threads of the model's arithmetic (0: all cores)").group(group).type_name("N").between(0, 1024);
  table.add("--set", o.settings, "Change an inference setting of the model (repeatable; -v lists them)").group(group).type_name("NAME=VALUE");
  table.add("--frame-cache", o.frame_cache, "Folder that keeps decoded frames and flow for the next run, for models that see frames (default: temporary files)").group(group).type_name("DIR");
}

void register_map_options(Options& table, MapOptions& o) {
  const std::string group = "Maps and windows";
  table.add("--weights", o.weights, "Weights of the ensemble's members, in their order, or the file of --weights-out (default: equal ones)").group(group).type_name("W,W,...|FILE.json");
  table.add("--map-folder", o.map_folders, "Maps that --maps DIR left, as a member of the ensemble (repeatable; behind the models)").group(group).type_name("DIR");
  table.add("--multi-scale", o.multi_scale, "Rescale videos up to 30 s, up to 120 s and longer ones to these numbers of rows, such as 30,80,100").group(group).type_name("R,R,R");
  table.add("--maps", o.maps, "Where the score maps go too: none, inline (the record) or a folder").group(group).type_name("none|inline|DIR");
  table.add("--window", o.window, "Cut videos into windows of so many rows of the stream").group(group).type_name("ROWS").between(1, 1 << 24);
  table.add("--overlap", o.overlap, "Overlap of windows, share of their length").group(group).type_name("X").between(0.0, 0.999);
}

std::vector<std::string> map_option_names() { return {"--weights", "--map-folder", "--multi-scale", "--maps", "--window", "--overlap"}; }

void refuse_model_options(const Tool& tool, const ModelOptions& options) {
  if (options.models.empty()) tool.refuse({"--device", "--precision", "--threads", "--set", "--frame-cache"}, "a run without --model");
}

}  // namespace tal
