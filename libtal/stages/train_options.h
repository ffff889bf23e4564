// tal-train: what the command line asks for (libtal/stages/plugins.h trains).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/cli/tool.h"

namespace tal {

struct TrainCommand {
  std::string model;
  std::vector<std::string> presets;   // later ones over earlier ones
  std::vector<std::string> settings;  // name=value
  std::string val, subset, val_subset, classes;
  std::vector<std::string> streams;
  std::string frame_cache;                            // folder; models that see frames
  std::int64_t epochs = 0, batch = 0;                 // shortcuts of train.epochs, train.batch
  std::string device = "cpu", precision = "float32";  // precision: shortcut of train.precision
  int threads = 0;
  std::string out, last, checkpoint_dir;
  std::string init_from;  // weights to start from
  bool init_partial = false, accept_features = false;
  double checkpoint_minutes = 10;
  bool resume = false, list_settings = false;
  std::string log, tensorboard;
  std::int64_t log_every = 1;
};
ToolInfo train_info();  // of tal-train
void register_options(const Options& table, TrainCommand& options);
// Opens libtal-nn.so (plugins.h) and trains. UsageError without a model.
void train(Tool& tool, const TrainCommand& options);

}  // namespace tal
