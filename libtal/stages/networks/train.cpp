#include "libtal/stages/networks/train.h"

#include <algorithm>
#include <chrono>
#include <filesystem>
#include <optional>

#include <nlohmann/json.hpp>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/cli/tool.h"
#include "libtal/data/tables.h"
#include "libtal/models/core/factory.h"
#include "libtal/models/core/guard.h"
#include "libtal/models/core/model_file.h"
#include "libtal/nn/device.h"
#include "libtal/stages/networks/models.h"
#include "libtal/train/distributed.h"
#include "libtal/train/initial_weights.h"
#include "libtal/train/run_settings.h"
#include "libtal/train/tensorboard.h"
#include "libtal/train/trainer.h"
#include "libtal/train/validation.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

void resolve(const Tool& tool, const TrainCommand& o, const Model& model, const InitialWeights* initial,
             RunSettings& settings) {
  if (initial) settings.apply_json(initial->settings(model.name()), "--init-from " + o.init_from);
  settings.apply_presets(o.presets);
  for (const auto& pair : o.settings) settings.set_pair(pair);
  if (tool.given("--epochs")) settings.set("train.epochs", std::to_string(o.epochs), "--epochs");
  if (tool.given("--batch")) settings.set("train.batch", std::to_string(o.batch), "--batch");
  if (tool.given("--precision")) settings.set("train.precision", o.precision, "--precision");
  settings.settle_defaults();
  settings.drop_idle_presets();
  settings.refuse_idle(!o.val.empty());
}

// What one setting says against another, or lacks, is the command line's mistake, and said before anything is read.
template <class Check>
void as_usage(Check&& check) {
  try {
    check();
  } catch (const Error& error) {
    if (error.field().empty()) throw;
    throw UsageError("setting '" + error.field() + "': " + error.message());
  }
}
void refuse_contradictions(const Model& model) {
  as_usage([&] { model.check_settings(); });
}

// --list-settings: of one model as presets and --set make them, or of all as they are.
std::string settings_help(const Tool& tool, const TrainCommand& o) {
  if (!o.model.empty()) make_model(o.model);  // names the nearest
  std::string text;
  for (const auto& factory : model_factories()) {
    if (!o.model.empty() && factory.name != o.model) continue;
    const auto model = factory.make();
    TrainOptions train;
    RunSettings settings(*model, train);
    if (!o.model.empty())
      resolve(tool, o, *model, nullptr, settings), check_options(train), refuse_contradictions(*model);
    text += (text.empty() ? "" : "\n") + factory.name + " - " + factory.help + "\n\n" + settings.help();
  }
  return text;
}

std::string metrics_text(const Metrics& metrics) {
  std::string text;
  char number[32];
  for (const auto& [name, value] : metrics) {
    std::snprintf(number, sizeof number, "%.4g", value);
    text += (text.empty() ? "" : "  ") + name + " " + number;
  }
  return text;
}

// Where a run tells what happens: stderr, a JSON-lines log, TensorBoard.
class Journal {
 public:
  Journal(Tool& tool, const TrainCommand& o, bool resumed) : tool_(tool), every_(o.log_every) {
    if (!o.log.empty()) {
      log_.reset(std::fopen(o.log.c_str(), resumed ? "ab" : "wb"));
      if (!log_) throw_errno(o.log, errno);
      log_path_ = o.log;
    }
    if (!o.tensorboard.empty()) board_.emplace(o.tensorboard);
  }
  void step(const StepReport& r) {
    tool_.progress(static_cast<std::uint64_t>(r.total_steps), static_cast<std::uint64_t>(r.planned_steps), "steps");
    if (every_ == 0 || r.total_steps % every_ != 0) return;
    Json line = {
        {"step", r.total_steps}, {"phase", r.phase + 1}, {"epoch", r.epoch + 1}, {"loss", r.loss}, {"lr", r.lr}};
    if (r.gradient_norm > 0) line["gradient_norm"] = r.gradient_norm;
    for (const auto& [name, value] : r.parts) line["parts"][name] = value;
    write(line);
    if (!board_) return;
    const double now = wall();
    board_->scalar("train/loss", r.loss, r.total_steps, now);
    board_->scalar("train/lr", r.lr, r.total_steps, now);
    for (const auto& [name, value] : r.parts) board_->scalar("train/" + name, value, r.total_steps, now);
  }
  void epoch(const EpochReport& r, std::int64_t epochs) {
    std::string text = r.phase_name.empty() ? "epoch " : r.phase_name + ", epoch ";
    text += std::to_string(r.epoch + 1) + (epochs > 0 ? "/" + std::to_string(epochs) : "") + ": " +
            metrics_text(r.training);
    if (!r.validation.empty()) text += "; validation: " + metrics_text(r.validation) + (r.best ? " (best)" : "");
    tool_.note(text);
    Json line = {{"step", r.total_steps}, {"phase", r.phase + 1}, {"epoch", r.epoch + 1}};
    for (const auto& [name, value] : r.training) line["mean"][name] = value;
    for (const auto& [name, value] : r.validation) line["validation"][name] = value;
    if (!r.validation.empty()) line["best"] = r.best;
    write(line);
    if (!board_) return;
    for (const auto& [name, value] : r.validation) board_->scalar("validation/" + name, value, r.total_steps, wall());
    board_->flush();
  }

