#include "libtal/train/checkpoint.h"

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/nn/tensors.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;
using Named = std::map<std::string, torch::Tensor>;
constexpr const char* kFormat = "tal-checkpoint/1";

void put(Named& all, const std::string& prefix, const Named& tensors) {
  for (const auto& [name, tensor] : tensors) all.emplace(prefix + name, tensor);
}

Named take(const Named& all, const std::string& prefix) {
  Named tensors;
  for (auto it = all.lower_bound(prefix); it != all.end() && it->first.rfind(prefix, 0) == 0; ++it)
    tensors.emplace(it->first.substr(prefix.size()), it->second);
  return tensors;
}

std::string slot(std::size_t index) { return "optimizer/" + std::to_string(index) + "/"; }

}  // namespace

void save_checkpoint(const std::string& path, const TrainState& s) {
  Named tensors;
  put(tensors, "weights/", s.weights);
  put(tensors, "average/", s.average);
  put(tensors, "best/", s.best_weights);
  for (std::size_t i = 0; i < s.optimizer.size(); ++i) put(tensors, slot(i), s.optimizer[i]);
  tensors["generator"] = s.generator;
  // 17 digits: what is read back is the same double.
  const Json state = {{"phase", s.phase},
                      {"epoch", s.epoch},
                      {"step", s.step},
                      {"total-steps", s.total_steps},
                      {"best", s.best},
                      {"best-epoch", s.best_epoch},
                      {"best-phase", s.best_phase},
                      {"since-best", s.since_best},
                      {"sums", s.sums},
                      {"slots", s.optimizer.size()}};
  write_tensors(path, tensors, {{"format", kFormat}, {"state", state.dump()}, {"fingerprint", s.fingerprint}});
}

TrainState load_checkpoint(const std::string& path) {
  const TensorFile file = read_tensors(path);
  const auto format = file.metadata.find("format");
  if (format == file.metadata.end() || format->second != kFormat)
    throw Error("'" + path + "' is no checkpoint of this version");
  try {
    const Json state = Json::parse(file.metadata.at("state"));
    TrainState s;
    s.phase = state.at("phase"), s.epoch = state.at("epoch"), s.step = state.at("step"),
    s.total_steps = state.at("total-steps");
    s.best = state.at("best"), s.best_epoch = state.at("best-epoch"), s.best_phase = state.at("best-phase"),
    s.since_best = state.at("since-best");
    s.sums = state.at("sums").get<std::map<std::string, double>>();
    s.weights = take(file.tensors, "weights/"), s.average = take(file.tensors, "average/"),
    s.best_weights = take(file.tensors, "best/");
    for (std::size_t i = 0; i < state.at("slots").get<std::size_t>(); ++i)
      s.optimizer.push_back(take(file.tensors, slot(i)));
    s.generator = file.tensors.at("generator");
    s.fingerprint = file.metadata.at("fingerprint");
    return s;
  } catch (const std::exception& error) {
    throw Error("'" + path + "': the checkpoint is damaged (" + error.what() + ")");
  }
}

std::vector<Named> optimizer_state(torch::optim::Optimizer& optimizer) {
  std::vector<Named> all;
  for (const auto& group : optimizer.param_groups())
    for (const auto& parameter : group.params()) {
      Named named;
      const auto found = optimizer.state().find(parameter.unsafeGetTensorImpl());
      if (found != optimizer.state().end()) {
        if (const auto* adam = dynamic_cast<torch::optim::AdamParamState*>(found->second.get()))
          named = {{"step", torch::tensor(adam->step(), torch::kLong)},
                   {"exp_avg", adam->exp_avg()},
                   {"exp_avg_sq", adam->exp_avg_sq()}};
        else if (const auto* adamw = dynamic_cast<torch::optim::AdamWParamState*>(found->second.get()))
          named = {{"step", torch::tensor(adamw->step(), torch::kLong)},
                   {"exp_avg", adamw->exp_avg()},
                   {"exp_avg_sq", adamw->exp_avg_sq()}};
        else if (const auto* sgd = dynamic_cast<torch::optim::SGDParamState*>(found->second.get());
                 sgd && sgd->momentum_buffer().defined())
          named = {{"momentum_buffer", sgd->momentum_buffer()}};
      }
      all.push_back(std::move(named));
    }
  return all;
}

void restore_optimizer(torch::optim::Optimizer& optimizer, const std::vector<Named>& state) {
  std::size_t index = 0;
  for (const auto& group : optimizer.param_groups())
    for (const auto& parameter : group.params()) {
      if (index >= state.size()) throw Error("the checkpoint's optimiser has fewer parameters than the model");
      const Named& named = state[index++];
      if (named.empty()) continue;
      const auto get = [&](const char* key) { return named.at(key).to(parameter.device()).clone(); };
      auto& slot = optimizer.state()[parameter.unsafeGetTensorImpl()];
      if (dynamic_cast<torch::optim::Adam*>(&optimizer)) {
        auto adam = std::make_unique<torch::optim::AdamParamState>();
        adam->step(named.at("step").item<std::int64_t>()), adam->exp_avg(get("exp_avg")),
            adam->exp_avg_sq(get("exp_avg_sq"));
        slot = std::move(adam);
      } else if (dynamic_cast<torch::optim::AdamW*>(&optimizer)) {
        auto adam = std::make_unique<torch::optim::AdamWParamState>();
        adam->step(named.at("step").item<std::int64_t>()), adam->exp_avg(get("exp_avg")),
            adam->exp_avg_sq(get("exp_avg_sq"));
        slot = std::move(adam);
      } else {
        auto sgd = std::make_unique<torch::optim::SGDParamState>();
        sgd->momentum_buffer(get("momentum_buffer"));
        slot = std::move(sgd);
      }
    }
}

}  // namespace tal
