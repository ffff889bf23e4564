#include "libtal/train/trainer.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>
#include <new>
#include <set>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/models/core/guard.h"
#include "libtal/models/core/model_file.h"
#include "libtal/nn/device.h"
#include "libtal/nn/named_weights.h"
#include "libtal/train/batch_loader.h"
#include "libtal/train/checkpoint.h"
#include "libtal/train/fused_optimizer.h"

namespace tal {
namespace {

using Clock = std::chrono::steady_clock;
using Named = std::map<std::string, torch::Tensor>;

std::unique_ptr<torch::optim::Optimizer> make_optimizer(const TrainOptions& o, double lr,
                                                        std::vector<ParameterGroup> groups, bool fused) {
  using torch::optim::Adam, torch::optim::AdamW, torch::optim::AdamOptions, torch::optim::AdamWOptions;
  std::vector<torch::optim::OptimizerParamGroup> all;
  for (auto& group : groups) {
    std::unique_ptr<torch::optim::OptimizerOptions> options;
    const double rate = lr * group.lr_factor, decay = o.weight_decay * group.weight_decay_factor;
    const std::tuple<double, double> betas{o.beta1, o.beta2};
    if (o.optimizer == "adam")
      options = std::make_unique<AdamOptions>(AdamOptions(rate).weight_decay(decay).betas(betas));
    else if (o.optimizer == "adamw")
      options = std::make_unique<AdamWOptions>(AdamWOptions(rate).weight_decay(decay).betas(betas));
    else
      options = std::make_unique<torch::optim::SGDOptions>(
          torch::optim::SGDOptions(rate).weight_decay(decay).momentum(o.momentum));
    all.emplace_back(std::move(group.parameters), std::move(options));
  }
  if (o.optimizer == "adam" && fused) return std::make_unique<FusedAdam>(std::move(all), AdamOptions(lr));
  if (o.optimizer == "adam") return std::make_unique<Adam>(std::move(all), AdamOptions(lr));
  if (o.optimizer == "adamw" && fused) return std::make_unique<FusedAdamW>(std::move(all), AdamWOptions(lr));
  if (o.optimizer == "adamw") return std::make_unique<AdamW>(std::move(all), AdamWOptions(lr));
  return std::make_unique<torch::optim::SGD>(std::move(all), torch::optim::SGDOptions(lr));
}

Named copy_of(const Named& weights) {
  Named copy;
  for (const auto& [name, tensor] : weights) copy.emplace(name, tensor.clone());
  return copy;
}

void assign(const Named& to, const Named& from) {
  torch::NoGradGuard guard;
  for (const auto& [name, tensor] : from) to.at(name).copy_(tensor);
}

// Which samples make which step: a shuffled order cut into nearly equal batches, each into parts and those into ranks.
class Plan {
 public:
  Plan(std::vector<Sample> samples, const TrainOptions& o, int ranks)
      : samples_(std::move(samples)), parts_(o.accumulate), ranks_(ranks) {
    if (samples_.empty()) throw Error("the model finds no sample in the training records");
    count_ = o.samples_per_epoch > 0 ? o.samples_per_epoch : static_cast<std::int64_t>(samples_.size());
    steps_ = (count_ + o.batch - 1) / o.batch;
  }
  std::int64_t steps() const { return steps_; }
  std::int64_t parts() const { return parts_; }
  void shuffle(std::uint64_t seed, std::uint64_t phase, std::uint64_t epoch) {
    order_.clear();
    for (std::uint64_t round = 0; static_cast<std::int64_t>(order_.size()) < count_; ++round) {
      std::vector<std::size_t> all(samples_.size());
      for (std::size_t i = 0; i < all.size(); ++i) all[i] = i;
      Random::of(seed, phase << 32 | epoch, round).shuffle(all);
      order_.insert(order_.end(), all.begin(), all.end());
    }
    order_.resize(static_cast<std::size_t>(count_));
    seed_ = seed, epoch_ = phase << 32 | epoch;
  }
  std::int64_t size(std::int64_t step) const { return cut(step + 1, steps_, count_) - cut(step, steps_, count_); }
  // All of a step, in whatever parts and ranks they are computed.
  std::vector<Sample> samples(std::int64_t step) const {
    return chosen(cut(step, steps_, count_), cut(step + 1, steps_, count_));
  }
  // Whether a step has no sample for a rank. It computes the step's losses all the same, with no weight: what the
  // processes exchange has the same names everywhere.
  bool idle(std::int64_t step, int rank) const {
    for (std::int64_t part = 0; part < parts_; ++part)
      if (!samples(step, part, rank).empty()) return false;
    return true;
  }
  // Part `part` of a step for one rank.
  std::vector<Sample> samples(std::int64_t step, std::int64_t part, int rank) const {
    const std::int64_t begin = cut(step, steps_, count_), slices = parts_ * ranks_, slice = part * ranks_ + rank,
                       n = size(step);
    return chosen(begin + cut(slice, slices, n), begin + cut(slice + 1, slices, n));
  }

