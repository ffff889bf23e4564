#include "libtal/data/bundle.h"

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string_view>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/base/version.h"
#include "libtal/io/file_hash.h"
#include "libtal/io/file_name.h"
#include "libtal/io/file_parts.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/model_format.h"
#include "libtal/io/safetensors.h"
#include "libtal/io/text_file.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::string_view kOwn = "@/";  // begins the name of a file of the bundle

Error pipeline_error(const std::string& source, const std::string& why) {
  return Error("'" + source + "': " + why);  // as the rest of the bundle's files are named
}

// The words of a line: single quotes hold everything, and nothing else means more than itself.
std::vector<std::string> words_of(std::string_view line, const std::string& source) {
  std::vector<std::string> words;
  bool quoted = false, open = false;
  for (const char c : line) {
    if (!quoted && std::string_view("][;&|`$<>(){}*?~#\"\\").find(c) != std::string_view::npos)
      throw pipeline_error(source, "shell syntax is not allowed: " + std::string(line));
    if (!quoted && (c == ' ' || c == '\t')) {
      open = false;
      continue;
    }
    if (!std::exchange(open, true)) words.emplace_back();
    if (c == '\'') quoted = !quoted;
    else words.back() += c;
  }
  if (quoted) throw pipeline_error(source, "a quote is not closed: " + std::string(line));
  return words;
}

// What reads records and writes records; tal-check and others can do more than that.
void check_stage(const std::vector<std::string>& words, const std::string& source) {
  static const std::vector<std::string> tools = {"tal-extract", "tal-propose", "tal-refine", "tal-score",
                                                 "tal-nms",     "tal-anchors", "tal-convert"};
  if (std::find(tools.begin(), tools.end(), words.front()) == tools.end())
    throw pipeline_error(source, "not a tal tool of a pipe (" + joined(tools) + "): " + words.front());
  for (const auto& word : words)
    for (const char* stream : {"--output", "--input"})
      if (word.substr(0, word.find('=')) == stream || word.starts_with(std::string{'-', stream[2]}))
        throw pipeline_error(source, words.front() + " " + word + ": a stage reads and writes the pipe");
}

void parse_pipeline(Bundle& bundle, const std::string& source) {
  std::string_view text = bundle.pipeline;
  while (!text.empty()) {
    const auto line = trim(take_line(text));
    if (line.empty() || line.front() == '#') continue;
    bundle.stages.push_back(words_of(line, source));
    check_stage(bundle.stages.back(), source);
  }
  if (bundle.stages.empty()) throw pipeline_error(source, "no stages");
}

std::string text_of(const SafeTensors& content, const std::string& key) {
  const auto found = content.metadata.find(key);
  return found == content.metadata.end() ? "" : found->second;
}

Json json_of(const SafeTensors& content, const std::string& key) {
  const std::string text = text_of(content, key);
  Json value = Json::parse(text.empty() ? "null" : text, nullptr, false);
  if (value.is_discarded()) throw Error("the metadata '" + key + "' are damaged");
  return value;
}

Bundle bundle_of(const SafeTensors& content, const std::string& path) {
  Bundle bundle{path, false, {}, {}, {}};
  if (text_of(content, "format") != kBundleFormat)
    throw Error("'" + path + "' is no bundle, but '" + text_of(content, "format") + "'");
  bundle.pipeline = text_of(content, "pipeline");
  try {
    bundle.weights = json_of(content, "weights").get<std::map<std::string, std::string>>();
  } catch (const nlohmann::json::exception&) {
    throw Error("the metadata 'weights' are damaged").in_file(path);
  }
  parse_pipeline(bundle, path);
  return bundle;
}

// The name behind @/ of a word; nullopt: it names no file of the bundle.
std::optional<std::string> own_name(const std::string& word) {
  const auto at = word.find(kOwn);
  return at == std::string::npos ? std::nullopt : std::optional(word.substr(at + kOwn.size()));
}

// The models of the streams by their names, so that one is what the other saw.
void check_streams(const SafeTensors& model, const std::string& name,
                   std::map<std::string, std::pair<Json, std::string>>& known) {
  for (const auto& stream : json_of(model, "inputs")) {
    if (!stream.contains("name")) continue;  // frames
    const auto [at, fresh] = known.try_emplace(stream["name"].get<std::string>(), stream, name);
    if (!fresh && at->second.first != stream)
      throw Error("'" + at->second.second + "' and '" + name + "' were trained on different features '" + at->first +
                  "': " + at->second.first.dump() + " and " + stream.dump());
  }
}

