#include "libtal/data/weights.h"

#include <algorithm>
#include <cstring>

#include "libtal/base/number.h"
#include "libtal/base/text.h"
#include "libtal/data/import_support.h"
#include "libtal/data/name_groups.h"
#include "libtal/data/weight_maps.h"
#include "libtal/io/file_kind.h"
#include "libtal/io/npz.h"
#include "libtal/io/torch_file.h"
#include "libtal/io/zip.h"

namespace tal {
namespace {

std::vector<std::int64_t> parse_shape(std::string_view text) {
  std::vector<std::int64_t> shape;
  while (!trim(text).empty()) {
    const auto comma = std::min(text.find(','), text.size());
    const auto extent = trim(text.substr(0, comma));
    shape.push_back(extent == "*" ? -1 : parse_integer(extent));
    if (extent != "*" && shape.back() < 0) throw Error("'" + std::string(extent) + "' is not an extent");
    text.remove_prefix(std::min(comma + 1, text.size()));
  }
  return shape;
}

RenameRule parse_rule(std::string_view line) {
  const auto arrow = line.find("->");
  if (arrow == std::string_view::npos) throw Error("must be REGEX -> NAME [SHAPE]");
  RenameRule rule;
  rule.text = trim(line.substr(0, arrow));
  std::string_view target = trim(line.substr(arrow + 2));
  if (const auto open = target.find('['); open != std::string_view::npos) {
    if (target.back() != ']') throw Error("text behind the shape");
    rule.shape = parse_shape(target.substr(open + 1, target.size() - open - 2));
    target = trim(target.substr(0, open));
  }
  rule.name = target;
  if (rule.text.empty() || rule.name.empty()) throw Error("must be REGEX -> NAME [SHAPE]");
  try {
    rule.pattern = std::regex(rule.text);
  } catch (const std::regex_error&) {
    throw Error("'" + rule.text + "' is not a regular expression");
  }
  check_groups(rule.name, rule.pattern.mark_count());
  return rule;
}

bool shape_fits(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& wanted) {
  return std::equal(shape.begin(), shape.end(), wanted.begin(), wanted.end(),
                    [](std::int64_t extent, std::int64_t want) { return want < 0 || extent == want; });
}

std::string wanted_text(const std::vector<std::int64_t>& wanted) {
  std::string text = shape_text(wanted);
  for (std::size_t at; (at = text.find("-1")) != std::string::npos;) text.replace(at, 2, "*");
  return text;
}

Dtype npy_dtype(const NpyHeader& header) {
  if (header.kind == 'b') return Dtype::kBool;
  const std::string name = std::string(1, header.kind == 'f'   ? 'F'
                                          : header.kind == 'i' ? 'I'
                                                               : 'U') +
                           std::to_string(8 * header.bytes);
  return *dtype_named(name);
}

// Elements in C order, little-endian.
std::string npy_elements(std::string_view file, const NpyHeader& header) {
  const auto count = static_cast<std::size_t>(header.count()), width = static_cast<std::size_t>(header.bytes),
             rank = header.shape.size();
  const std::string_view data = file.substr(header.data_offset, count * width);
  std::vector<std::size_t> strides(rank, 1), index(rank, 0);
  if (header.fortran)
    for (std::size_t d = 1; d < rank; ++d) strides[d] = strides[d - 1] * static_cast<std::size_t>(header.shape[d - 1]);
  else
    for (std::size_t d = rank; d-- > 1;) strides[d - 1] = strides[d] * static_cast<std::size_t>(header.shape[d]);
  std::string out;
  out.reserve(data.size());
  for (std::size_t i = 0; i < count; ++i) {
    std::size_t at = 0;
    for (std::size_t d = 0; d < rank; ++d) at += index[d] * strides[d];
    out.append(data.substr(at * width, width));
    if (header.big_endian) std::reverse(out.end() - header.bytes, out.end());
    for (std::size_t d = rank; d-- > 0 && ++index[d] == static_cast<std::size_t>(header.shape[d]);) index[d] = 0;
  }
  return out;
}

// "3 entries are no tensors and left out: a, b, c", at most eight of them; `what` with the plural's verb.
std::string left_out(const std::vector<std::string>& names, const std::string& what) {
  return std::to_string(names.size()) + ' ' + what + " left out: " + joined_first(names, 8);
}

ImportedWeights read_npz(std::string_view file) {
  const Npz archive(file);
  ImportedWeights out;
  std::vector<std::string> others;
  for (const auto& name : archive.names()) {
    try {
      std::string& storage = out.storage.emplace_back();
      const std::string_view image = archive.npy(name, storage);
      if (const auto kind = npy_other_kind(image)) {
        others.push_back(name + " (" + *kind + ")");
        continue;
      }
      const NpyHeader header = parse_npy_header(image);
      TensorView tensor{name, npy_dtype(header), header.shape, {}};
      if (header.fortran || header.big_endian) tensor.data = out.storage.emplace_back(npy_elements(image, header));
      else tensor.data = image.substr(header.data_offset, static_cast<std::size_t>(header.count() * header.bytes));
      out.tensors.push_back(std::move(tensor));
    } catch (const Error& error) {
      throw Error("array '" + name + "': " + error.message());
    }
  }
  if (out.tensors.empty()) throw Error("no arrays of numbers" + (others.empty() ? "" : ": " + joined(others)));
  if (!others.empty()) out.notes.push_back(left_out(others, "arrays hold no numbers and are"));
  return out;
}

ImportedWeights read_torch(std::string_view file, const std::string& key) {
  const auto torch = std::make_shared<TorchFile>(file);
  StateDict state = torch->state_dict(key);
  ImportedWeights out;
  out.tensors = std::move(state.tensors);
  out.storage = std::move(state.storage);
  out.source = torch;
  if (!state.skipped.empty()) out.notes.push_back(left_out(state.skipped, "entries are no tensors and"));
  if (!state.objects.empty()) {
    std::vector<std::string> classes;
    for (const auto& [name, count] : state.objects) classes.push_back(name + " (" + std::to_string(count) + ")");
    out.notes.push_back("the file holds objects of other classes, which were neither made nor run: " + joined(classes));
  }
  if (state.copied > 0) out.notes.push_back(std::to_string(state.copied) + " strided tensors were laid out anew");
  if (state.negated > 0)
    out.notes.push_back(std::to_string(state.negated) + " tensors had PyTorch's negative bit: their signs are changed");
  if (state.shared > 0)
    out.notes.push_back(std::to_string(state.shared) + " tensors shared another's storage and have their own now");
  return out;
}

// Of protocol 2 and later.
bool looks_like_pickle(std::string_view file) {
  return file.size() > 2 && file[0] == '\x80' && file[1] >= 2 && file[1] <= 5 && file.back() == '.';
}

// A tar archive, as PyTorch wrote before 0.1.10.
bool looks_like_tar(std::string_view file) { return file.size() > 262 && file.substr(257, 5) == "ustar"; }

}  // namespace

std::vector<RenameRule> parse_rules(const SourceText& source) {
  std::vector<RenameRule> rules;
  const auto lines = split_lines(source);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto line = trim(lines[i]);
    if (line.empty() || line.front() == '#') continue;
    try {
      rules.push_back(parse_rule(line));
    } catch (Error& error) {
      throw error.at_line(source.name, i + 1);
    }
    rules.back().line = i + 1;
  }
  if (rules.empty()) throw Error("no rules").at_line(source.name, 0);
  return rules;
}

