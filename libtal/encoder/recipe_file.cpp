#include "libtal/encoder/recipe_file.h"

#include <algorithm>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/io/json_check.h"
#include "libtal/io/jsonl.h"

namespace tal {
namespace {

using Input = EncoderRecipe::Input;

const std::vector<std::string> kPictureKeys = {"name", "input",   "filter", "width",     "height", "crop",
                                               "rgb",  "divisor", "mean",   "deviation", "clip",   "classes"};
const std::vector<std::string> kWaveformKeys = {"name", "input", "rate", "axes", "seconds", "classes"};
const std::vector<std::string> kLogMelKeys = {"name", "input",  "preset",  "settings", "edges",
                                              "axes", "frames", "seconds", "classes"};

Input input_of(const std::string& name) {
  if (name == "frames") return Input::kFrames;
  if (name == "clips") return Input::kClips;
  if (name == "flow") return Input::kFlow;
  if (name == "flow-clips") return Input::kFlowClips;
  if (name == "flow-stack-clips") return Input::kFlowStackClips;
  if (name == "waveform") return Input::kWaveform;
  if (name == "log-mel") return Input::kLogMel;
  throw Error("input '" + name + "' is none of frames, clips, flow, flow-clips, flow-stack-clips, waveform, log-mel");
}

void check_keys(const nlohmann::json& object, const std::vector<std::string>& known,
                const std::vector<const char*>& needed) {
  for (const auto& item : object.items()) {
    if (std::find(known.begin(), known.end(), item.key()) != known.end()) continue;
    const auto near = nearest(item.key(), known);
    throw Error("unknown key '" + item.key() + "'" +
                (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
  }
  for (const char* key : needed)
    if (!object.contains(key)) throw Error("lacks '" + std::string(key) + "'");
}

void check_name(const std::string& name) {
  if (name.empty() || name.find_first_of("/.:@") != std::string::npos)
    throw Error("the name '" + name + "' must have no '/', '.', ':' or '@'");
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
}

void check_choice(const char* key, const std::string& value, const std::vector<std::string>& choices) {
  if (std::find(choices.begin(), choices.end(), value) == choices.end())
    throw Error(std::string(key) + " '" + value + "' is none of " + joined(choices));
}

void parse_sound(const nlohmann::json& object, EncoderRecipe& recipe) {
  auto& sound = recipe.sound;
  const bool mel = recipe.input == Input::kLogMel;
  if (mel) check_keys(object, kLogMelKeys, {});
  else check_keys(object, kWaveformKeys, {"rate"});
  try {
    if (mel) sound.mel = log_mel_preset(object.value("preset", log_mel_presets().front()));
    if (mel) settings_of(sound.mel).read_json(object.value("settings", nlohmann::json::object()).dump());
    else settings_of(sound.mel).set("rate", object.at("rate").dump());
    if (mel) LogMel{sound.mel};  // its checks
  } catch (const UsageError& error) {
    throw Error(error.what());
  }
  sound.axes = object.value("axes", mel ? "1tm" : "s");
  check_choice("axes", sound.axes,
               mel ? std::vector<std::string>{"1tm", "tm", "1mt", "mt"} : std::vector<std::string>{"s", "1s"});
  sound.edges = object.value("edges", sound.edges);
  check_choice("edges", sound.edges, {"inside", "beyond", "reflect", "zero"});
  sound.frames = object.value("frames", sound.frames);
  sound.seconds = object.value("seconds", sound.seconds);
  if (sound.frames < 0 || sound.frames > 1 << 20) throw Error("frames must lie in [0, 1048576]");
  if (!(sound.seconds >= 0) || sound.seconds > 3600) throw Error("seconds must lie in [0, 3600]");
}

void parse_pictures(const nlohmann::json& object, EncoderRecipe& recipe) {
  check_keys(object, kPictureKeys, {"height", "crop", "mean", "deviation"});
  auto& p = recipe.preprocessing;
  p.filter = object.value("filter", p.filter);
  p.width = object.value("width", p.width);
  p.height = object.at("height").get<int>();
  p.crop = object.at("crop").get<int>();
  p.rgb = object.value("rgb", p.rgb);
  p.divisor = object.value("divisor", p.divisor);
  p.mean = object.at("mean").get<std::vector<float>>();
  p.deviation = object.at("deviation").get<std::vector<float>>();
  recipe.clip = object.value("clip", recipe.clip);
  check(recipe);
}

NetworkFile parse(const SourceText& source, const std::string& default_name) {
  const auto object = nlohmann::json::parse(check_json_file(source));
  if (!object.is_object()) throw Error("is no JSON object");
  if (!object.contains("input")) throw Error("lacks 'input'");
  NetworkFile out;
  auto& recipe = out.recipe;
  recipe.name = object.value("name", default_name);
  recipe.input = input_of(object.at("input").get<std::string>());
  if (hears(recipe)) parse_sound(object, recipe);
  else parse_pictures(object, recipe);
  check_name(recipe.name);
  out.classes = object.value("classes", out.classes);
  return out;
}

}  // namespace

NetworkFile read_network_file(const std::string& model) {
  const auto path = model + ".json";
  if (!std::filesystem::exists(path))
    throw Error("'" + path +
                "' is missing: it says what pictures or sound the network wants, e.g. "
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
