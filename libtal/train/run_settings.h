// The settings of one training: the model's, "inference." and "train." in one list, filled in layers - the model's
// defaults, another model's (--init-from), presets, --set - each remembered as a value's origin.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <vector>

#include "libtal/base/settings.h"
#include "libtal/models/core/model.h"
#include "libtal/train/options.h"

namespace tal {

class RunSettings {
 public:
  // Both must outlive this.
  RunSettings(Model& model, TrainOptions& train);

  // {"name": value}; origin is what --print-config shows.
  void apply_json(const std::string& json, const std::string& origin);
  // Presets in order, later ones over earlier ones. UsageError for an unknown name, and for a setting of one that has
  // no effect upon those before it.
  void apply_presets(const std::vector<std::string>& names);
  // What the user typed. UsageError for what does not fit; refuse_idle() tells what has no effect in the end.
  void set(const std::string& name, const std::string& value, const std::string& origin);
  void set_pair(const std::string& pair);  // --set
  // The model's training options once more, now that its settings are known (a loss may have its own learning rate),
  // where nothing else said a value.
  void settle_defaults();
  // Values of presets that later ones, or what the user typed, have left without effect go back to what they were.
  void drop_idle_presets();
  // What became of the values of presets, and of an earlier --set, that are not those of the run, a line each.
  const std::vector<std::string>& replaced() const { return replaced_; }
  // UsageError when a setting that the user typed has no effect as the others are, or because the run does not
  // validate: the models' "val-" settings, and the training's.
  void refuse_idle(bool validates) const;

  // Every setting with its value (JSON) and where it comes from, in order: what --print-config shows.
  void each(const std::function<void(const std::string& name, const std::string& value, const std::string& origin)>& fn)
      const;
  std::string help() const;  // --list-settings: presets, then every setting with value, meaning, range and when it has
                             // an effect

 private:
  struct Before {
    std::string value, origin;  // value: JSON
  };
  void apply_preset(const std::string& name);
  std::string origin_of(const std::string& name) const;  // "default" when nothing has said a value

  Model& model_;
  Settings all_;
  std::map<std::string, std::string> origin_;
  std::map<std::string, Before> before_presets_;
  std::vector<std::string> typed_, replaced_;
};

}  // namespace tal
