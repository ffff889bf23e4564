// The options with which tal-propose, tal-refine and tal-score run a model (libtal/stages/plugins.h).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/cli/options.h"

namespace tal {

enum class Stage { kPropose, kRefine, kScore };  // what a model is asked to do

struct ModelOptions {
  std::vector<std::string> models;  // files; several: an ensemble
  std::string device = "cpu";
  std::string precision = "float32";  // of its products and convolutions (libtal/base/precision.h)
  int threads = 0;                    // of LibTorch; 0: all cores
  std::vector<std::string> settings;  // name=value, of the model's inference settings
  bool accept_features = false;       // other features than the model was trained on are taken as they are
  std::string frame_cache;            // folder that keeps decoded frames, for models that see them; "": temporary files
};
std::vector<Choice> precision_choices();  // of --precision, each with its meaning
// runs: the options that make a run one of models; --threads and --set have an effect with any of them.
void register_model_options(const Options& table, ModelOptions& options,
                            const std::vector<Condition>& runs = {{"--model"}});

// What tal-propose asks of models that give maps of all proposals (bsnpp, bmn), beside their settings.
struct MapOptions {
  std::vector<std::string> map_folders;  // maps of earlier runs, members of the ensemble behind the models
  std::string weights;                   // of models, then folders: numbers, or the file of --weights-out; empty: equal
  std::string multi_scale;               // rows by duration; empty: as trained
  std::string maps;                      // none, inline or a folder; empty: as the model says
  std::int64_t window = 0;               // rows of the stream; 0: as the model says
  double overlap = -1;                   // share of a window; below 0: as the model says
  std::string batch = "auto";            // videos in one pass of the network; auto: by the device
};
void register_map_options(const Options& table, MapOptions& options);

}  // namespace tal
