#include "libtal/stages/convert_weights.h"

#include <algorithm>

#include "libtal/data/import_support.h"
#include "libtal/data/tables.h"
#include "libtal/data/weight_maps.h"
#include "libtal/io/torch_file.h"
#include "libtal/models/catalogue/points_presets.h"

namespace tal {
namespace {

void list(Tool& tool, const std::vector<std::string>& names, const std::string& what) {
  for (const auto& name : names) tool.warn(what + ": " + name);
}

// Where detectors' repositories keep the moving average of their weights.
constexpr const char* kAveraged = "state_dict_ema";

bool has_key(const TensorsBelow& error, const std::string& name) {
  return std::any_of(error.keys().begin(), error.keys().end(), [&](const auto& key) { return key.name == name; });
}

MapRequest request_of(Tool& tool, const WeightOptions& o) {
  MapRequest request{o.inputs, "", {}};
  for (const auto& preset : points_presets())
    if (preset.name == o.preset) request.settings = preset.settings;
  if (o.classes.empty()) return request;
  for (const auto& [number, name] :
       parse_classes(load_class_list(o.classes), [&](const std::string& text) { tool.note(text); })) {
    if (number != static_cast<std::int64_t>(request.classes.size()))
      throw Error("classes must be numbered from 0 without a gap; there is no " +
                  std::to_string(request.classes.size()))
          .at_line(o.classes, 0);
    request.classes.push_back(name);
  }
  return request;
}

// The tensors renamed, and written or listed.
void convert_tensors(Tool& tool, const WeightOptions& o, ImportedWeights& weights) {
  const std::string& output = tool.options().output;
  const NamedMap* known = o.rules.empty() ? recognised_map(weights.tensors) : find_named_map(o.rules);
  if (known && o.rules.empty())
    tool.note("'" + o.file + "' holds " + known->help + ": taken by --map " + known->name +
              " (--map none keeps the names)");
  if (!known || !known->complete)
    for (const char* option : {"--model-input", "--model-preset", "--model-classes"})
      if (tool.given(option))
        throw UsageError(std::string(option) + ": no model file is made of '" + o.file + "'" +
                         (known ? " by --map " + known->name : "") + " (a --map that knows its networks makes one)");
  if (o.rules.empty() && !known && tool.given("--unmatched"))
    throw UsageError("--unmatched has no effect without --map");
  if (known || !(o.rules.empty() || o.rules == "none")) {
    const std::string name = known ? known->name : o.rules;
    const auto rules =
        parse_rules(known ? SourceText{"--map " + known->name, known->rules} : load_sources({o.rules}, "").at(0));
    Renamed renamed = rename_tensors(weights.tensors, rules, name);
    if (known) renamed.unused.clear();  // what must be there is the network's to say
    list(tool, renamed.unused, "the rule matches no tensor");
    if (o.unmatched == "keep")
      for (const auto& tensor : weights.tensors)
        if (std::find(renamed.unmatched.begin(), renamed.unmatched.end(), tensor.name) != renamed.unmatched.end())
          renamed.tensors.push_back(tensor);
    if (o.unmatched != "keep")
      list(tool, renamed.unmatched, o.unmatched == "drop" ? "left out, no rule names it" : "no rule names it");
    if (o.unmatched == "fail" && !renamed.unmatched.empty())
      throw Error(std::to_string(renamed.unmatched.size()) +
                  " tensors have no rule (--unmatched keep or drop lets them pass)")
          .at_line(name, 0);
    check_readable(renamed.tensors);
    if (known && known->complete)
      known->complete(weights.tensors, renamed.tensors, request_of(tool, o), weights.metadata, weights.storage);
    weights.tensors = std::move(renamed.tensors);
  }
  check_readable(weights.tensors);
  if (output != "-") return write_safetensors(output, weights.tensors, weights.metadata);
  for (const auto& tensor : weights.tensors)
    tool.out().write(tensor.name + '\t' + std::string(dtype_name(tensor.dtype)) + '\t' + shape_text(tensor.shape) +
                     '\n');
}

}  // namespace

void convert_weights(Tool& tool, const WeightOptions& o) {
  const MappedFile file(o.file);
  ImportedWeights weights;
  try {
    weights = read_weights(file.bytes(), o.key);
  } catch (const TensorsBelow& error) {
    if (!has_key(error, kAveraged)) throw Error("'" + o.file + "': " + error.message() + "; choose with --key");
    weights = read_weights(file.bytes(), kAveraged);
    weights.notes.push_back(std::string("took '") + kAveraged +
                            "', the averaged weights that the checkpoint is evaluated with (--key says others)");
  } catch (const Error& error) {
    throw Error("'" + o.file + "': " + error.message());
  }
  for (const auto& note : weights.notes) tool.note(note);
  for (const auto& entry : o.metadata) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) throw UsageError("--metadata: '" + entry + "' must be KEY=VALUE");
    weights.metadata[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  try {
    convert_tensors(tool, o, weights);
  } catch (Error& error) {
    throw error.at_line(o.file, 0);
  }
}

}  // namespace tal
