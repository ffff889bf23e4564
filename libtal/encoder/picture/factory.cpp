#include "libtal/encoder/picture/factory.h"

#include "libtal/base/error.h"
#include "libtal/encoder/log_mel_encoder.h"
#include "libtal/encoder/picture/onnx_network.h"
#include "libtal/encoder/recipes.h"

namespace tal {

std::unique_ptr<Encoder> make_encoder(const std::string& text, const EncoderOptions& options) {
  const auto spec = parse_encoder_spec(text);
  if (spec.name == "hog-hof") {
    if (!spec.weights.empty() || text.find(':') != std::string::npos)
      throw UsageError("--encoder hog-hof has no weights: '" + text + "'");
    if (!spec.layer.empty()) throw UsageError("--encoder hog-hof has no layers: '" + text + "'");
    return make_hog_hof(options);
  }
  if (spec.name == kLogMelEncoder) {
    if (text.find(':') != std::string::npos) throw UsageError("--encoder log-mel has no weights: '" + text + "'");
    return make_log_mel(spec.layer, options.sound);
  }
  if (spec.name == kOnnxEncoder || spec.name == kScriptEncoder)
    if (spec.weights.empty())
      throw UsageError("--encoder " + spec.name + ": which file? (" + spec.name + ":FILE, described by FILE.json)");
  if (spec.name == kOnnxEncoder) return make_onnx_encoder(spec, options);
  if (spec.name == kScriptEncoder || find_recipe(spec.name)) {
    if (!options.networks)
      throw UsageError("--encoder " + spec.name +
                       ": networks need a build with LibTorch, this one has hog-hof and onnx:FILE");
    return options.networks(spec, options);
  }
  const auto known = encoder_names();
  const auto near = nearest(spec.name, known);
  std::string list;
  for (const auto& name : known) list += (list.empty() ? "" : ", ") + name;
  throw UsageError("--encoder: unknown encoder '" + spec.name + "'" +
                   (near.empty() ? " (known: " + list + ")" : "; did you mean '" + std::string(near) + "'?"));
}

}  // namespace tal
