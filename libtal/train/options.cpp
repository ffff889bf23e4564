#include "libtal/train/options.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "libtal/base/error.h"
#include "libtal/base/precision.h"

namespace tal {

Settings settings_of(TrainOptions& o) {
  Settings s;
  s.add("epochs", &o.epochs, "Passes over the samples").between(1, 1e9);
  s.add("batch", &o.batch, "Samples per optimiser step, over all processes").between(1, 1e9);
  s.add("accumulate", &o.accumulate, "Parts that a batch is computed in, one after the other (less memory)")
      .between(1, 1e9);
  s.add("standardize", &o.standardize,
        "Feature columns to mean 0 and deviation 1 over the training rows; kept in the model");
  s.add("samples-per-epoch", &o.samples_per_epoch, "Samples drawn for an epoch (0: all)").at_least(0);
  s.add("optimizer", &o.optimizer, "Optimiser", {"adam", "adamw", "sgd"});
  s.add("lr", &o.lr, "Learning rate").above(0);
  s.add("weight-decay", &o.weight_decay, "Weight decay (adam, sgd: L2; adamw: decoupled)").between(0, 1);
  s.add("momentum", &o.momentum, "Momentum").at_least(0).below(1).with("optimizer", {"sgd"});
  s.add("beta1", &o.beta1, "Decay of Adam's first moment").at_least(0).below(1).with("optimizer", {"adam", "adamw"});
  s.add("beta2", &o.beta2, "Decay of Adam's second moment").at_least(0).below(1).with("optimizer", {"adam", "adamw"});
  s.add("schedule", &o.schedule, "Course of the learning rate", {"constant", "step", "cosine", "linear"});
  s.add("milestones", &o.milestones, "Epochs after which the rate is multiplied by gamma")
      .above(0)
      .with("schedule", {"step"})
      .with("step-every", {"0"});
  s.add("step-every", &o.step_every, "Multiply by gamma every N optimiser steps instead (0: at the milestones)")
      .at_least(0)
      .with("schedule", {"step"});
  s.add("gamma", &o.gamma, "Factor of each step").above(0).with("schedule", {"step"});
  s.add("min-lr", &o.min_lr, "The rate never falls below").at_least(0).without("schedule", {"constant"});
  s.add("final-lr", &o.final_lr, "Rate that the schedule falls to").at_least(0).with("schedule", {"cosine", "linear"});
  s.add("schedule-epochs", &o.schedule_epochs,
        "Epochs at whose end the schedule would be, for a training that ends before (0: its own)")
      .at_least(0)
      .with("schedule", {"cosine", "linear"});
  s.add("warmup", &o.warmup, "Optimiser steps of linear rise at the start of each phase").at_least(0);
  s.add("warmup-epochs", &o.warmup_epochs, "Epochs of linear rise, on top of `warmup` steps").at_least(0);
  s.add("clip", &o.clip, "Largest norm of all gradients together (0: none)").at_least(0);
  s.add("ema", &o.ema, "Decay of the moving average of the weights that is validated and saved (0: none)")
      .at_least(0)
      .below(1);
  s.add("precision", &o.precision,
        "Of the network's products and convolutions (losses and weights stay float32; float16 is not for training)",
        precision_names());
  s.add("amp", &o.amp, "The same as precision bfloat16").with("precision", {"float32"});
  s.add("workers", &o.workers, "Threads that make batches ahead").between(1, 1024);
  s.add("validate-every", &o.validate_every, "Epochs between validations (0: the last alone)").at_least(0);
  s.add("metric", &o.metric, "What decides on the best model", {"auto", "auc", "ar100", "map", "loss"});
  s.add("patience", &o.patience, "Stop after N validations without a better one (0: never)").at_least(0);
  return s;
}

void check_options(const TrainOptions& o) {
  if (o.schedule == "step" && o.step_every == 0 && o.milestones.empty())
    throw UsageError(
        "setting 'train.schedule': 'step' never steps: neither train.milestones nor train.step-every says when");
  if (o.schedule_epochs > 0 && o.schedule_epochs < static_cast<double>(o.epochs))
    throw UsageError("setting 'train.schedule-epochs': must be 0 or train.epochs (" + std::to_string(o.epochs) +
                     ") at least");
  if (o.precision == "float16")
    throw UsageError(
        "setting 'train.precision': 'float16' loses small gradients, and training does not scale them; 'bfloat16' has "
        "the range of float32");
}

std::string precision_of(const TrainOptions& o) { return o.amp ? "bfloat16" : o.precision; }

double lr_factor(const TrainOptions& o, std::int64_t step, std::int64_t steps_per_epoch, std::int64_t steps) {
  double factor = 1;
  const std::int64_t warmup =
      o.warmup + std::llround(o.warmup_epochs * static_cast<double>(std::max<std::int64_t>(steps_per_epoch, 0)));
  const double done = static_cast<double>(step);
  if (o.schedule == "step") {
    if (o.step_every > 0) {
      factor = std::pow(o.gamma, static_cast<double>(step / o.step_every));
    } else {
      const double epoch = done / static_cast<double>(std::max<std::int64_t>(steps_per_epoch, 1));
      for (const double milestone : o.milestones)
        if (epoch >= milestone) factor *= o.gamma;
    }
  } else if (o.schedule != "constant") {
    const auto planned = std::llround(o.schedule_epochs * static_cast<double>(steps_per_epoch));
    const double span = static_cast<double>(std::max<std::int64_t>(std::max<std::int64_t>(steps, planned) - warmup, 1));
    const double t = std::clamp((done - static_cast<double>(warmup)) / span, 0.0, 1.0);
    factor = o.schedule == "cosine" ? 0.5 * (1 + std::cos(std::numbers::pi * t)) : 1 - t;
    if (o.lr > 0) factor += (1 - factor) * o.final_lr / o.lr;
  }
  if (o.lr > 0) factor = std::max(factor, o.min_lr / o.lr);
  if (step < warmup) factor *= (done + 1) / static_cast<double>(warmup);
  return factor;
}

}  // namespace tal