 private:
  std::vector<Sample> chosen(std::int64_t begin, std::int64_t end) const {
    std::vector<Sample> all;
    for (std::int64_t i = begin; i < end; ++i) {
      all.push_back(samples_[order_[static_cast<std::size_t>(i)]]);
      all.back().seed = Random::of(seed_, epoch_, ~static_cast<std::uint64_t>(i)).bits();
    }
    return all;
  }
  static std::int64_t cut(std::int64_t k, std::int64_t of, std::int64_t n) { return k * n / of; }
  std::vector<Sample> samples_;
  std::int64_t parts_, count_ = 0, steps_ = 0;
  int ranks_;
  std::vector<std::size_t> order_;
  std::uint64_t seed_ = 0, epoch_ = 0;
};

std::string list_of(const std::vector<std::string>& videos) {
  std::string text;
  for (std::size_t i = 0; i < videos.size() && i < 16; ++i) text += (i ? ", '" : "'") + videos[i] + "'";
  return videos.size() > 16 ? text + " and " + std::to_string(videos.size() - 16) + " more" : text;
}

class Run {
 public:
  Run(Model& model, const TrainingSet& set, const TrainRun& run, const Validator& validate, const TrainEvents& events,
      Communicator& communicator)
      : model_(model),
        set_(set),
        run_(run),
        o_(run.options),
        validate_(validate),
        events_(events),
        comm_(communicator),
        precision_(set_precision(precision_of(o_), model.device)) {
    if (o_.batch < 1 || o_.accumulate < 1 || o_.epochs < 0)
      throw Error("train.batch and train.accumulate must be 1 or more");
    TrainOptions fixed = o_;
    fixed.workers = 0;
    nlohmann::ordered_json fingerprint = nlohmann::ordered_json::parse(model.settings().json());
    const auto training = nlohmann::ordered_json::parse(settings_of(fixed).json());
    for (const auto& [key, value] : training.items()) fingerprint["train." + key] = value;
    fingerprint["seed"] = run.seed, fingerprint["videos"] = set.size(), fingerprint["classes"] = set.inputs().classes,
    fingerprint["dim"] = set.inputs().dim();
    fingerprint["processes"] = comm_.size(), fingerprint["start"] = run.start;
    // Features whose settings are not known, or do not matter to the run, were never compared.
    if (const auto& inputs = set.inputs(); !inputs.policy || !inputs.policy->accepts())
      for (const auto& stream : inputs.streams)
        if (!stream.settings.empty()) fingerprint["features." + stream.name] = stream.settings;
    state_.fingerprint = fingerprint.dump();
  }

