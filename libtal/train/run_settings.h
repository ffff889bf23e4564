// The settings of one training: the model's, "inference." and "train." in one list, filled in layers - the model's defaults, another
// model's (--init-from), presets, --set - each remembered as a value's origin.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "libtal/base/settings.h"
#include "libtal/models/model.h"
#include "libtal/train/options.h"

namespace tal {

class Tool;

class RunSettings {
 public:
  // Both must outlive this.
  RunSettings(Model& model, TrainOptions& train);

  // {"name": value}; origin is what --print-config shows.
  void apply_json(const std::string& json, const std::string& origin);
  // UsageError for an unknown name.
  void apply_preset(const std::string& name);
  // What the user typed. UsageError for what does not fit; refuse_idle() tells what has no effect in the end.
  void set(const std::string& name, const std::string& value, const std::string& origin);
  void set_pair(const std::string& pair);  // --set
  // The model's training options once more, now that its settings are known (a loss may have its own learning rate), where nothing else said a value.
  void settle_defaults();
  // UsageError when a setting that the user typed has no effect as the others are; `idle`: names that have none in this run, and why.
  void refuse_idle(const std::map<std::string, std::string>& idle) const;

  void print(Tool& tool) const;  // --print-config
  std::string help() const;      // --list-settings: presets, then every setting with value, meaning, range and when it has an effect

 private:
  Model& model_;
  Settings all_;
  std::map<std::string, std::string> origin_;
  std::vector<std::string> typed_;
};

}  // namespace tal
