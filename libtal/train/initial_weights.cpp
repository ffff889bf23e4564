#include "libtal/train/initial_weights.h"

#include <algorithm>
#include <tuple>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/io/file_hash.h"
#include "libtal/io/file_name.h"
#include "libtal/models/core/model_file.h"
#include "libtal/nn/named_weights.h"
#include "libtal/train/record_set.h"

namespace tal {
InitialWeights::InitialWeights(const std::string& path) : path_(path), file_(read_tensors(path)) {
  std::tie(mean_, scale_) = take_normalisation(file_.tensors, path);
}

std::string InitialWeights::metadata(const char* key) const {
  const auto found = file_.metadata.find(key);
  return found == file_.metadata.end() ? "" : found->second;
}

std::string InitialWeights::settings(const std::string& model) const {
  if (metadata("format") != kModelFormat) return "{}";
  if (metadata("model") != model)
    throw Error("'" + path_ + "' is a model '" + metadata("model") + "', not '" + model + "'");
  auto all = nlohmann::ordered_json::parse(metadata("settings"));
  const std::string text = metadata("inference");
  const auto inference = nlohmann::ordered_json::parse(text.empty() ? "{}" : text);
  for (const auto& [name, value] : inference.items()) all["inference." + name] = value;
  return all.dump();
}

std::string InitialWeights::identity(bool partial) const {
  return file_hash(file_part(path_).file) + (partial ? ", in part" : "");
}

void InitialWeights::check_features(const InputContract& inputs) const {
  if (metadata("format") != kModelFormat) return;
  const auto streams = read_streams(metadata("inputs"));
  for (std::size_t i = 0; i < std::min(streams.size(), inputs.streams.size()); ++i) {
    // Another rhythm is a reason to train anew; other values make the weights worthless.
    StreamContract was = inputs.streams[i];
    was.settings = streams[i].settings, was.weights = streams[i].weights;
    check_contract(was, inputs.streams[i], inputs.policy.get(), "--init-from '" + path_ + "' was trained on");
  }
}

void InitialWeights::normalise(RecordSet& set) const {
  if (mean_.empty()) return;
  const auto dim = static_cast<std::size_t>(set.inputs().dim());
  if (mean_.size() != dim)
    throw Error("'" + path_ + "' normalises " + std::to_string(mean_.size()) + " columns, the features have " +
                std::to_string(dim) + "; train.standardize=true measures them anew");
  set.normalise(mean_, scale_);
}

void InitialWeights::copy_to(Model& model, bool partial, const std::function<void(const std::string&)>& note,
                             const std::function<void(const std::string&)>& warn) const {
  torch::NoGradGuard guard;
  auto own = weights_of(model.network());  // shares storage with the network
  const auto& given = file_.tensors;
  WeightMatch match = match_weights(own, given);
  for (auto& name : match.missing) name += " " + tensor_shape(own.at(name));
  for (auto& name : match.odd)
    name += " " + tensor_shape(given.at(name)) + " where the model has " + tensor_shape(own.at(name));
  for (auto& name : match.left_over) name += " " + tensor_shape(given.at(name));

  const std::string head = "--init-from '" + path_ + "': ";
  if (match.taken.empty()) throw Error(head + "no tensor has a name and a shape of the model");
  const auto tell = [&](const std::vector<std::string>& names, const char* what) {
    if (names.empty()) return;
    const std::string text =
        std::to_string(names.size()) + " tensor" + (names.size() > 1 ? "s " : " ") + what + ": " + joined(names);
    if (!partial) throw Error(head + text + " (--init-partial takes the others)");
    note(head + text);
  };
  tell(match.odd, "of another shape");
  tell(match.missing, "of the model not in it");
  tell(match.left_over, "in it that the model has not");
  for (const auto& name : match.taken) {
    const auto& tensor = given.at(name);
    if (!torch::isfinite(tensor).all().item<bool>())
      throw Error(head + "tensor '" + name +
                  "' has values that are not finite; a training that diverged leaves such a model");
    own.at(name).copy_(tensor);
  }
  note(head + std::to_string(match.taken.size()) + " of the model's " + std::to_string(own.size()) + " tensors");

  const std::string classes = metadata("classes");
  if (!classes.empty() && classes != nlohmann::ordered_json(model.inputs().classes).dump())
    warn(head +
         "its classes are others than the run's; weights of classes stand at their places in the list (--classes gives "
         "the order)");
}

}  // namespace tal
