// The state of a training run as one file, so that a killed run goes on to the same result.
#pragma once

#include <torch/torch.h>

#include <cstdint>
#include <map>
#include <string>
#include <vector>

namespace tal {

struct TrainState {
  std::int64_t phase = 0, epoch = 0, step = 0;  // what comes next; step: in the epoch
  std::int64_t total_steps = 0;                 // optimiser steps done, over all phases
  std::int64_t best_epoch = -1, best_phase = 0, since_best = 0;
  double best = 0;
  std::map<std::string, double> sums;  // of this epoch's losses, weighted by samples; "samples" counts them
  std::map<std::string, torch::Tensor> weights, average, best_weights;  // parameters and buffers; average, best: may be
                                                                        // empty
  std::vector<std::map<std::string, torch::Tensor>> optimizer;          // by parameter, in the order of the groups
  torch::Tensor generator;                                              // LibTorch's CPU generator
  std::string fingerprint;                                              // JSON of all that must not change between runs
};

void save_checkpoint(const std::string& path, const TrainState& state);  // atomic
TrainState load_checkpoint(const std::string& path);                     // Error names the path

// The moments of LibTorch's Adam, AdamW and SGD as named tensors, and back.
std::vector<std::map<std::string, torch::Tensor>> optimizer_state(torch::optim::Optimizer& optimizer);
void restore_optimizer(torch::optim::Optimizer& optimizer,
                       const std::vector<std::map<std::string, torch::Tensor>>& state);

}  // namespace tal
