#include "libtal/data/weight_maps.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

// NAME[:KEY=VALUE,...]; keys dim, fps, stride, window, offset (frames), resample, weights.
Json stream_of(const std::string& text) {
  Json stream = {{"name", text.substr(0, text.find(':'))},
                 {"dim", 0},
                 {"fps", 0.0},
                 {"stride", 0.0},
                 {"window", 0.0},
                 {"offset", 0.0},
                 {"resample", ""},
                 {"weights", ""}};
  for (std::size_t at = text.find(':'); at != std::string::npos;) {
    const std::size_t next = text.find(',', at + 1);
    const std::string item = text.substr(at + 1, next == std::string::npos ? next : next - at - 1);
    const auto equals = item.find('=');
    const std::string key = item.substr(0, equals);
    if (equals == std::string::npos || key == "name" || !stream.contains(key))
      throw UsageError("--model-input: '" + item +
                       "' is not KEY=VALUE with one of dim, fps, stride, window, offset, resample, weights");
    const std::string value = item.substr(equals + 1);
    if (key == "dim") stream[key] = parse_integer(value);
    else if (stream[key].is_number()) stream[key] = parse_fraction(value);
    else stream[key] = value;
    at = next;
  }
  return stream;
}

}  // namespace

std::string model_inputs(const std::vector<std::string>& texts, std::int64_t columns) {
  Json inputs = Json::array();
  std::int64_t sum = 0;
  for (const auto& text : texts) {
    inputs.push_back(stream_of(text));
    if (inputs.back()["name"].get<std::string>().empty())
      throw UsageError("--model-input: '" + text + "' has no stream name");
    sum += inputs.back()["dim"].get<std::int64_t>();
  }
  if (inputs.empty()) {
    inputs.push_back(stream_of(":dim=" + std::to_string(columns)));
    inputs.back()["unstated"] = true;
    sum = columns;
  }
  if (inputs.size() == 1 && sum == 0) inputs[0]["dim"] = sum = columns;
  if (sum != columns)
    throw UsageError("--model-input: the streams have " + std::to_string(sum) +
                     " columns together, the network reads " + std::to_string(columns));
  return inputs.dump();
}

const std::vector<NamedMap>& named_maps() {
  static const std::vector<NamedMap> all = [] {
    auto maps = bmn_maps();
    for (auto& map : point_maps()) maps.push_back(std::move(map));
    for (auto& map : encoder_maps()) maps.push_back(std::move(map));
    for (auto& map : transformer_maps()) maps.push_back(std::move(map));
    return maps;
  }();
  return all;
}

const NamedMap* recognised_map(const std::vector<TensorView>& tensors) {
  for (const auto& map : named_maps())
    for (const auto& tensor : tensors)
      if (!map.mark.empty() && (tensor.name == map.mark || tensor.name.ends_with("." + map.mark))) return &map;
  return nullptr;
}

const NamedMap* find_named_map(std::string_view name) {
  const auto& all = named_maps();
  const auto found = std::find_if(all.begin(), all.end(), [&](const NamedMap& map) { return map.name == name; });
  return found == all.end() ? nullptr : &*found;
}

}  // namespace tal