Renamed rename_tensors(const std::vector<TensorView>& tensors, const std::vector<RenameRule>& rules,
                       const std::string& rules_name) {
  Renamed out;
  std::vector<bool> used(rules.size(), false);
  std::map<std::string, std::string> old_names;
  for (const auto& tensor : tensors) {
    if (tensor.name.size() > kMaxMatched)  // the library's matching recurses with the length
      throw Error("the name of " + std::to_string(tensor.name.size()) + " bytes that begins with '" +
                  tensor.name.substr(0, 40) + "' is too long for rules");
    std::smatch match;
    const auto rule = std::find_if(rules.begin(), rules.end(), [&](const RenameRule& r) {
      return std::regex_match(tensor.name, match, r.pattern);
    });
    if (rule == rules.end()) {
      out.unmatched.push_back(tensor.name);
      continue;
    }
    used[static_cast<std::size_t>(rule - rules.begin())] = true;
    if (rule->shape && !shape_fits(tensor.shape, *rule->shape))
      throw Error("tensor '" + tensor.name + "' has the shape " + shape_text(tensor.shape) + ", not " +
                  wanted_text(*rule->shape))
          .at_line(rules_name, rule->line);
    if (rule->name == "-") {
      ++out.dropped;
      continue;
    }
    TensorView renamed = tensor;
    renamed.name = match.format(rule->name);
    if (renamed.name.empty())
      throw Error("'" + tensor.name + "' becomes an empty name").at_line(rules_name, rule->line);
    const auto [other, added] = old_names.emplace(renamed.name, tensor.name);
    if (!added)
      throw Error("'" + other->second + "' and '" + tensor.name + "' both become '" + renamed.name + "'")
          .at_line(rules_name, rule->line);
    out.tensors.push_back(std::move(renamed));
  }
  for (std::size_t i = 0; i < rules.size(); ++i)
    if (!used[i]) out.unused.push_back(rules[i].text);
  return out;
}