// The parts of a bundle's file, which must stay until it is written.
struct Parts {
  std::vector<std::unique_ptr<SafeTensorsFile>> files;
  std::vector<TensorView> tensors;
  std::map<std::string, std::string> metadata;
  std::map<std::string, std::pair<Json, std::string>> streams;

  void add_model(const std::string& file, const std::string& name) {
    if (metadata.count(name + "/format")) return;
    auto opened = std::make_unique<SafeTensorsFile>(file);
    const auto& content = opened->content();
    if (text_of(content, "format") != kModelFormat)
      throw Error("no model (" + std::string(kModelFormat) + "), and one file holds models alone").in_file(file);
    check_readable(content.tensors);
    check_streams(content, name, streams);
    for (const auto& [key, value] : content.metadata) metadata[name + "/" + key] = value;
    for (TensorView tensor : content.tensors) {
      tensor.name.insert(0, name + "/");
      tensors.push_back(std::move(tensor));
    }
    files.push_back(std::move(opened));
  }
};

Json model_about(const SafeTensors& content) {
  std::uint64_t values = 0;
  for (const auto& tensor : content.tensors) values += tensor.data.size() / dtype_bytes(tensor.dtype);
  Json about = Json::object();
  for (const char* key : {"format", "model", "tal"})
    if (content.metadata.count(key)) about[key] = text_of(content, key);
  about["tensors"] = content.tensors.size();
  about["values"] = values;
  for (const char* key : {"inputs", "classes", "settings", "inference", "training"})
    if (Json value = json_of(content, key); !value.is_null()) about[key] = std::move(value);
  return about;
}

Json about_of(const std::string& path) {
  const SafeTensorsFile file(path);
  const auto& content = file.content();
  try {
    if (text_of(content, "format") != kBundleFormat) return model_about(content);
    Json about{{"format", kBundleFormat}, {"tal", text_of(content, "tal")}};
    for (const auto& words : bundle_of(content, path).stages) {
      std::vector<std::string> quoted;
      for (const auto& word : words) quoted.push_back(shell_word(word));
      about["pipeline"].push_back(joined(quoted, " "));
    }
    about["weights"] = json_of(content, "weights");
    for (const auto& part : parts_of(content)) about["models"][part] = model_about(part_of(content, part));
    return about;
  } catch (Error& error) {
    if (error.file().empty()) error.in_file(path);
    throw;
  }
}

// The file of -m or --model; "": there is none.
std::string model_of(const Bundle& bundle, const std::vector<std::string>& words) {
  std::string value;
  for (std::size_t i = 1; i < words.size(); ++i) {
    if ((words[i] == "-m" || words[i] == "--model") && i + 1 < words.size()) value = words[i + 1];
    else if (words[i].starts_with("--model=")) value = words[i].substr(words[i].find('=') + 1);
    else if (words[i].starts_with("-m")) value = words[i].substr(2);
  }
  const auto name = own_name(value);
  return name ? bundle.path + "/" + *name : value;
}

// Whether the first stage proposes by itself from the frames of videos.
bool sees_frames(const Bundle& bundle) {
  const auto& words = bundle.stages.front();
  const std::string file = words.front() == "tal-propose" ? model_of(bundle, words) : "";
  if (file.empty()) return false;
  try {
    const SafeTensorsFile opened(file);
    const Json inputs = json_of(opened.content(), "inputs");
    return std::any_of(inputs.begin(), inputs.end(), [](const Json& input) { return input.contains("frames"); });
  } catch (const Error&) {
    return false;  // the stage will say what is wrong with it
  }
}

std::string value_text(const Json& value) { return value.is_string() ? value.get<std::string>() : value.dump(); }

// One member a line, those of objects below it.
void print_members(std::string& out, const Json& object, const std::string& indent) {
  for (const auto& [key, value] : object.items()) {
    if (value.is_object() && !value.empty()) {
      out += indent + key + "\n";
      print_members(out, value, indent + "  ");
    } else if (value.is_array() && !value.empty() &&
               std::all_of(value.begin(), value.end(), [](const Json& item) { return item.is_object(); })) {
      for (const auto& item : value) {
        out += indent + key + "\n";
        print_members(out, item, indent + "  ");
      }
    } else if (value.is_array()) {
      std::vector<std::string> items;
      for (const auto& item : value) items.push_back(value_text(item));
      const bool lines = key == "pipeline";
      out += indent + key + (lines ? "\n" + indent + "  " : " " + std::to_string(items.size()) + ": ") +
             joined(items, lines ? "\n" + indent + "  " : ", ") + "\n";
    } else {
      out += indent + key + ": " + value_text(value) + "\n";
    }
  }
}

}  // namespace

