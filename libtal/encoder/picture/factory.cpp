#include "libtal/encoder/picture/factory.h"

#include "libtal/base/error.h"
#include "libtal/encoder/picture/onnx_network.h"
#include "libtal/encoder/recipes.h"

namespace tal {
namespace {

constexpr const char *kOnnx = "onnx", *kScript = "torchscript";

}  // namespace

EncoderSpec parse_encoder_spec(const std::string& spec) {
  const auto colon = spec.find(':');
  const std::string name = spec.substr(0, colon);
  const auto at = name.find('@');
  EncoderSpec out{name.substr(0, at), at == std::string::npos ? "" : name.substr(at + 1), colon == std::string::npos ? "" : spec.substr(colon + 1)};
  if (at != std::string::npos && out.layer.empty()) throw UsageError("--encoder " + spec + ": which layer? (NAME@LAYER:WEIGHTS)");
  return out;
}

std::vector<std::string> encoder_names() {
  std::vector<std::string> names = {"hog-hof"};
  for (const auto& recipe : encoder_recipes()) names.push_back(recipe.name);
  names.insert(names.end(), {kOnnx, kScript});
  return names;
}

std::unique_ptr<Encoder> make_encoder(const std::string& text, const EncoderOptions& options) {
  const auto spec = parse_encoder_spec(text);
  if (spec.name == "hog-hof") {
    if (!spec.weights.empty() || text.find(':') != std::string::npos) throw UsageError("--encoder hog-hof has no weights: '" + text + "'");
    if (!spec.layer.empty()) throw UsageError("--encoder hog-hof has no layers: '" + text + "'");
    return make_hog_hof(options);
  }
  if (spec.name == kOnnx || spec.name == kScript)
    if (spec.weights.empty()) throw UsageError("--encoder " + spec.name + ": which file? (" + spec.name + ":FILE, described by FILE.json)");
  if (spec.name == kOnnx) return make_onnx_encoder(spec, options);
  if (spec.name == kScript || find_recipe(spec.name)) {
    if (!options.networks) throw UsageError("--encoder " + spec.name + ": networks need a build with LibTorch, this one has hog-hof and onnx:FILE");
    return options.networks(spec, options);
  }
  const auto known = encoder_names();
  const auto near = nearest(spec.name, known);
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  throw UsageError("--encoder: unknown encoder '" + spec.name + "'" + (near.empty() ? " (known: " + list + ")" : "; did you mean '" + std::string(near) + "'?"));
}

}  // namespace tal