ImportedWeights read_weights(std::string_view file, const std::string& key) {
  if (looks_like_zip(file)) {
    const auto entries = zip_entries(file);
    const bool arrays =
        std::all_of(entries.begin(), entries.end(), [](const ZipEntry& e) { return e.name.ends_with(".npy"); });
    if (arrays && !entries.empty()) {
      if (!key.empty()) throw Error("--key is for PyTorch files");
      return read_npz(file);
    }
  }
  if (looks_like_torch_file(file)) return read_torch(file, key);
  if (looks_like_tar(file))
    throw Error("a tar archive: if it is a PyTorch file of before 0.1.10, load it with PyTorch and save it again");
  if (!key.empty()) throw Error("--key is for PyTorch files");
  if (looks_like_pickle(file))
    throw Error("a pickle that torch.save did not write: load it in Python and save its arrays with numpy.savez");
  if (file.size() < 9 || file[8] != '{')
    throw Error("neither PyTorch's .pt/.pth nor .npz nor safetensors" + what_it_is(file));
  SafeTensors content = parse_safetensors(file);
  ImportedWeights out;
  out.tensors = std::move(content.tensors), out.metadata = std::move(content.metadata);
  return out;
}

ImportedWeights read_weights_at_top(std::string_view file, const std::string& path) {
  const auto whole = [&](const std::string& key) {
    auto weights = read_weights(file, key);
    check_readable(weights.tensors);
    return weights;
  };
  try {
    return whole("");
  } catch (const TensorsBelow& error) {
    if (error.keys().size() == 1) return whole(error.keys()[0].name);  // {"model": {...}}
    const auto most = std::max_element(error.keys().begin(), error.keys().end(),
                                       [](const auto& a, const auto& b) { return a.tensors < b.tensors; });
    std::string averaged;
    for (const auto& key : error.keys())
      if (key.name.ends_with("_ema")) averaged = " (" + shell_word(key.name) + ": averaged over the training)";
    throw Error("'" + path + "': " + error.message() + "; take them out first: tal-convert --weights " +
                shell_word(path) + " --key " + shell_word(most->name) + " -o FILE.safetensors" + averaged);
  } catch (const Error& error) {
    throw Error("'" + path + "': " + error.message());
  }
}

}  // namespace tal
