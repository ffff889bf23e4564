// How a model is trained: the "train." settings of every system.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "libtal/base/settings.h"

namespace tal {

struct TrainOptions {
  std::int64_t epochs = 20;
  std::int64_t batch = 16;      // samples per optimiser step, over all processes
  std::int64_t accumulate = 1;  // a step's batch in that many parts, one after the other
  bool standardize = false;     // feature columns to mean 0, deviation 1 over the training rows; the model keeps the
                                // numbers
  std::int64_t samples_per_epoch = 0;  // 0: all of the model's
  std::string optimizer = "adam";
  double lr = 1e-3, weight_decay = 0, momentum = 0.9, beta1 = 0.9, beta2 = 0.999;
  std::string schedule = "constant";
  std::vector<double> milestones;  // step schedule: epochs after which lr is multiplied by gamma
  std::int64_t step_every = 0;     // step schedule: every so many optimiser steps instead
  double gamma = 0.1, min_lr = 0;
  double schedule_epochs = 0;         // what they are made for, where training ends before; 0: all of it
  double final_lr = 0;                // cosine and linear schedules end at it
  std::int64_t warmup = 0;            // optimiser steps of linear rise
  double warmup_epochs = 0;           // the same in epochs, on top
  double clip = 0;                    // largest global gradient norm; 0: none
  double ema = 0;                     // decay of the weights' moving average that is validated and saved; 0: none
  std::string precision = "float32";  // of the network's products and convolutions (libtal/base/precision.h)
  bool amp = false;                   // the same as precision "bfloat16"
  std::int64_t workers = 1;           // threads that make batches ahead
  std::int64_t validate_every = 1;    // epochs
  std::string metric = "auto";        // what decides on the best model
  std::int64_t patience = 0;          // stop after so many validations without a better one; 0: never
};
Settings settings_of(TrainOptions& options);
// UsageError for a schedule that never steps or ends before the training, and for float16, in which gradients come out
// as 0.
void check_options(const TrainOptions& options);
// Of both settings that say it.
std::string precision_of(const TrainOptions& options);

// Learning rate factor of optimiser step `step` (from 0) in a phase of `steps` steps, `steps_per_epoch` each epoch.
double lr_factor(const TrainOptions& options, std::int64_t step, std::int64_t steps_per_epoch, std::int64_t steps);

}  // namespace tal