Bundle open_bundle(const std::string& path) {
  std::error_code failed;
  if (!std::filesystem::is_directory(path, failed)) {
    if (!std::filesystem::exists(path, failed))
      throw Error("'" + path + "': no such folder or file", Error::Kind::kNoFile);
    return bundle_of(SafeTensorsFile(path).content(), path);
  }
  const std::string source = (std::filesystem::path(path) / "pipeline").string();
  if (!std::filesystem::is_regular_file(source, failed))
    throw Error("'" + source + "': cannot be read; a bundle names its stages there", Error::Kind::kNoFile);
  Bundle bundle{path, true, read_file(source), {}, {}};
  parse_pipeline(bundle, source);
  return bundle;
}

void write_bundle(const Bundle& bundle, const std::string& path) {
  if (!bundle.folder) throw Error("'" + bundle.path + "' is one file already");
  Parts parts;
  Json weights = Json::object();
  for (const auto& words : bundle.stages)
    for (const auto& word : words) {
      const auto name = own_name(word);
      if (!name) {
        if (const auto file = regular_file_in(word); file.find('/') != std::string::npos)
          throw Error("'" + file + "' is outside the bundle; link it into '" + bundle.path + "' and write @/NAME");
        continue;
      }
      if (name->empty() || name->find('/') != std::string::npos)
        throw Error("'" + word + "': a file of a bundle must lie in its folder itself");
      const std::string file = (std::filesystem::path(bundle.path) / *name).string();
      if (words.front() == "tal-extract") weights[*name] = file_hash(file);
      else parts.add_model(file, *name);
    }
  parts.metadata["format"] = kBundleFormat;
  parts.metadata["pipeline"] = bundle.pipeline;
  parts.metadata["weights"] = weights.dump();
  parts.metadata["tal"] = version();
  write_safetensors(path, std::move(parts.tensors), parts.metadata);
}

std::vector<std::string> stage_commands(const Bundle& bundle, const std::vector<std::string>& weights,
                                        const std::string& reads) {
  std::map<std::string, std::string> files;  // digest -> file
  for (const auto& file : weights) {
    const std::string digest = file_hash(file);
    if (std::none_of(bundle.weights.begin(), bundle.weights.end(), [&](const auto& w) { return w.second == digest; })) {
      std::vector<std::string> wanted;
      for (const auto& [name, known] : bundle.weights) wanted.push_back("'" + name + "' (" + known + ")");
      throw Error("'" + file + "' (" + digest + ") is not what the bundle asks for: " +
                  (wanted.empty() ? "its encoders read no weights" : joined(wanted)));
    }
    files[digest] = file;
  }
  const auto place = [&](const std::string& name) {
    const auto asked = bundle.weights.find(name);
    if (bundle.folder || asked == bundle.weights.end()) return bundle.path + "/" + name;
    const auto found = files.find(asked->second);
    if (found == files.end())
      throw Error("the bundle's encoder reads '" + name + "' (" + asked->second +
                  "), which is a file of its own: say where it is with --encoder-weights FILE");
    return found->second;
  };
  const bool extracts = bundle.stages.front().front() == "tal-extract";
  if (reads == "videos" && !extracts && !sees_frames(bundle))
    throw Error("'" + bundle.path +
                "': the first stage must be tal-extract, or tal-propose with a model that sees frames: it reads the "
                "videos (--input takes records with features)");
  if (reads == "records" && extracts && bundle.stages.size() == 1)
    throw Error("'" + bundle.path + "': nothing follows the extraction, which --input leaves out");
  std::vector<std::string> lines;
  for (const auto& words : bundle.stages) {
    if (reads == "records" && extracts && &words == &bundle.stages.front()) continue;
    std::vector<std::string> quoted;
    for (const auto& word : words) {
      const auto name = own_name(word);
      quoted.push_back(shell_word(name ? word.substr(0, word.find(kOwn)) + place(*name) : word));
    }
    lines.push_back(joined(quoted, " "));
  }
  return lines;
}

std::string model_text(const std::string& path) {
  std::string out;
  print_members(out, about_of(path), "");
  return out;
}

std::string model_json(const std::string& path) {
  return about_of(path).dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace tal
