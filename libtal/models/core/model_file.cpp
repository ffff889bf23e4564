#include "libtal/models/core/model_file.h"

#include <tuple>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/sha256.h"
#include "libtal/base/version.h"
#include "libtal/models/core/guard.h"
#include "libtal/nn/named_weights.h"
#include "libtal/nn/tensors.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kMean = "input/mean";
constexpr const char* kScale = "input/scale";

Json inputs_json(const InputContract& inputs) {
  Json streams = Json::array();
  for (const auto& s : inputs.streams) {
    streams.push_back({{"name", s.name},
                       {"dim", s.dim},
                       {"fps", s.fps},
                       {"stride", s.stride},
                       {"window", s.window},
                       {"offset", s.offset},
                       {"resample", s.resample},
                       {"weights", s.weights}});
    if (s.unstated) streams.back()["unstated"] = true;
    if (s.settings.empty()) continue;
    streams.back()["settings"] = s.settings;
    streams.back()["settings_hash"] = sha256(s.settings);
  }
  if (const auto& f = inputs.frames)
    streams.push_back({{"frames",
                        {{"fps", f->fps},
                         {"count", f->count},
                         {"size", f->side},
                         {"width", f->width},
                         {"resize", f->resize},
                         {"modalities", f->modalities},
                         {"flow", f->flow}}}});
  return streams;
}

// Takes a column vector out of the file's tensors; empty when it has none.
std::vector<float> take_columns(std::map<std::string, torch::Tensor>& tensors, const char* name) {
  const auto node = tensors.extract(name);
  if (node.empty()) return {};
  const auto& column = node.mapped();
  if (column.scalar_type() != torch::kFloat || column.dim() != 1)
    throw Error("tensor '" + std::string(name) + "' is " + tensor_shape(column) + ", no list of columns");
  return {column.data_ptr<float>(), column.data_ptr<float>() + column.numel()};
}

InputContract inputs_of(const Json& streams, const Json& classes) {
  InputContract inputs;
  for (const auto& s : streams) {
    if (s.contains("frames")) {
      const auto& f = s.at("frames");
      inputs.frames = FrameContract{f.at("fps"),
                                    f.at("count"),
                                    f.at("size"),
                                    f.at("resize"),
                                    f.at("modalities"),
                                    f.at("flow"),
                                    f.value("width", std::int64_t{0})};
      continue;
    }
    const auto settings = s.value("settings", std::string());
    if (const auto hash = s.value("settings_hash", std::string()); !settings.empty() && hash != sha256(settings))
      throw Error("the settings of stream '" + s.at("name").get<std::string>() + "' do not have their hash, " + hash);
    inputs.streams.push_back({s.at("name"), s.at("dim"), s.at("stride"), s.at("window"), s.at("offset"), s.at("fps"),
                              s.at("resample"), s.at("weights"), settings, s.value("unstated", false)});
  }
  inputs.classes = classes.get<std::vector<std::string>>();
  return inputs;
}

}  // namespace

std::pair<std::vector<float>, std::vector<float>> take_normalisation(std::map<std::string, torch::Tensor>& tensors,
                                                                     const std::string& path) {
  std::pair<std::vector<float>, std::vector<float>> columns{take_columns(tensors, kMean),
                                                            take_columns(tensors, kScale)};
  if (columns.first.size() != columns.second.size())
    throw Error(std::string("'") + kMean + "' has " + std::to_string(columns.first.size()) + " columns, '" + kScale +
                "' " + std::to_string(columns.second.size()))
        .in_file(path);
  return columns;
}

std::vector<StreamContract> read_streams(const std::string& inputs) {
  return inputs_of(Json::parse(inputs), Json::array()).streams;
}

void load_weights(torch::nn::Module& network, const std::map<std::string, torch::Tensor>& weights,
                  const std::string& source) {
  torch::NoGradGuard guard;
  auto own = weights_of(network);  // shares storage with the network
  for (auto& [name, tensor] : own) {
    const auto found = weights.find(name);
    const auto fail = [&](const std::string& why) { return Error(why).in_file(source); };
    if (found == weights.end())
      throw fail("no tensor '" + name + "', which the model needs as " + tensor_shape(tensor));
    if (found->second.sizes() != tensor.sizes())
      throw fail("tensor '" + name + "' is " + tensor_shape(found->second) + ", the model needs " +
                 tensor_shape(tensor));
    if (!torch::isfinite(found->second).all().item<bool>())
      throw fail("tensor '" + name + "' has values that are not finite; a training that diverged leaves such a model");
    tensor.copy_(found->second);
  }
  for (const auto& [name, tensor] : weights)
    if (!own.count(name))
      throw Error("tensor '" + name + "' " + tensor_shape(tensor) + " belongs to nothing in the model").in_file(source);
}

void save_model(const std::string& path, Model& model, const std::string& training) {
  std::map<std::string, std::string> metadata;
  metadata["format"] = kModelFormat;
  metadata["model"] = model.name();
  metadata["settings"] = model.settings().json();
  metadata["inference"] = model.inference().json();
  metadata["inputs"] = inputs_json(model.inputs()).dump();
  metadata["classes"] = Json(model.inputs().classes).dump();
  metadata["training"] = training;
  metadata["tal"] = version();
  auto tensors = weights_of(model.network());
  if (const auto& inputs = model.inputs(); !inputs.mean.empty()) {
    tensors[kMean] = torch::tensor(inputs.mean);
    tensors[kScale] = torch::tensor(inputs.scale);
  }
  write_tensors(path, tensors, metadata);
}

std::unique_ptr<Model> load_model(const std::string& path) {
  TensorFile file = read_tensors(path);
  const auto text = [&](const char* key) -> const std::string& {
    const auto found = file.metadata.find(key);
    if (found == file.metadata.end())
      throw Error("'" + path + "' is no model of this toolchain: its metadata has no '" + key +
                  "' (tal-convert --weights imports foreign ones)");
    return found->second;
  };
  if (text("format") == kBundleFormat)
    throw Error("'" + path +
                "' is a bundle: tal-detect -m runs it, and FILE/MODEL names a model of it (tal-check lists them)");
  if (text("format") != kModelFormat)
    throw Error("'" + path + "': the format is '" + text("format") + "', this program reads '" + kModelFormat + "'");
  try {
    auto model = make_model(text("model"));
    model->settings().read_json(text("settings"));
    if (const auto& inference = text("inference"); !model->inference().entries().empty())
      model->inference().read_json(inference);
    InputContract inputs = inputs_of(Json::parse(text("inputs")), Json::parse(text("classes")));
    std::tie(inputs.mean, inputs.scale) = take_normalisation(file.tensors, path);
    if (!inputs.mean.empty() && static_cast<std::int64_t>(inputs.mean.size()) != inputs.dim())
      throw Error("tensor '" + std::string(kMean) + "' has " + std::to_string(inputs.mean.size()) +
                  " columns, the inputs have " + std::to_string(inputs.dim()));
    guarded(*model, [&] { model->build(inputs); });
    load_weights(model->network(), file.tensors, path);
    model->network().eval();
    return model;
  } catch (const UsageError& error) {
    throw Error("'" + path + "': " + error.what());
  } catch (const nlohmann::json::exception&) {
    throw Error("'" + path + "': the metadata are damaged");
  } catch (const Error& error) {
    if (error.file() == path) throw;
    throw Error("'" + path + "': " + error.what());
  }
}

}  // namespace tal
