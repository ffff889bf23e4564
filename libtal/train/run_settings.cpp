#include "libtal/train/run_settings.h"

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/text.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

// Settings of validation: without --val they have no effect.
bool of_validation(const std::string& name) {
  return name.starts_with("val-") || name == "train.metric" || name == "train.patience" ||
         name == "train.validate-every";
}

std::string entry_help(const Settings& all, const Settings::Entry& entry) {
  std::string text = "  " + entry.name + " = " + all.value_text(entry.name) + "\n      " + entry.help;
  if (!entry.choices.empty()) text += ": " + joined(entry.choices);
  if (const auto range = entry.range_text(); !range.empty()) text += " [" + range + "]";
  if (const auto condition = entry.condition_text(); !condition.empty())
    text += (entry.conditions.empty() ? " (only in " : " (only with ") + condition + ")";
  if (of_validation(entry.name)) text += " (only with --val)";
  return text + "\n";
}

}  // namespace

RunSettings::RunSettings(Model& model, TrainOptions& train) : model_(model), all_(model.settings()) {
  all_.nest("inference", model.inference());
  all_.nest("train", settings_of(train));
  settle_defaults();
}

void RunSettings::settle_defaults() {
  const std::string origin = "model " + model_.name();
  const Json defaults = Json::parse(model_.training_defaults());
  for (const auto& [name, value] : defaults.items()) {
    const auto found = origin_.find("train." + name);
    if (found == origin_.end() || found->second == origin) apply_json(Json{{"train." + name, value}}.dump(), origin);
  }
}

void RunSettings::apply_json(const std::string& json, const std::string& origin) {
  const Json values = Json::parse(json);
  for (const auto& [name, value] : values.items()) {
    all_.read_json(Json{{name, value}}.dump());
    origin_[name] = origin;
  }
}

void RunSettings::apply_preset(const std::string& name) {
  std::vector<std::string> names;
  for (const auto& preset : model_.presets()) {
    names.push_back(preset.name);
    if (preset.name != name) continue;
    const std::string origin = "preset " + name;
    const Json values = Json::parse(preset.settings);
    for (const auto& [setting, value] : values.items()) {
      const std::string was = all_.value_text(setting), from = origin_of(setting);
      before_presets_.emplace(setting, Before{was, from});
      apply_json(Json{{setting, value}}.dump(), origin);
      if (from.starts_with("preset ") && from != origin && all_.value_text(setting) != was)
        replaced_.push_back(origin + ": " + setting + " is " + all_.value_text(setting) + ", not the " + was + " of " +
                            from);
    }
    for (const auto& [setting, value] : values.items())
      if (const auto why = all_.without_effect(setting))
        throw UsageError(origin + ": setting '" + setting + "' " + *why);
    return;
  }
  const auto near = nearest(name, names);
  throw UsageError("model '" + model_.name() + "' has no preset '" + name + "'" +
                   (names.empty()  ? "; it has none"
                    : near.empty() ? "; --list-settings lists them"
                                   : "; did you mean '" + std::string(near) + "'?"));
}

void RunSettings::apply_presets(const std::vector<std::string>& names) {
  for (const auto& name : names) apply_preset(name);
}

void RunSettings::drop_idle_presets() {
  for (bool found = true; found;) {
    found = false;
    for (auto& [name, origin] : origin_) {
      if (!origin.starts_with("preset ")) continue;
      const auto why = all_.without_effect(name);
      if (!why) continue;
      const Before& before = before_presets_.at(name);
      if (all_.value_text(name) != before.value)
        replaced_.push_back(origin + ": " + name + " " + *why + "; it is " + before.value);
      all_.read_json(Json{{name, Json::parse(before.value)}}.dump());
      origin = before.origin, found = true;
    }
  }
}

void RunSettings::set(const std::string& name, const std::string& value, const std::string& origin) {
  const std::string was = all_.value_text(name);
  all_.set(name, value);
  if (origin_of(name) == "--set" && all_.value_text(name) != was)
    throw UsageError("setting '" + name + "': --set says " + was + ", " + origin + " says " + value);
  origin_[name] = origin;
  typed_.push_back(name);
}

void RunSettings::set_pair(const std::string& pair) {
  const std::string name = pair.substr(0, pair.find('='));
  const std::string was = origin_of(name) == "--set" ? all_.value_text(name) : "";
  all_.set_pair(pair);
  if (!was.empty() && all_.value_text(name) != was)
    replaced_.push_back("--set " + pair + ": not the " + was + " of an earlier --set");
  typed_.push_back(name);
  origin_[name] = "--set";
}

std::string RunSettings::origin_of(const std::string& name) const {
  const auto found = origin_.find(name);
  return found == origin_.end() ? "default" : found->second;
}

void RunSettings::refuse_idle(bool validates) const {
  for (const auto& name : typed_) {
    if (const auto why = all_.without_effect(name)) throw UsageError("setting '" + name + "' " + *why);
    if (!validates && of_validation(name))
      throw UsageError("setting '" + name + "' has no effect in a run without --val");
  }
}

void RunSettings::each(
    const std::function<void(const std::string&, const std::string&, const std::string&)>& fn) const {
  for (const auto& entry : all_.entries()) fn(entry.name, all_.value_text(entry.name), origin_of(entry.name));
}

std::string RunSettings::help() const {
  std::string text;
  const auto presets = model_.presets();
  std::size_t width = 0;
  for (const auto& preset : presets) width = std::max(width, preset.name.size());
  if (!presets.empty()) text += "Presets (--preset NAME; several add up, later ones over earlier ones):\n";
  for (const auto& preset : presets)
    text += "  " + preset.name + std::string(width + 2 - preset.name.size(), ' ') + preset.help + "\n";
  text += std::string(presets.empty() ? "" : "\n") + "Settings (--set NAME=VALUE):\n";
  for (const auto& entry : all_.entries()) text += entry_help(all_, entry);
  return text;
}

}  // namespace tal
