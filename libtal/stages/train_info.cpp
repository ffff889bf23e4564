// The manual of tal-train, beside its options.
#include "libtal/models/catalogue/catalogue.h"
#include "libtal/stages/plugins.h"
#include "libtal/stages/train_options.h"

namespace tal {

ToolInfo train_info() {
  ToolInfo info;
  info.name = "tal-train";
  info.summary = "Train a model";
  info.description =
      "Reads records with features (or videos) and annotations, trains a model on them, and writes it as one "
      "safetensors file that knows its settings, "
      "its classes and the features it was trained on. Features are read from their files as they are needed, never "
      "all at once. All records' streams, those of --val too, must be made like the first record's: by the same "
      "encoder "
      "with the same weights, flow and preprocessing, at the same rate (tal-extract --fps), stride and window; "
      "--accept-features takes others and warns. "
      "A model that sees the frames of videos (sptad with input=clips) takes records with path instead: each video is "
      "decoded once, and its frames, sampled and "
      "resized, stay in a file that is mapped into memory; --frame-cache keeps them for the next run.\n\n"
      "Models:";
  for (const auto& model : model_catalogue()) info.description += " " + model.name + " (" + model.help + ");";
  info.description.back() = '.';
  info.description +=
      "\n\nEvery setting of a model and of the training has a name; --list-settings prints them, --print-config shows "
      "each value and where it "
      "came from, --set changes one, --preset many; a setting that is out of range or has no effect beside the others "
      "is refused. tal-models(7) lists them all.\n\n"
      "With --val the model is validated as the pipe would run it: its stage, suppression, evaluation. The best one is "
      "written. A run that was "
      "killed goes on with --resume, to the same bytes as one that never stopped; seed, settings and data must be the "
      "same.\n\n"
      "Several processes, started by torchrun, mpirun or srun, share each batch and average their gradients; only the "
      "first writes. "
      "The summary of the run is one JSON object on stdout.";
  info.examples = {
      {"What can be set", "tal-train --model segment-classifier --list-settings"},
      {"A classifier of segments, validated",
       "tal-train --model segment-classifier --subset training --val val.jsonl --out classes.safetensors < "
       "train.jsonl"},
      {"Go on after a crash", "tal-train --model segment-classifier --out classes.safetensors --resume < train.jsonl"},
      {"End to end from videos",
       "tal-train --model sptad --preset thumos14-clips --set backbone-rgb=i3d_rgb.safetensors --set "
       "backbone-flow=i3d_flow.safetensors --out sptad.safetensors < videos.jsonl"},
      {"Fine-tuning on another data set",
       "tal-train --model bsnpp --init-from hacs.safetensors --set train.lr=1e-4 --out activitynet.safetensors < "
       "activitynet.jsonl"},
      {"Two processes",
       "torchrun --nproc-per-node 2 --no-python tal-train --model segment-classifier -i train.jsonl --out "
       "classes.safetensors"},
  };
  info.see_also = {"tal-models(7)", "tal-propose(1)", "tal-refine(1)", "tal-score(1)", "tal-eval(1)"};
  info.libraries = {network_library, video_library};
  return info;
}

}  // namespace tal