  TrainResult operator()() {
    weights_ = weights_of(model_.network());
    auto restored = restore();
    check_together();
    if (!restored) {
      share(weights_);
      if (o_.ema > 0) state_.average = copy_of(weights_);
    }
    const auto phases = model_.phases();
    plan_run(phases);
    TrainResult result;
    for (; state_.phase < static_cast<std::int64_t>(phases.size()); ++state_.phase, state_.epoch = 0) {
      const Phase& phase = phases[static_cast<std::size_t>(state_.phase)];
      model_.begin_phase(static_cast<std::size_t>(state_.phase));
      Plan plan(model_.samples(set_, phase_index()), o_, comm_.size());
      auto groups = model_.parameters(phase_index());
      lr_factors_.clear();
      for (const auto& group : groups) lr_factors_.push_back(group.lr_factor);
      auto optimizer = make_optimizer(o_, rate(phase), std::move(groups), fused());
      if (restored) restore_optimizer(*optimizer, state_.optimizer);
      restored = false;
      const std::int64_t epochs = epochs_of(phase);
      for (; state_.epoch < epochs; ++state_.epoch) {
        if (!run_epoch(phase, plan, *optimizer, epochs)) {
          result.stopped = true;
          checkpoint(*optimizer);
          result.total_steps = state_.total_steps;
          return result;
        }
        finish_epoch(phase, epochs);
        state_.step = 0;
        ++state_.epoch;
        checkpoint(*optimizer);
        --state_.epoch;
        if (o_.patience > 0 && state_.since_best >= o_.patience) {
          note("no better model for " + std::to_string(o_.patience) + " validations: stopping phase");
          break;
        }
      }
      state_.since_best = 0;
      // A later phase builds on the best model of the one before.
      const bool more = state_.phase + 1 < static_cast<std::int64_t>(phases.size());
      if (more && !state_.best_weights.empty()) {
        assign(weights_, state_.best_weights);
        if (o_.ema > 0) state_.average = copy_of(weights_);
      }
      // Statistics of batches are each process's own, and a checkpoint has those of the first: later phases may use
      // them.
      if (more) share(weights_);
    }
    if (o_.ema > 0) assign(weights_, state_.average);
    if (!state_.best_weights.empty()) {
      result.last_weights = copy_of(weights_);
      assign(weights_, state_.best_weights);
    }
    model_.network().eval();
    result.best = state_.best, result.best_epoch = state_.best_epoch, result.best_phase = state_.best_phase,
    result.total_steps = state_.total_steps;
    return result;
  }

 private:
  bool fused() const { return !model_.device.is_cpu(); }
  std::size_t phase_index() const { return static_cast<std::size_t>(state_.phase); }
  std::int64_t epochs_of(const Phase& phase) const { return phase.epochs > 0 ? phase.epochs : o_.epochs; }
  double rate(const Phase& phase) const { return phase.lr > 0 ? phase.lr : o_.lr; }
  void note(const std::string& text) const {
    if (events_.note) events_.note(text);
  }
  void share(Named& weights) {
    std::vector<at::Tensor> all;
    for (auto& [name, tensor] : weights) all.push_back(tensor);
    torch::NoGradGuard guard;
    comm_.broadcast(all);
  }

  void plan_run(const std::vector<Phase>& phases) {
    for (std::size_t p = 0; p < phases.size(); ++p) {
      const auto samples = model_.samples(set_, p).size();
      const std::int64_t count = o_.samples_per_epoch > 0 ? o_.samples_per_epoch : static_cast<std::int64_t>(samples);
      planned_steps_ += epochs_of(phases[p]) * ((count + o_.batch - 1) / o_.batch);
    }
  }

  bool restore() {
    if (!run_.resume || run_.checkpoint.empty() || !std::filesystem::exists(run_.checkpoint)) return false;
    TrainState saved = load_checkpoint(run_.checkpoint);
    const auto was = nlohmann::ordered_json::parse(saved.fingerprint),
               is = nlohmann::ordered_json::parse(state_.fingerprint);
    for (const auto& [key, value] : is.items())
      if (!was.contains(key) || was.at(key) != value)
        throw Error("'" + run_.checkpoint + "' is of another run: " + key + " was " +
                    (was.contains(key) ? was.at(key).dump() : "not there") + ", is " + value.dump());
    state_ = std::move(saved);
    for (auto& [name, tensor] : state_.average) tensor = tensor.to(model_.device);  // what it is mixed with is there
    load_weights(model_.network(), state_.weights, run_.checkpoint);
    auto generator = at::detail::getDefaultCPUGenerator();
    generator.set_state(state_.generator);
    note("resuming at phase " + std::to_string(state_.phase + 1) + ", epoch " + std::to_string(state_.epoch + 1) +
         ", step " + std::to_string(state_.step + 1));
    return true;
  }

  // All processes begin where the first does: a checkpoint that one of them does not see would end in a mixture of
  // runs.
  void check_together() {
    const std::int64_t mine = state_.total_steps;
    std::vector<at::Tensor> first = {torch::tensor({mine}, torch::kLong)};
    comm_.broadcast(first);
    if (const auto steps = first[0].item<std::int64_t>(); steps != mine)
      throw Error("'" + run_.checkpoint + "': process " + std::to_string(comm_.rank()) + " begins after " +
                  std::to_string(mine) + " steps, the first process after " + std::to_string(steps) +
                  ": all need the same folder, and all or none --resume");
  }

