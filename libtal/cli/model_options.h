// The options with which tal-propose, tal-refine and tal-score run a model. Without LibTorch they exist and say what is missing.
#pragma once

#include <string>
#include <vector>

namespace CLI {
class App;
}

namespace tal {
class Tool;

struct ModelOptions {
  std::vector<std::string> models;    // files; several: an ensemble
  std::string device = "cpu";
  int threads = 0;                    // of LibTorch; 0: all cores
  std::vector<std::string> settings;  // name=value, of the model's inference settings
};
void register_model_options(CLI::App& app, ModelOptions& options);

// Refuses the options above when no model is given.
void refuse_model_options(const Tool& tool, const ModelOptions& options);

}  // namespace tal
