#include "libtal/encoder/recipe_file.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/io/json_check.h"
#include "libtal/io/jsonl.h"

namespace tal {
namespace {

using Input = EncoderRecipe::Input;

const std::vector<std::string> kKeys = {"name", "input",   "filter", "width",     "height", "crop",
                                        "rgb",  "divisor", "mean",   "deviation", "clip",   "classes"};

Input input_of(const std::string& name) {
  if (name == "frames") return Input::kFrames;
  if (name == "clips") return Input::kClips;
  if (name == "flow") return Input::kFlow;
  if (name == "flow-clips") return Input::kFlowClips;
  if (name == "flow-stack-clips") return Input::kFlowStackClips;
  throw Error("input '" + name + "' is none of frames, clips, flow, flow-clips, flow-stack-clips");
}

void check_keys(const nlohmann::json& object) {
  if (!object.is_object()) throw Error("is no JSON object");
  for (const auto& item : object.items()) {
    if (std::find(kKeys.begin(), kKeys.end(), item.key()) != kKeys.end()) continue;
    const auto near = nearest(item.key(), kKeys);
    throw Error("unknown key '" + item.key() + "'" +
                (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
  }
  for (const char* key : {"input", "height", "crop", "mean", "deviation"})
    if (!object.contains(key)) throw Error("lacks '" + std::string(key) + "'");
}

void check(const EncoderRecipe& recipe) {
  const auto& p = recipe.preprocessing;
  if (p.filter != "pillow" && p.filter != "pillow-bicubic" && p.filter != "torch" && p.filter != "opencv")
    throw Error("filter '" + p.filter + "' is none of pillow, torch, opencv");
  const bool whole = p.crop >= 1 && p.crop <= 4096 && p.height >= p.crop && p.height <= 4096 && p.width <= 8192 &&
                     (p.width == 0 || p.width >= p.crop);
  if (!whole) throw Error("the crop must lie in [1, 4096] and inside the resized picture");
  if (!(p.divisor > 0)) throw Error("the divisor must be above 0");
  for (const auto* values : {&p.mean, &p.deviation})
    if (values->size() != 1 && values->size() != static_cast<std::size_t>(channels_of(recipe)))
      throw Error("mean and deviation need 1 or " + std::to_string(channels_of(recipe)) + " numbers, not " +
                  std::to_string(values->size()));
  if (std::any_of(p.deviation.begin(), p.deviation.end(), [](float value) { return !(value > 0); }))
    throw Error("deviations must be above 0");
  if (recipe.input == Input::kFlowStackClips && recipe.clip == 0)
    throw Error("flow-stack-clips need `clip`, the number of stacks of a clip");
  if (recipe.clip < 0) throw Error("clip must be a number of frames");
  if (recipe.name.empty() || recipe.name.find_first_of("/.:@") != std::string::npos)
    throw Error("the name '" + recipe.name + "' must have no '/', '.', ':' or '@'");
}

NetworkFile parse(const SourceText& source, const std::string& default_name) {
  const auto object = nlohmann::json::parse(check_json_file(source));
  check_keys(object);
  NetworkFile out;
  auto& recipe = out.recipe;
  auto& p = recipe.preprocessing;
  recipe.name = object.value("name", default_name);
  recipe.input = input_of(object.at("input").get<std::string>());
  p.filter = object.value("filter", p.filter);
  p.width = object.value("width", p.width);
  p.height = object.at("height").get<int>();
  p.crop = object.at("crop").get<int>();
  p.rgb = object.value("rgb", p.rgb);
  p.divisor = object.value("divisor", p.divisor);
  p.mean = object.at("mean").get<std::vector<float>>();
  p.deviation = object.at("deviation").get<std::vector<float>>();
  recipe.clip = object.value("clip", recipe.clip);
  out.classes = object.value("classes", out.classes);
  check(recipe);
  return out;
}

}  // namespace

NetworkFile read_network_file(const std::string& model) {
  const auto path = model + ".json";
  if (!std::filesystem::exists(path))
    throw Error("'" + path +
                "' is missing: it says what pictures the network wants, e.g. "
                "{\"input\":\"frames\",\"height\":256,\"crop\":224,\"rgb\":true,\"divisor\":255,"
                "\"mean\":[0.485,0.456,0.406],\"deviation\":[0.229,0.224,0.225]}");
  try {
    return parse({path, read_file(path)}, std::filesystem::path(model).stem().string());
  } catch (const nlohmann::json::exception& error) {
    throw Error("'" + path + "': " + error.what());
  } catch (const Error& error) {
    if (!error.source().empty()) throw;
    throw Error("'" + path + "': " + error.message());
  }
}

}  // namespace tal