  // What dropout and the like draw in a step. One process on a CPU goes on with its generator, which checkpoints hold.
  // Of other processes and of GPUs none is kept: there each step has numbers of its own, by seed, step and process.
  void seed_step() const {
    if (comm_.size() == 1 && model_.device.is_cpu()) return;
    seed_generators(model_.device, Random::of(run_.seed ^ 0xd409u, static_cast<std::uint64_t>(state_.total_steps),
                                              static_cast<std::uint64_t>(comm_.rank()))
                                       .bits());
  }

  void checkpoint(torch::optim::Optimizer& optimizer) {
    saved_at_ = Clock::now();
    if (run_.checkpoint.empty() || comm_.rank() != 0) return;
    state_.weights = weights_;
    state_.optimizer = optimizer_state(optimizer);
    state_.generator = at::detail::getDefaultCPUGenerator().get_state();
    save_checkpoint(run_.checkpoint, state_);
    state_.weights.clear(), state_.optimizer.clear();
  }

  // false: stopped.
  bool run_epoch(const Phase& phase, Plan& plan, torch::optim::Optimizer& optimizer, std::int64_t epochs) {
    model_.network().train();
    plan.shuffle(run_.seed, static_cast<std::uint64_t>(state_.phase), static_cast<std::uint64_t>(state_.epoch));
    if (state_.step == 0) state_.sums.clear();
    const std::uint64_t where =
        static_cast<std::uint64_t>(state_.phase) << 32 | static_cast<std::uint64_t>(state_.epoch);
    BatchLoader loader(
        [&](std::int64_t index) {
          auto samples = plan.samples(index / plan.parts(), index % plan.parts(), comm_.rank());
          const auto counted = static_cast<std::int64_t>(samples.size());
          if (index % plan.parts() == 0 && plan.idle(index / plan.parts(), comm_.rank()))
            samples = plan.samples(index / plan.parts());
          const auto total = index % plan.parts() == 0 ? step_total(plan, index / plan.parts()) : torch::Tensor();
          const auto with_total = [&](Batch made) {
            if (total.defined()) made.tensors["__total"] = total;
            return made;
          };
          if (samples.empty()) return with_total({});
          Random random =
              Random::of(run_.seed ^ 0x5eedu, where, static_cast<std::uint64_t>(index * comm_.size() + comm_.rank()));
          Batch batch = model_.make_batch(set_, samples, random, phase_index());
          batch.tensors["__count"] = torch::tensor(counted, torch::kLong);
          return with_total(std::move(batch));
        },
        state_.step * plan.parts(), plan.steps() * plan.parts(), o_.workers);
    while (state_.step < plan.steps()) {
      const double lr =
          rate(phase) * lr_factor(o_, state_.epoch * plan.steps() + state_.step, plan.steps(), epochs * plan.steps());
      StepReport report = step(plan, loader, optimizer, lr);
      ++state_.step, ++state_.total_steps;
      report.phase = state_.phase, report.epoch = state_.epoch, report.step = state_.step, report.steps = plan.steps();
      report.total_steps = state_.total_steps, report.planned_steps = planned_steps_;
      if (events_.step) events_.step(report);
      if (comm_.size() == 1 ? asked_to_stop() : stop_) return false;
      if (state_.step < plan.steps() && run_.checkpoint_minutes > 0 &&
          Clock::now() - saved_at_ > std::chrono::duration<double>(run_.checkpoint_minutes * 60))
        checkpoint(optimizer);
    }
    return true;
  }

  bool asked_to_stop() const { return events_.stopped && events_.stopped(); }

  torch::Tensor step_total(const Plan& plan, std::int64_t step) const {
    return torch::tensor(model_.step_total(set_, plan.samples(step), phase_index()), torch::kDouble);
  }

