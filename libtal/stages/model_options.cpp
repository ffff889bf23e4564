#include "libtal/stages/model_options.h"

#include "libtal/base/precision.h"

namespace tal {

std::vector<Choice> precision_choices() {
  std::vector<Choice> choices;
  for (const auto& row : kPrecisions) choices.emplace_back(row.name, row.help);
  return choices;
}

void register_model_options(const Options& table, ModelOptions& o, const std::vector<Condition>& runs) {
  const Options group = table.group("Model"), model = group.with("--model"), run = group.with_any(runs);
  group.add("-m,--model", o.models, "Model file (repeat for an ensemble)").type_name("FILE").repeatable().reads();
  model.add("--device", o.device, "Where the model runs: cpu, cuda, cuda:N")
      .type_name("DEVICE")
      .completes({"cpu", "cuda"});
  model.add("--precision", o.precision, "The model's products and convolutions").one_of(precision_choices());
  run.add("--threads", o.threads,
          "Threads of the model's arithmetic (0: all cores), which works on one record at a time")
      .type_name("N")
      .between(0, 1024);
  run.add("--set", o.settings, "Change an inference setting of the model (repeatable; -v lists them)")
      .type_name("NAME=VALUE");
  model.flag("--accept-features", o.accept_features,
             "Take features of other settings (encoder, weights, flow, preprocessing) or times than the model was "
             "trained on, and warn");
  model
      .add("--frame-cache", o.frame_cache,
           "Folder that keeps decoded frames and flow for the next run, for models that see frames (default: temporary "
           "files)")
      .type_name("DIR");
  for (const auto& source : runs) table.row("--jobs").without(source.option);  // --threads instead
}

void register_map_options(const Options& table, MapOptions& o) {
  const Options group = table.group("Maps and windows"), model = group.with("--model"),
                member = group.with_any({{"--model"}, {"--map-folder"}});
  member
      .add("--weights", o.weights,
           "Weights of the ensemble's members, in their order, or the file of --weights-out (default: equal ones)")
      .type_name("W,W,...|FILE.json")
      .reads();
  group
      .add("--map-folder", o.map_folders,
           "Maps that --maps DIR left, as a member of the ensemble (repeatable; behind the models)")
      .type_name("DIR");
  model
      .add("--multi-scale", o.multi_scale,
           "Rescale videos up to 30 s, up to 120 s and longer ones to these numbers of rows, such as 30,80,100")
      .type_name("R,R,R")
      .number_list();
  member.add("--maps", o.maps, "Where the score maps go too: none, inline (the record) or a folder")
      .type_name("none|inline|DIR")
      .completes({"none", "inline"});
  model.add("--window", o.window, "Cut videos into windows of so many rows of the stream")
      .type_name("ROWS")
      .between(1, 1 << 24);
  model
      .add(
          "--batch", o.batch,
          "Videos in one pass of the network: a number, or auto: 16 on a GPU, and 1 on the CPU, where a record's bytes "
          "then do not depend on its neighbours")
      .type_name("N|auto");
  model.add("--overlap", o.overlap, "Overlap of windows, share of their length").type_name("X").between(0.0, 0.999);
}

}  // namespace tal
