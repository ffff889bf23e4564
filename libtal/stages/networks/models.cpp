#include "libtal/stages/networks/models.h"

#include <algorithm>
#include <any>
#include <filesystem>
#include <functional>
#include <map>
#include <optional>
#include <span>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/cli/tool.h"
#include "libtal/fusion/ensemble_weights.h"
#include "libtal/models/core/guard.h"
#include "libtal/models/core/model_file.h"
#include "libtal/models/core/must_propose.h"
#include "libtal/models/maps/map_ensemble.h"
#include "libtal/nn/device.h"
#include "libtal/stages/ensemble_options.h"

namespace tal {
namespace {

const char* verb(Stage stage) {
  return stage == Stage::kPropose ? "propose" : stage == Stage::kRefine ? "refine" : "score";
}

bool stands_for(const Model& model, Stage stage) {
  return stage == Stage::kPropose ? model.proposes() : stage == Stage::kRefine ? model.refines() : model.scores();
}

std::shared_ptr<Model> open_model(Tool& tool, const std::string& path, const ModelOptions& options, Stage stage) {
  std::shared_ptr<Model> model = load_model(path);
  if (!stands_for(*model, stage)) {
    std::string can;
    for (const Stage other : {Stage::kPropose, Stage::kRefine, Stage::kScore})
      if (stands_for(*model, other)) can += (can.empty() ? "tal-" : ", tal-") + std::string(verb(other));
    throw Error("'" + path + "': model '" + model->name() + "' does not " + verb(stage) + "; it is for " + can);
  }
  model->set_policy(feature_policy(tool, options.accept_features));
  model->device = open_device(options.device);
  model->network().to(model->device);
  model->network().eval();
  return model;
}

// One model's inference settings, and all of its settings, on which their effect depends.
struct Member {
  Settings inference, all;
};

Member member_of(Model& model) {
  Member member{model.inference(), model.settings()};
  member.all.nest("inference", model.inference());
  return member;
}

// Why a setting changes nothing in this stage of this member; nullopt when it does.
std::optional<std::string> idle(const Member& member, const std::string& name, Stage stage) {
  for (const auto& entry : member.inference.entries())
    if (entry.name == name && !entry.stages.empty() &&
        std::find(entry.stages.begin(), entry.stages.end(), verb(stage)) == entry.stages.end())
      return "has no effect in tal-" + std::string(verb(stage)) + " (it is for " + entry.condition_text() + ")";
  return member.all.without_effect("inference." + name);
}

// What --set names must be a setting of one member at least, with an effect there; members that lack it stay as they
// are.
void apply_settings(Tool& tool, std::vector<Member>& members, const std::vector<std::string>& pairs, Stage stage) {
  std::map<std::string, std::string> typed;
  for (const auto& pair : pairs) {
    const std::string name = pair.substr(0, pair.find('='));
    if (const auto [before, fresh] = typed.emplace(name, pair); !fresh && before->second != pair)
      tool.note("--set " + pair + ": not the " + before->second + " of an earlier --set");
    bool known = false;
    for (auto& member : members)
      if (member.inference.has(name)) member.inference.set_pair(pair), known = true;
    if (!known) members.front().inference.set_pair(pair);  // names the nearest
  }
  // Only now, since their order is free.
  for (const auto& pair : pairs) {
    const std::string name = pair.substr(0, pair.find('='));
    std::optional<std::string> why;
    bool works = false;
    for (const auto& member : members)
      if (member.inference.has(name)) {
        why = idle(member, name, stage);
        works = works || !why;
      }
    if (!works && why) throw UsageError("setting '" + name + "' " + *why);
  }
  for (const auto& member : members)
    for (const auto& entry : member.inference.entries())
      tool.detail("setting " + entry.name + " = " + member.inference.value_text(entry.name) + ": " + entry.help +
                  (entry.range_text().empty() ? "" : " [" + entry.range_text() + "]"));
}

// The options that are settings of the models by other names.
void apply_map_options(const MapOptions& o, const std::vector<std::string>& pairs, Model& model, Settings settings) {
  const auto typed = [&](const std::string& name) {
    return std::find_if(pairs.begin(), pairs.end(), [&](const auto& pair) { return pair.starts_with(name + "="); });
  };
  const auto set = [&](const char* option, const char* name, const std::string& value) {
    if (!settings.has(name))
      throw UsageError(std::string(option) + ": model '" + model.name() + "' has no such setting");
    if (const auto pair = typed(name); pair != pairs.end())
      throw UsageError(std::string(option) + " and --set " + *pair + " say the same setting");
    settings.set(name, value);
  };
  if (!o.maps.empty()) set("--maps", "maps", o.maps);
  if (o.window > 0) set("--window", "window", std::to_string(o.window));
  if (o.overlap >= 0) set("--overlap", "overlap", format_number(o.overlap));
  if (!o.multi_scale.empty() && parse_number_list(o.multi_scale).size() != 3)
    throw UsageError("--multi-scale: '" + o.multi_scale +
                     "' are not three numbers of rows: up to 30 s, up to 120 s, longer");
  if (!o.multi_scale.empty())
    set("--multi-scale", "scale-rows", o.multi_scale), set("--multi-scale", "scales", "duration");
}

std::string quoted(const std::string& text) {
  std::string json;
  append_json_string(json, text);
  return json;
}

// Of --batch. UsageError for a text that is neither.
std::size_t batch_of(const std::string& text, const c10::Device& device) {
  if (text == "auto") return device.is_cpu() ? 1 : 16;
  std::int64_t batch = 0;
  try {
    batch = parse_integer(text);
  } catch (const Error&) {
  }
  if (batch < 1 || batch > 4096) throw UsageError("--batch: '" + text + "' is neither auto nor a number of 1 to 4096");
  return static_cast<std::size_t>(batch);
}

// Proposals of a model that takes several videos at once: on a GPU the next ones are read and the last ones written
// meanwhile.
void propose_in_batches(Tool& tool, const ModelOptions& options, Model& model, std::size_t batch) {
  const auto precision = set_precision(options.precision, model.device);
  const InputContract inputs = model.test_inputs();
  constexpr int kThreads = 3;
  map_record_groups(tool, {batch, model.device.is_cpu() ? 1 : kThreads,
                           [&](Record& record) -> std::any {
                             return guarded(model, [&] { return load_sequence(record, inputs, options.frame_cache); });
                           },
                           [&](std::span<std::any> loaded) {
                             torch::NoGradGuard no_grad;
                             const Autocast autocast(model.device, precision.type);
                             std::vector<Sequence> sequences;
                             for (auto& one : loaded) sequences.push_back(std::any_cast<Sequence>(std::move(one)));
                             auto rest = guarded(model, [&] { return model.propose_together(sequences); });
                             for (auto& of_one : rest)
                               of_one = [&model, of_one = std::move(of_one)](Record& record) {
                                 guarded(model, [&] { of_one(record); });
                               };
                             return rest;
                           }});
}

void run_one(Tool& tool, const ModelOptions& options, Model& model, Stage stage, std::size_t batch = 1) {
  const std::string& path = options.models.front();
  tool.history_field("model", quoted(path));
  if (!model.inputs().frames) tool.refuse({"--frame-cache"}, "a model that sees features");
  else tool.refuse({"--accept-features", "--features-root"}, "a model that sees frames");
  if (batch > 1) return propose_in_batches(tool, options, model, batch);
  const auto precision = set_precision(options.precision, model.device);
  const InputContract inputs = model.test_inputs();
  map_records(tool, [&](Record& record) {
    torch::NoGradGuard no_grad;
    const Autocast autocast(model.device, precision.type);
    guarded(model, [&] {
      const Sequence sequence = load_sequence(record, inputs, options.frame_cache);
      if (stage == Stage::kPropose) model.propose(record, sequence);
      else if (stage == Stage::kRefine) model.refine(record, sequence);
      else model.score(record, sequence);
    });
  });
}

void run_ensemble(Tool& tool, const ModelOptions& options, const MapOptions& maps, const EnsembleWeightOptions& choice,
                  const std::vector<MapSource>& sources, const MapOutputOptions& output) {
  std::vector<std::string> names;
  std::string listed;
  for (const auto& source : sources) {
    names.push_back(source.name);
    listed += listed.empty() ? "[" : ",";
    listed += quoted(source.name);
  }
  tool.history_field("model", listed + "]");
  MapEnsemble ensemble(sources, maps.weights.empty() ? std::vector<double>() : read_weights(maps.weights, names),
                       output);
  const c10::Device device = sources.front().model ? sources.front().model->device : c10::Device(c10::kCPU);
  const auto precision = set_precision(options.precision, device);
  if (!choice.from.empty()) {
    torch::NoGradGuard no_grad;
    const Autocast autocast(device, precision.type);
    const EnsembleWeights chosen = ensemble.choose(tool, choice);
    report_weights(tool, chosen, choice);
    ensemble.set_weights(chosen.weights);
  }
  map_records(tool, [&](Record& record) {
    torch::NoGradGuard no_grad;
    const Autocast autocast(device, precision.type);
    ensemble.propose(record);
  });
}

}  // namespace

std::shared_ptr<const FeaturePolicy> feature_policy(Tool& tool, bool accept) {
  return std::make_shared<const FeaturePolicy>(
      accept, [&tool](const std::string& text) { tool.warn(text); },
      [&tool](const std::string& text) { tool.note(text); });
}

void run_model_stage(Tool& tool, const ModelOptions& options, Stage stage) {
  if (options.models.size() > 1)
    throw UsageError("one --model; ensembles are for tal-propose and the maps of bsnpp and bmn");
  start_computing(options.threads);
  const auto model = open_model(tool, options.models.front(), options, stage);
  std::vector<Member> members{member_of(*model)};
  apply_settings(tool, members, options.settings, stage);
  run_one(tool, options, *model, stage);
}

void run_propose(Tool& tool, const ProposeOptions& command) {
  const ModelOptions& options = command.model;
  const MapOptions& maps = command.maps;
  check_options(command.choice, "--weights", options.models.size() + maps.map_folders.size());
  start_computing(options.threads);
  std::vector<MapSource> sources;
  std::vector<Member> members;
  for (const auto& path : options.models) {
    sources.push_back({path, open_model(tool, path, options, Stage::kPropose)});
    members.push_back(member_of(*sources.back().model));
  }
  for (const auto& folder : maps.map_folders) {
    if (!std::filesystem::is_directory(folder)) throw Error("'" + folder + "' is no folder");
    sources.push_back({folder, nullptr});
  }
  MapOutputOptions output;
  if (members.empty()) {
    Member maps_alone{settings_of(output), {}};
    maps_alone.all.nest("inference", maps_alone.inference);
    members.push_back(std::move(maps_alone));
  }
  for (const auto& source : sources)  // first: what --set does may hang on them
    if (source.model) apply_map_options(maps, options.settings, *source.model, source.model->inference());
  apply_settings(tool, members, options.settings, Stage::kPropose);
  for (const auto& source : sources)
    if (const auto* model = dynamic_cast<const MapModel*>(source.model.get());
        model && maps.overlap >= 0 && model->map_extent() == "whole videos")
      throw UsageError("--overlap: model '" + model->name() + "' sees whole videos; --window cuts them");
  if (sources.size() == 1 && sources.front().model) {
    Model& model = *sources.front().model;
    tool.refuse({"--weights"}, "a single model");
    const auto* must = dynamic_cast<const MustPropose*>(&model);
    if (!must) tool.refuse({"--allow-empty"}, "model '" + model.name() + "', which may propose nothing");
    if (!model.proposes_together())
      tool.refuse({"--batch"}, "model '" + model.name() + "', which sees one video at a time");
    run_one(tool, options, model, Stage::kPropose, model.proposes_together() ? batch_of(maps.batch, model.device) : 1);
    if (must && !command.allow_empty && !tool.stopped()) must->require_proposals();
    return;
  }
  tool.refuse({"--frame-cache"}, "maps, which come from features");
  tool.refuse({"--allow-empty", "--batch"}, "an ensemble of maps");
  if (options.models.empty() && !maps.maps.empty()) output.maps = maps.maps;
  const auto* first = dynamic_cast<const MapModel*>(sources.front().model.get());
  run_ensemble(tool, options, maps, command.choice, sources, first ? first->output() : output);
}

}  // namespace tal
