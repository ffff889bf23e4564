#include "libtal/stages/convert_weights.h"

#include <algorithm>

#include "libtal/data/import_support.h"
#include "libtal/data/weight_maps.h"
#include "libtal/io/torch_file.h"

namespace tal {
namespace {

void list(Tool& tool, const std::vector<std::string>& names, const std::string& what) {
  for (const auto& name : names) tool.warn(what + ": " + name);
}

}  // namespace

void convert_weights(Tool& tool, const WeightOptions& o) {
  const std::string& output = tool.options().output;
  const MappedFile file(o.file);
  ImportedWeights weights;
  try {
    weights = read_weights(file.bytes(), o.key);
  } catch (const TensorsBelow& error) {
    throw Error("'" + o.file + "': " + error.message() + "; choose with --key");
  } catch (const Error& error) {
    throw Error("'" + o.file + "': " + error.message());
  }
  for (const auto& note : weights.notes) tool.note(note);
  for (const auto& entry : o.metadata) {
    const auto equals = entry.find('=');
    if (equals == std::string::npos || equals == 0) throw UsageError("--metadata: '" + entry + "' must be KEY=VALUE");
    weights.metadata[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  const NamedMap* known = find_named_map(o.rules);
  if (!o.rules.empty()) {
    const auto rules =
        parse_rules(known ? SourceText{"--map " + known->name, known->rules} : load_sources({o.rules}, "").at(0));
    Renamed renamed = rename_tensors(weights.tensors, rules, o.rules);
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
          .at_line(o.rules, 0);
    if (known && known->complete) known->complete(weights.tensors, renamed.tensors, {o.inputs}, weights.metadata);
    weights.tensors = std::move(renamed.tensors);
  }
  if (output != "-") return write_safetensors(output, weights.tensors, weights.metadata);
  for (const auto& tensor : weights.tensors)
    tool.out().write(tensor.name + '\t' + std::string(dtype_name(tensor.dtype)) + '\t' + shape_text(tensor.shape) +
                     '\n');
}

}  // namespace tal