  StepReport step(const Plan& plan, BatchLoader& loader, torch::optim::Optimizer& optimizer, double lr) {
    StepReport report;
    report.lr = lr;
    optimizer.zero_grad();
    seed_step();
    const double total = static_cast<double>(plan.size(state_.step));
    std::map<std::string, double> parts;
    for (std::int64_t part = 0; part < plan.parts(); ++part) {
      Batch batch = loader.next();
      if (const auto of_step = batch.tensors.extract("__total")) model_.begin_step(of_step.mapped().item<double>());
      if (batch.tensors.empty()) continue;
      const double share = static_cast<double>(batch.at("__count").item<std::int64_t>()) / total;
      batch.tensors.erase("__count");
      batch.share = share;
      Losses losses = guarded_loss(batch, [&] {
        const Batch moved = model_.device.is_cpu() ? std::move(batch) : batch.to(model_.device);
        Losses l;
        {
          const Autocast autocast(model_.device, precision_.type);
          l = model_.loss(moved, phase_index());
        }
        const double value = l.loss.item<double>();
        if (!std::isfinite(value))
          throw diverged("the loss is not finite (" + std::to_string(value) + ") for a batch of " +
                         list_of(moved.videos));
        (l.loss * share).backward();
        return l;
      });
      parts["loss"] += share * losses.loss.item<double>();
      for (const auto& [name, value] : losses.parts) parts[name] += share * value.item<double>();
    }
    exchange(optimizer, parts);
    warn_of_negative(parts);
    if (o_.clip > 0)
      report.gradient_norm = fused() ? clip_gradients_fused(all_parameters(optimizer), o_.clip)
                                     : torch::nn::utils::clip_grad_norm_(all_parameters(optimizer), o_.clip);
    set_rate(optimizer, lr);
    optimizer.step();
    update_average();
    for (const auto& [name, value] : parts) state_.sums[name] += value * total;
    state_.sums["samples"] += total;
    report.loss = parts["loss"];
    parts.erase("loss");
    report.parts.assign(parts.begin(), parts.end());
    return report;
  }

  Error diverged(const std::string& what) const {
    return Error("model '" + model_.name() + "', epoch " + std::to_string(state_.epoch + 1) + ": " + what +
                 "; the last checkpoint is kept. A lower train.lr or train.clip may help");
  }
  // Weights of the last step that no loss has seen yet.
  void check_weights() const {
    for (const auto& [name, tensor] : weights_)
      if (!torch::isfinite(tensor).all().item<bool>()) throw diverged("weights that are not finite ('" + name + "')");
  }
  // A loss far below zero draws all learning to itself.
  void warn_of_negative(const std::map<std::string, double>& parts) {
    for (const auto& [name, value] : parts)
      if (name != "loss" && value < -10 && warned_.insert(name).second && events_.warn)
        events_.warn("model '" + model_.name() + "', epoch " + std::to_string(state_.epoch + 1) + ": loss term '" +
                     name + "' is " + std::to_string(value) + " and has no lower bound");
  }

  // fn() with errors of LibTorch turned into ours.
  template <class Fn>
  Losses guarded_loss(const Batch& batch, Fn&& fn) {
    const auto videos = batch.videos;
    try {
      return fn();
    } catch (const std::bad_alloc&) {
      throw Error(out_of_memory(videos));
    } catch (Error& error) {
      throw error.at_video(videos.empty() ? "" : videos.front());
    } catch (const c10::Error& error) {
      const std::string text = plain_words(error);
      check_weights();  // what diverged before fails anywhere
      if (text == kNotEnoughMemory) throw Error(out_of_memory(videos));
      throw Error("model '" + model_.name() + "': " + text + " (batch of " + list_of(videos) + ")");
    }
  }
  std::string out_of_memory(const std::vector<std::string>& videos) const {
    return "not enough memory for a batch of " + std::to_string(videos.size()) + " samples: lower train.batch (" +
           std::to_string(o_.batch) + ") or raise train.accumulate (" + std::to_string(o_.accumulate) + ")";
  }

  static std::vector<torch::Tensor> all_parameters(torch::optim::Optimizer& optimizer) {
    std::vector<torch::Tensor> all;
    for (const auto& group : optimizer.param_groups())
      all.insert(all.end(), group.params().begin(), group.params().end());
    return all;
  }

  // Each process weighed its loss by its share of the batch, so that the sum is the gradient of the whole batch's mean.
  void exchange(torch::optim::Optimizer& optimizer, std::map<std::string, double>& parts) {
    if (comm_.size() == 1) return;
    std::vector<at::Tensor> tensors;
    for (auto& parameter : all_parameters(optimizer)) {
      if (!parameter.grad().defined()) parameter.mutable_grad() = torch::zeros_like(parameter);
      tensors.push_back(parameter.grad());
    }
    std::vector<double> values = {asked_to_stop() ? 1.0 : 0.0};  // where one stops, all do, after the same step
    for (const auto& [name, value] : parts) values.push_back(value);
    tensors.push_back(torch::tensor(values, torch::kDouble));
    comm_.sum(tensors);
    stop_ = tensors.back()[0].item<double>() > 0;
    std::size_t i = 1;
    for (auto& [name, value] : parts) value = tensors.back()[static_cast<std::int64_t>(i++)].item<double>();
  }

