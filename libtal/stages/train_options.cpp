#include "libtal/stages/train_options.h"

namespace tal {

void register_options(Options& table, TrainCommand& o) {
  const std::string model = "Model", data = "Data", run = "Run", report = "Report";
  table.add("--model", o.model, "What to train").group(model).type_name("NAME");
  table.add("--preset", o.presets, "Named settings of the model, rows of its paper's tables (repeatable: they add up, later ones over earlier ones)").group(model).type_name("NAME");
  table.add("--set", o.settings, "Change a setting, e.g. train.lr=1e-4 (repeatable)").group(model).type_name("NAME=VALUE");
  table.flag("--list-settings", o.list_settings, "Print presets and settings of --model, or of all models, with values, meanings and ranges, and end").group(model);
  table.add("--init-from", o.init_from, "Start from another model's weights, by name; its settings are the run's unless presets or --set say otherwise").group(model).type_name("FILE");
  table.flag("--init-partial", o.init_partial, "--init-from takes the tensors that match by name and shape, and lists the others (default: all must match)").group(model);
  table.add("--streams", o.streams, "Feature streams, side by side (default: all of the first record)").group(data).type_name("NAME").comma_separated();
  table.add("--frame-cache", o.frame_cache, "Folder that keeps decoded frames and flow for the next run, for models that see frames (default: temporary files)").group(data).type_name("DIR");
  table.add("--classes", o.classes, "Class names in order (default: the labels of the annotations, sorted)").group(data).type_name("FILE");
  table.add("--subset", o.subset, "Only records of this subset").group(data).type_name("NAME");
  table.add("--val", o.val, "Records to validate on; the best model is kept").group(data).type_name("FILE");
  table.add("--val-subset", o.val_subset, "Only records of this subset of --val").group(data).type_name("NAME");
  table.add("--epochs", o.epochs, "The same as --set train.epochs=N").group(run).type_name("N").between(1, 1000000000);
  table.add("--batch", o.batch, "The same as --set train.batch=N").group(run).type_name("N").between(1, 1000000000);
  table.add("--device", o.device, "Where to train: cpu, cuda, cuda:N").group(run).type_name("DEVICE");
  table.add("--threads", o.threads, "Threads of the arithmetic (0: all cores); results are equal for equal numbers").group(run).type_name("N").between(0, 1024);
  table.add("--out", o.out, "Model file to write (the best by --val, else the last)").group(run).type_name("FILE");
  table.add("--last", o.last, "Write the last model as well, when --out is the best").group(run).type_name("FILE");
  table.add("--checkpoint-dir", o.checkpoint_dir, "Folder of the checkpoint, which stays there (default: beside --out until the run is complete)").group(run).type_name("DIR");
  table.add("--checkpoint-minutes", o.checkpoint_minutes, "Besides the one after each epoch, a checkpoint every so often (0: never)").group(run).type_name("MINUTES").not_negative();
  table.flag("--resume", o.resume, "Go on from the checkpoint, to the same bytes; starts from the beginning when there is none").group(run);
  table.add("--log", o.log, "Write losses and validation as JSON lines").group(report).type_name("FILE");
  table.add("--log-every", o.log_every, "Optimiser steps between lines of --log and --tensorboard (0: epochs only)").group(report).type_name("N").between(0, 1000000000);
  table.add("--tensorboard", o.tensorboard, "Write TensorBoard event files").group(report).type_name("DIR");
}

}  // namespace tal