 private:
  static double wall() {
    return std::chrono::duration<double>(std::chrono::system_clock::now().time_since_epoch()).count();
  }
  void write(const Json& line) {
    if (!log_) return;
    const std::string text = line.dump() + "\n";
    if (std::fwrite(text.data(), 1, text.size(), log_.get()) != text.size() || std::fflush(log_.get()) != 0)
      throw_errno(log_path_, errno);
  }
  Tool& tool_;
  std::int64_t every_;
  std::string log_path_;
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> log_{nullptr, std::fclose};
  std::optional<TensorBoardWriter> board_;
};

std::string checkpoint_path(const TrainCommand& o) {
  if (o.checkpoint_dir.empty()) return o.out + ".checkpoint";
  std::error_code failed;
  std::filesystem::create_directories(o.checkpoint_dir, failed);
  if (failed) throw Error("'" + o.checkpoint_dir + "': " + failed.message());
  return o.checkpoint_dir + "/checkpoint.safetensors";
}

// Annotations from which no class is learned are said; where no annotation has any label, none was meant to be (models
// that need classes refuse that).
void check_labels(Tool& tool, const TrainCommand& o, const RecordSet& set) {
  const auto none = set.unlabelled(), unknown = set.unknown_labels(), all = set.instances();
  if (!o.classes.empty() && none + unknown == all)
    throw Error("no annotation has a label that is in '" + o.classes + "'");
  if (none > 0 && none < all)
    tool.warn(std::to_string(none) + " of " + std::to_string(all) +
              " annotations have no label; no class is learned from them");
  if (unknown > 0)
    tool.warn(std::to_string(unknown) + " annotations have a label that is not in " + o.classes +
              "; no class is learned from them");
}

}  // namespace

namespace {

void read_records(Tool& tool, const TrainCommand& o, const std::optional<InitialWeights>& initial, bool standardize,
                  RecordSet& set) {
  for_each_record(tool, tool.options().input, [&](Record& record, const LineReader&) { set.add(record); });
  if (tool.stopped()) return;
  set.finish();
  if (initial) initial->check_features(set.inputs());
  if (initial && !standardize) initial->normalise(set);
  check_labels(tool, o, set);
}

std::optional<Validation> read_validation(Tool& tool, const TrainCommand& o, const std::string& metric) {
  if (o.val.empty()) return std::nullopt;
  std::optional<Validation> validation(std::in_place, metric, o.val_subset, o.frame_cache);
  for_each_record(tool, o.val, [&](Record& record, const LineReader&) { validation->add(record); });
  if (validation->size() == 0) throw Error("'" + o.val + "' has no record to validate on");
  return validation;
}

// The network with its first weights on its device. Returns the number of its parameters.
std::int64_t build_network(Tool& tool, const TrainCommand& o, const std::optional<InitialWeights>& initial,
                           const RecordSet& set, Model& model) {
  seed_generators(model.device, tool.options().seed);
  guarded(model, [&] { model.build(set.inputs()); });
  if (!initial || o.init_partial) model.initialise();
  if (initial)
    initial->copy_to(
        model, o.init_partial, [&](const std::string& text) { tool.note(text); },
        [&](const std::string& text) { tool.warn(text); });
  model.network().to(model.device);
  std::int64_t parameters = 0;
  for (const auto& parameter : model.network().parameters()) parameters += parameter.numel();
  tool.note(o.model + ": " + std::to_string(parameters) + " parameters, " + std::to_string(set.size()) + " videos, " +
            std::to_string(set.instances()) + " instances, " + std::to_string(set.inputs().classes.size()) +
            " classes");
  return parameters;
}

// journal: nullptr in the processes that only compute.
TrainEvents events_of(Tool& tool, const TrainOptions& train, Journal* journal) {
  TrainEvents events;
  events.note = [&](const std::string& text) { tool.note(text); };
  events.warn = [&](const std::string& text) { tool.warn(text); };
  events.stopped = [&] { return tool.stopped(); };
  if (!journal) return events;
  events.step = [journal](const StepReport& report) { journal->step(report); };
  events.epoch = [journal, &train](const EpochReport& report) {
    journal->epoch(report, report.phase_name.empty() ? train.epochs : 0);
  };
  return events;
}

Json summary_of(const TrainCommand& o, TrainOptions train, const Model& model, const RecordSet& set,
                std::int64_t parameters, const TrainResult& result, std::uint64_t seed) {
  Json summary = {{"model", o.model},         {"seed", seed},
                  {"videos", set.size()},     {"instances", set.instances()},
                  {"parameters", parameters}, {"steps", result.total_steps}};
  if (!o.val.empty()) {
    if (const auto phases = model.phases(); phases.size() > 1)
      summary["best_phase"] = phases[static_cast<std::size_t>(result.best_phase)].name;
    summary["best_epoch"] = result.best_epoch + 1, summary["best"] = result.best;
  }
  if (!o.init_from.empty()) summary["init_from"] = o.init_from;
  summary["train"] = Json::parse(settings_of(train).json());
  return summary;
}

}  // namespace

