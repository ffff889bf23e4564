#include "libtal/encoder/encoder_spec.h"

#include "libtal/base/error.h"
#include "libtal/encoder/log_mel_encoder.h"
#include "libtal/encoder/recipes.h"

namespace tal {

EncoderSpec parse_encoder_spec(const std::string& spec) {
  const auto colon = spec.find(':');
  const std::string name = spec.substr(0, colon);
  const auto at = name.find('@');
  EncoderSpec out{name.substr(0, at), at == std::string::npos ? "" : name.substr(at + 1),
                  colon == std::string::npos ? "" : spec.substr(colon + 1)};
  if (at != std::string::npos && out.layer.empty())
    throw UsageError("--encoder " + spec + ": which layer? (NAME@LAYER:WEIGHTS)");
  return out;
}

std::vector<std::string> encoder_names() {
  std::vector<std::string> names = {"hog-hof", kLogMelEncoder};
  for (const auto& recipe : encoder_recipes()) names.push_back(recipe.name);
  names.insert(names.end(), {kOnnxEncoder, kScriptEncoder});
  return names;
}

}  // namespace tal