  void set_rate(torch::optim::Optimizer& optimizer, double lr) {
    for (std::size_t g = 0; g < lr_factors_.size(); ++g)
      optimizer.param_groups()[g].options().set_lr(lr * lr_factors_[g]);
  }

  void update_average() {
    if (o_.ema <= 0) return;
    torch::NoGradGuard guard;
    for (auto& [name, tensor] : state_.average) {
      if (tensor.is_floating_point()) tensor.lerp_(weights_.at(name), 1 - o_.ema);
      else tensor.copy_(weights_.at(name));
    }
  }

  void finish_epoch(const Phase& phase, std::int64_t epochs) {
    check_weights();
    EpochReport report;
    report.phase = state_.phase, report.epoch = state_.epoch, report.total_steps = state_.total_steps,
    report.phase_name = phase.name;
    for (const auto& [name, sum] : state_.sums)
      if (name != "samples") report.training.emplace_back(name, sum / state_.sums.at("samples"));
    const bool last = state_.epoch + 1 == epochs;
    if (validate_ && (last || (o_.validate_every > 0 && (state_.epoch + 1) % o_.validate_every == 0))) validate(report);
    if (events_.epoch) events_.epoch(report);
  }

  void validate(EpochReport& report) {
    Named trained;
    if (o_.ema > 0) {
      trained = copy_of(weights_);
      assign(weights_, state_.average);
    }
    std::vector<at::Tensor> verdict = {torch::zeros({1}, torch::kDouble)};
    if (comm_.rank() == 0) {
      torch::NoGradGuard guard;
      model_.network().eval();
      report.validation = validate_(model_, phase_index());
      model_.network().train();
      if (report.validation.empty()) throw Error("the validation gave no metric");
      verdict[0][0] = report.validation[0].second;
    }
    comm_.broadcast(verdict);
    const double value = verdict[0][0].item<double>();
    report.best = state_.best_epoch < 0 || value > state_.best || state_.best_phase != state_.phase;
    if (report.best) {
      state_.best = value, state_.best_epoch = state_.epoch, state_.best_phase = state_.phase, state_.since_best = 0;
      state_.best_weights = copy_of(weights_);
    } else {
      ++state_.since_best;
    }
    if (o_.ema > 0) assign(weights_, trained);
  }

  Model& model_;
  const TrainingSet& set_;
  const TrainRun& run_;
  const TrainOptions& o_;
  const Validator& validate_;
  const TrainEvents& events_;
  Communicator& comm_;
  Precision precision_;
  TrainState state_;
  Named weights_;                   // the network's own tensors
  std::vector<double> lr_factors_;  // by parameter group
  std::int64_t planned_steps_ = 0;
  bool stop_ = false;             // asked of any process
  std::set<std::string> warned_;  // loss terms
  Clock::time_point saved_at_ = Clock::now();
};

}  // namespace

TrainResult train(Model& model, const TrainingSet& set, const TrainRun& run, const Validator& validate,
                  const TrainEvents& events, Communicator& communicator) {
  return guarded(model, [&] { return Run(model, set, run, validate, events, communicator)(); });
}

double mean_loss(Model& model, const TrainingSet& set, std::size_t phase, std::int64_t batch, std::uint64_t seed) {
  torch::NoGradGuard guard;
  auto samples = model.samples(set, phase);
  double sum = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].seed = Random::of(seed, 0x7a1, i).bits();
  for (std::size_t begin = 0; begin < samples.size(); begin += static_cast<std::size_t>(batch)) {
    const auto part =
        std::span(samples).subspan(begin, std::min(static_cast<std::size_t>(batch), samples.size() - begin));
    Random random = Random::of(seed, 0x7a2, begin);
    sum += model.loss(model.make_batch(set, part, random, phase).to(model.device), phase).loss.item<double>() *
           static_cast<double>(part.size());
  }
  return samples.empty() ? 0 : sum / static_cast<double>(samples.size());
}

}  // namespace tal