void train_command(Tool& tool, const TrainCommand& o) {
  if (o.list_settings) {
    tool.out().write(settings_help(tool, o));
    return;
  }
  auto model = make_model(o.model);
  TrainOptions train;
  RunSettings settings(*model, train);
  std::optional<InitialWeights> initial;
  if (!o.init_from.empty()) initial.emplace(o.init_from);
  resolve(tool, o, *model, initial ? &*initial : nullptr, settings);
  check_options(train);
  refuse_contradictions(*model);
  settings.each(
      [&](const auto& name, const auto& value, const auto& origin) { tool.config_line(name, value, origin); });
  for (const auto& text : settings.replaced()) tool.note(text);
  tool.out();  // --print-config ends here, before anything is read
  if (o.out.empty()) throw UsageError("--out is required");
  for (const auto& file : {o.out, o.last})  // now, not when the run is over
    if (const auto folder = std::filesystem::path(file).parent_path(); !folder.empty() && !is_directory(folder))
      throw Error("'" + folder.string() + "' is no folder: nowhere to write '" + file + "'");
  for (const auto& stream : o.streams)
    if (std::count(o.streams.begin(), o.streams.end(), stream) > 1)
      throw UsageError("--streams: '" + stream + "' stands there twice");
  if (!initial) as_usage([&] { model->check_start(); });
  start_computing(o.threads);
  model->device = own_device(open_device(o.device), o.device);  // what cannot be had is said before anything is read
  set_precision(precision_of(train), model->device);
  const auto communicator = make_communicator(model->device);
  const auto frames = model->frames();
  if (frames) tool.refuse({"--streams", "--accept-features", "--features-root"}, "a model that sees frames");
  else tool.refuse({"--frame-cache"}, "a model that sees features");

  RecordSet set({o.streams,
                 o.classes.empty() ? std::vector<std::string>()
                                   : read_class_names(o.classes, [&](const std::string& text) { tool.note(text); }),
                 o.subset, train.standardize, frames, model->stream_fit(), o.frame_cache,
                 feature_policy(tool, o.accept_features)});
  read_records(tool, o, initial, train.standardize, set);
  if (tool.stopped()) return;
  const auto validation = read_validation(tool, o, train.metric);
  const std::int64_t parameters = build_network(tool, o, initial, set, *model);

  TrainRun run{train,
               tool.options().seed,
               checkpoint_path(o),
               o.checkpoint_minutes,
               o.resume,
               initial ? initial->identity(o.init_partial) : ""};
  Journal journal(tool, o, o.resume && std::filesystem::exists(run.checkpoint));
  const bool leader = communicator->rank() == 0;
  Validator validator;
  if (validation)
    validator = [&](Model& m, std::size_t phase) { return validation->evaluate(m, train, run.seed, phase); };
  const TrainResult result =
      tal::train(*model, set, run, validator, events_of(tool, train, leader ? &journal : nullptr), *communicator);
  if (result.stopped) {
    tool.note("stopped; --resume goes on from " + run.checkpoint);
    return;
  }
  if (!leader) return;
  if (validation && result.best == 0)
    tool.warn("no epoch found anything of '" + o.val + "' (best 0): the first one is kept");
  const Json summary = summary_of(o, train, *model, set, parameters, result, run.seed);
  save_model(o.out, *model, summary.dump());
  if (!o.last.empty()) {
    load_weights(model->network(), result.last_weights, o.last);
    save_model(o.last, *model, summary.dump());
  }
  if (o.checkpoint_dir.empty()) std::filesystem::remove(run.checkpoint);
  tool.out().write_line(summary.dump());
}

}  // namespace tal
