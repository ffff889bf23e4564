#include "libtal/stages/train_options.h"

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/models/catalogue/catalogue.h"
#include "libtal/stages/model_options.h"
#include "libtal/stages/plugins.h"

namespace tal {

void register_options(const Options& table, TrainCommand& o) {
  const Options model = table.group("Model"), training = table.without("--list-settings"),
                data = training.group("Data"), run = training.group("Run"), report = training.group("Report"),
                of_run = table.group("Run");
  const std::vector<Condition> of_a_model = {{"--list-settings", {}, false}, {"--model"}};  // --list-settings may be of
                                                                                            // all models
  std::vector<std::string> names;
  for (const auto& entry : model_catalogue()) names.push_back(entry.name);
  model.add("--model", o.model, "What to train").type_name("NAME").completes(names);
  model
      .add("--preset", o.presets,
           "Named settings of the model, rows of its paper's tables (repeatable: they add up, later ones over earlier "
           "ones)")
      .type_name("NAME")
      .completes_by("tal-train --list-settings", R"(sed -n "/^Presets/,/^Settings/s/^  \([^ ]\+\) .*/\1/p")", "--model")
      .with_any(of_a_model);
  model.add("--set", o.settings, "Change a setting, e.g. train.lr=1e-4 (repeatable)")
      .type_name("NAME=VALUE")
      .with_any(of_a_model);
  model.flag("--list-settings", o.list_settings,
             "Print presets and settings of --model, or of all models, with values, meanings and ranges, and end");
  model
      .add("--init-from", o.init_from,
           "Start from another model's weights, by name; its settings are the run's unless presets or --set say "
           "otherwise")
      .type_name("FILE")
      .without("--list-settings");
  model
      .flag(
          "--init-partial", o.init_partial,
          "--init-from takes the tensors that match by name and shape, and lists the others (default: all must match)")
      .with("--init-from");
  data.add("--streams", o.streams, "Feature streams, side by side (default: all of the first record)")
      .type_name("NAME")
      .comma_separated();
  data.flag("--accept-features", o.accept_features,
            "Take feature streams of other settings (encoder, weights, flow, preprocessing) or times than the first "
            "record's, or than those of --init-from and --resume, and warn");
  data.features_root();
  data.add("--frame-cache", o.frame_cache,
           "Folder that keeps decoded frames and flow for the next run, for models that see frames (default: temporary "
           "files)")
      .type_name("DIR");
  data.add("--classes", o.classes, "Class names in order (default: the labels of the annotations, sorted)")
      .type_name("FILE");
  data.add("--subset", o.subset, "Only records of this subset").type_name("NAME");
  data.add("--val", o.val, "Records to validate on; the best model is kept").type_name("FILE").reads();
  data.add("--val-subset", o.val_subset, "Only records of this subset of --val").type_name("NAME").with("--val");
  of_run.add("--epochs", o.epochs, "The same as --set train.epochs=N")
      .type_name("N")
      .between(1, 1000000000)
      .with_any(of_a_model);
  of_run.add("--batch", o.batch, "The same as --set train.batch=N")
      .type_name("N")
      .between(1, 1000000000)
      .with_any(of_a_model);
  of_run
      .add("--precision", o.precision,
           "The same as --set train.precision=NAME: the network's products and convolutions")
      .one_of(precision_choices())
      .with_any(of_a_model);
  run.add("--device", o.device, "Where to train: cpu, cuda, cuda:N").type_name("DEVICE").completes({"cpu", "cuda"});
  run.add("--threads", o.threads, "Threads of the arithmetic (0: all cores); results are equal for equal numbers")
      .type_name("N")
      .between(0, 1024);
  run.add("--out", o.out, "Model file to write (the best by --val, else the last)").type_name("FILE").writes();
  run.add("--last", o.last, "Write the last model as well, when --out is the best")
      .type_name("FILE")
      .writes()
      .with("--val");
  run.add("--checkpoint-dir", o.checkpoint_dir,
          "Folder of the checkpoint, which stays there (default: beside --out until the run is complete)")
      .type_name("DIR");
  run.add("--checkpoint-minutes", o.checkpoint_minutes,
          "Besides the one after each epoch, a checkpoint every so often (0: never)")
      .type_name("MINUTES")
      .not_negative();
  run.flag("--resume", o.resume,
           "Go on from the checkpoint, to the same bytes; starts from the beginning when there is none");
  report.add("--log", o.log, "Write losses and validation as JSON lines").type_name("FILE").writes();
  report.add("--log-every", o.log_every, "Optimiser steps between lines of --log and --tensorboard (0: epochs only)")
      .type_name("N")
      .between(0, 1000000000)
      .with_any({{"--log"}, {"--tensorboard"}});
  report.add("--tensorboard", o.tensorboard, "Write TensorBoard event files").type_name("DIR");
}

void train(Tool& tool, const TrainCommand& o) {
  std::vector<std::string> names;
  for (const auto& model : model_catalogue()) names.push_back(model.name);
  if (o.model.empty() && !o.list_settings) throw UsageError("--model is required (" + joined(names) + ")");
  network_stages().train(tool, o);
}

}  // namespace tal
