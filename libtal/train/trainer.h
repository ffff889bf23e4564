// The training loop that all systems share: phases, epochs, optimiser, schedule, averaging, validation, checkpoints,
// several processes.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "libtal/models/core/model.h"
#include "libtal/train/communicator.h"
#include "libtal/train/options.h"

namespace tal {

using Metrics = std::vector<std::pair<std::string, double>>;

struct TrainRun {
  TrainOptions options;
  std::uint64_t seed = 0;
  std::string checkpoint;          // file; "": none
  double checkpoint_minutes = 10;  // besides the one after every epoch
  bool resume = false;             // go on from the checkpoint when there is one
  std::string start;  // what the weights are at first, when they are not random: part of what a checkpoint must have in
                      // common with the run
};

struct StepReport {
  std::int64_t phase = 0, epoch = 0, step = 0, steps = 0;  // step of `steps` in this epoch, from 1
  std::int64_t total_steps = 0, planned_steps = 0;         // over the whole run
  double loss = 0, lr = 0, gradient_norm = 0;
  Metrics parts;
};
struct EpochReport {
  std::int64_t phase = 0, epoch = 0, total_steps = 0;
  std::string phase_name;
  Metrics training, validation;  // means over the epoch; empty when not validated
  bool best = false;
};

// The model as it is in a phase. The first metric decides which epoch of the phase is best (higher is better); metrics
// of different phases are not compared.
using Validator = std::function<Metrics(Model&, std::size_t phase)>;

struct TrainEvents {
  std::function<void(const StepReport&)> step;
  std::function<void(const EpochReport&)> epoch;
  std::function<bool()> stopped;  // asked after every step; true: checkpoint and return
  std::function<void(const std::string&)> note, warn;
};

struct TrainResult {
  bool stopped = false;  // by events.stopped; the checkpoint says where to go on
  std::int64_t best_epoch = -1, best_phase = 0, epochs = 0, total_steps = 0;
  double best = 0;                                    // of the first metric
  std::map<std::string, torch::Tensor> last_weights;  // when the network ends with the best ones instead
};

// Trains model.network() in place (a loss term that turns below -10 is warned of once: it has no lower bound); it ends
// with the best weights (by the validator) or the last ones (their moving average when options.ema). Deterministic for
// a seed, build, machine and number of threads; a resumed run gives the same bytes as one that was never interrupted.
// Error: a loss or weights that are not finite (names model, epoch and the batch's videos), memory that is not enough,
// a checkpoint of another run.
TrainResult train(Model& model, const TrainingSet& set, const TrainRun& run, const Validator& validate,
                  const TrainEvents& events, Communicator& communicator);

// Mean loss over the set's samples in eval mode, with fixed draws; for models that have no metric of their own.
double mean_loss(Model& model, const TrainingSet& set, std::size_t phase, std::int64_t batch, std::uint64_t seed);

}  // namespace tal
