// Weights of other frameworks as safetensors files: PyTorch's .pt/.pth, NumPy's .npz, safetensors with other names.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <optional>
#include <regex>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/data/import.h"
#include "libtal/io/safetensors.h"

namespace tal {

struct WeightOptions {
  std::string file, key, rules;       // --weights, --key, --map
  std::string unmatched = "fail";     // fail, keep or drop what no rule names
  std::vector<std::string> metadata;  // KEY=VALUE
  std::vector<std::string> inputs;    // --model-input, for the named maps that make model files
  std::string preset, classes;        // --model-preset, --model-classes: the same
};

// `REGEX -> NAME [SHAPE]`, one a line; '#' begins a comment. REGEX (ECMAScript) must match the whole name, the first
// rule that does decides; NAME is the new name, which may use $1, $2, ...; '-' leaves the tensor out. SHAPE,
// "[256, *, 3]", is checked ('*': any extent). parse_rules: Error (with the line) for anything else, for a group that
// REGEX has not, and when there is no rule.
struct RenameRule {
  std::regex pattern;
  std::string text, name;
  std::optional<std::vector<std::int64_t>> shape;  // -1: any
  std::uint64_t line = 0;
};
std::vector<RenameRule> parse_rules(const SourceText& source);

struct Renamed {
  std::vector<TensorView> tensors;
  std::vector<std::string> unmatched;  // tensors that no rule names; not in `tensors`
  std::vector<std::string> unused;     // rules that named no tensor
  std::size_t dropped = 0;             // by '-'
};
// Error (with the rule's line) for a shape that does not fit, for an empty name, and when two tensors get one name.
Renamed rename_tensors(const std::vector<TensorView>& tensors, const std::vector<RenameRule>& rules,
                       const std::string& rules_name);

// The tensors of a file image that must outlive them. Error for a key of a file that is not PyTorch's, and as the
// format's reader (TensorsBelow, libtal/io/torch_file.h, among them).
struct ImportedWeights {
  std::vector<TensorView> tensors;
  std::map<std::string, std::string> metadata;  // of a safetensors file
  std::vector<std::string> notes;               // what was left out or laid out anew
  std::deque<std::string> storage;
  std::shared_ptr<const void> source;
};
ImportedWeights read_weights(std::string_view file, const std::string& key);
// For tools without --key: the Errors name the file, and where its tensors lie below keys say how tal-convert takes
// them out.
ImportedWeights read_weights_at_top(std::string_view file, const std::string& path);

}  // namespace tal
