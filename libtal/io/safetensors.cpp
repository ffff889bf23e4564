#include "libtal/io/safetensors.h"

#include <algorithm>
#include <cstring>
#include <set>

#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/base/text.h"
#include "libtal/io/file_kind.h"
#include "libtal/io/file_name.h"
#include "libtal/io/file_parts.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/torch_file.h"

namespace tal {
namespace {

using Json = nlohmann::ordered_json;
constexpr std::uint64_t kMaxHeader = 100'000'000;  // the limit of the format's own library

struct DtypeInfo {
  Dtype dtype;
  std::string_view name;
  std::size_t bytes;
};
constexpr DtypeInfo kDtypes[] = {  // in the order of the enumeration
    {Dtype::kF64, "F64", 8},        {Dtype::kF32, "F32", 4},        {Dtype::kF16, "F16", 2},  {Dtype::kBF16, "BF16", 2},
    {Dtype::kF8E4M3, "F8_E4M3", 1}, {Dtype::kF8E5M2, "F8_E5M2", 1}, {Dtype::kI64, "I64", 8},  {Dtype::kI32, "I32", 4},
    {Dtype::kI16, "I16", 2},        {Dtype::kI8, "I8", 1},          {Dtype::kU64, "U64", 8},  {Dtype::kU32, "U32", 4},
    {Dtype::kU16, "U16", 2},        {Dtype::kU8, "U8", 1},          {Dtype::kBool, "BOOL", 1}};
const DtypeInfo& info_of(Dtype dtype) { return kDtypes[static_cast<std::size_t>(dtype)]; }

std::string tensor_named(std::string_view name) { return "tensor '" + std::string(name) + "'"; }

// Bytes that the shape needs; Error when they cannot be counted.
std::uint64_t bytes_of(const std::vector<std::int64_t>& shape, std::size_t width, std::string_view name) {
  std::uint64_t bytes = width;
  for (const auto extent : shape) {
    if (extent < 0 || __builtin_mul_overflow(bytes, static_cast<std::uint64_t>(extent), &bytes))
      throw Error(tensor_named(name) + ": the shape is not possible");
  }
  return bytes;
}

// nlohmann keeps the last of doubled keys; two tensors of one name must not pass.
Json parse_header(std::string_view text) {
  std::vector<std::set<std::string>> keys;
  const auto callback = [&](int depth, Json::parse_event_t event, Json& value) {
    if (depth > 4) throw Error("the safetensors header is nested too deeply");
    if (event == Json::parse_event_t::object_start) keys.emplace_back();
    if (event == Json::parse_event_t::object_end) keys.pop_back();
    if (event == Json::parse_event_t::key && !keys.back().insert(value.get<std::string>()).second)
      throw Error("the safetensors header has '" + value.get<std::string>() + "' twice");
    return true;
  };
  try {
    return Json::parse(text, callback);
  } catch (const nlohmann::json::exception&) {
    throw Error("the safetensors header is not valid JSON");
  }
}

}  // namespace

std::string_view dtype_name(Dtype dtype) { return info_of(dtype).name; }
std::size_t dtype_bytes(Dtype dtype) { return info_of(dtype).bytes; }

std::optional<Dtype> dtype_named(std::string_view name) {
  for (const auto& info : kDtypes)
    if (info.name == name) return info.dtype;
  return std::nullopt;
}

std::string shape_text(const std::vector<std::int64_t>& shape) {
  std::string text = "[";
  for (const auto extent : shape) text += (text.size() > 1 ? ", " : "") + std::to_string(extent);
  return text + "]";
}

void check_readable(const std::vector<TensorView>& tensors) {
  for (const auto& tensor : tensors)
    if (!tensor.problem.empty())
      throw Error("tensor '" + tensor.name + "': " + tensor.problem +
                  " (or leave it out by a rule of tal-convert --map)");
}

const TensorView* SafeTensors::find(std::string_view name) const {
  for (const auto& tensor : tensors)
    if (tensor.name == name) return &tensor;
  return nullptr;
}

const TensorView& SafeTensors::at(std::string_view name) const {
  if (const TensorView* found = find(name)) return *found;
  std::vector<std::string_view> known;
  for (const auto& tensor : tensors) known.push_back(tensor.name);
  const auto near = nearest(name, known);
  throw Error("no " + tensor_named(name) + (near.empty() ? "" : "; did you mean '" + std::string(near) + "'?"));
}

namespace {

// The header's JSON text at the front of a file image, and the tensors' data behind it.
struct Sections {
  std::string_view header, data;
};

Sections split_file(std::string_view file) {
  if (file.size() < 8) throw Error("too short for a safetensors file" + what_it_is(file));
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(file[static_cast<std::size_t>(i)]);
  if (looks_like_torch_file(file))
    throw Error(
        "not a safetensors file, but PyTorch's or NumPy's: tal-convert --weights FILE -o NEW.safetensors makes one");
  if (length > kMaxHeader)
    throw Error("not a safetensors file: the header would have " + std::to_string(length) + " bytes" +
                what_it_is(file));
  if (length > file.size() - 8) throw Error("the safetensors header is cut off");
  const std::string_view text = file.substr(8, length);
  if (text.empty() || text.front() != '{') throw Error("not a safetensors file: the header does not start with '{'");
  return {text, file.substr(8 + length)};
}

void read_metadata(const Json& entry, std::map<std::string, std::string>& metadata) {
  for (const auto& [key, value] : entry.items()) {
    if (!value.is_string()) throw Error("__metadata__." + key + " is not a string");
    metadata[key] = value.get<std::string>();
  }
}

TensorView read_tensor(const std::string& name, const Json& entry, std::string_view data) {
  const auto fail = [&](const std::string& why) { return Error(tensor_named(name) + ": " + why); };
  TensorView tensor;
  tensor.name = name;
  const auto dtype = entry.find("dtype"), shape = entry.find("shape"), offsets = entry.find("data_offsets");
  if (dtype == entry.end() || !dtype->is_string()) throw fail("the dtype is missing");
  const auto known = dtype_named(dtype->get<std::string>());
  if (!known) {
    std::vector<std::string> names;
    for (const auto& info : kDtypes) names.emplace_back(info.name);
    throw fail("dtype " + dtype->get<std::string>() + " is not read, but " + joined(names) +
               " (in PyTorch: tensor.float() before it is saved)");
  }
  tensor.dtype = *known;
  if (shape == entry.end() || !shape->is_array()) throw fail("the shape is missing");
  for (const auto& extent : *shape) {
    if (!extent.is_number_unsigned() || extent.get<std::uint64_t>() > static_cast<std::uint64_t>(INT64_MAX))
      throw fail("the shape is not possible");
    tensor.shape.push_back(extent.get<std::int64_t>());
  }
  if (offsets == entry.end() || !offsets->is_array() || offsets->size() != 2 || !(*offsets)[0].is_number_unsigned() ||
      !(*offsets)[1].is_number_unsigned())
    throw fail("data_offsets are missing");
  const auto begin = (*offsets)[0].get<std::uint64_t>(), end = (*offsets)[1].get<std::uint64_t>();
  if (begin > end || end > data.size())
    throw fail("data_offsets " + std::to_string(begin) + " to " + std::to_string(end) + " do not lie in the file");
  if (end - begin != bytes_of(tensor.shape, dtype_bytes(tensor.dtype), name))
    throw fail(std::to_string(end - begin) + " bytes do not fit " + std::string(dtype_name(*known)) + " " +
               shape_text(tensor.shape));
  tensor.data = data.substr(begin, end - begin);
  return tensor;
}

// Puts the tensors into the order of their data, which they must fill without hole or overlap.
void sort_by_data(std::vector<TensorView>& tensors, std::string_view data) {
  const auto begin = [&](const TensorView& tensor) {
    return static_cast<std::uint64_t>(tensor.data.data() - data.data());
  };
  std::stable_sort(tensors.begin(), tensors.end(), [&](const TensorView& a, const TensorView& b) {
    return begin(a) != begin(b) ? begin(a) < begin(b) : a.data.size() < b.data.size();
  });
  std::uint64_t at = 0;
  for (const auto& tensor : tensors) {
    if (begin(tensor) < at) throw Error(tensor_named(tensor.name) + " overlaps another");
    if (begin(tensor) > at)
      throw Error("a hole of " + std::to_string(begin(tensor) - at) + " bytes lies before " +
                  tensor_named(tensor.name));
    at = begin(tensor) + tensor.data.size();
  }
  if (at != data.size()) throw Error(std::to_string(data.size() - at) + " bytes behind the last tensor belong to none");
}

}  // namespace

SafeTensors parse_safetensors(std::string_view file) {
  const auto [text, data] = split_file(file);
  const Json header = parse_header(text);
  SafeTensors content;
  for (const auto& [name, entry] : header.items()) {
    if (!entry.is_object()) throw Error(tensor_named(name) + ": the header entry is not an object");
    if (name == "__metadata__") read_metadata(entry, content.metadata);
    else content.tensors.push_back(read_tensor(name, entry, data));
  }
  sort_by_data(content.tensors, data);
  return content;
}

std::vector<std::string> parts_of(const SafeTensors& content) {
  constexpr std::string_view kEnd = "/format";
  std::vector<std::string> parts;
  for (const auto& [key, value] : content.metadata)
    if (key.ends_with(kEnd)) parts.push_back(key.substr(0, key.size() - kEnd.size()));
  return parts;
}

SafeTensors part_of(const SafeTensors& content, const std::string& part) {
  const std::string beginning = part + "/";
  SafeTensors own;
  for (const auto& [key, value] : content.metadata)
    if (key.starts_with(beginning)) own.metadata[key.substr(beginning.size())] = value;
  for (TensorView tensor : content.tensors)
    if (tensor.name.starts_with(beginning)) {
      tensor.name.erase(0, beginning.size());
      own.tensors.push_back(std::move(tensor));
    }
  if (own.metadata.empty() && own.tensors.empty()) {
    const auto parts = parts_of(content);
    throw Error(parts.empty() ? "the file has no parts" : "the file's parts are " + joined(parts));
  }
  return own;
}

SafeTensorsFile::SafeTensorsFile(const std::string& path) : SafeTensorsFile(file_part(path), path) {}

SafeTensorsFile::SafeTensorsFile(const FilePart& place, const std::string& path) : file_(place.file) {
  try {
    content_ = parse_safetensors(file_.bytes());
    if (!place.part.empty()) content_ = part_of(content_, place.part);
  } catch (Error& error) {
    throw error.in_file(path);
  }
}

void write_safetensors(const std::string& path, std::vector<TensorView> tensors,
                       const std::map<std::string, std::string>& metadata) {
  std::sort(tensors.begin(), tensors.end(), [](const TensorView& a, const TensorView& b) {
    const auto wide = dtype_bytes(a.dtype), other = dtype_bytes(b.dtype);
    return wide != other ? wide > other : a.name < b.name;
  });
  Json header = Json::object();
  if (!metadata.empty()) header["__metadata__"] = metadata;
  std::uint64_t at = 0;
  for (const auto& tensor : tensors) {
    if (tensor.name == "__metadata__" || header.contains(tensor.name))
      throw Error(tensor_named(tensor.name) + " stands there twice");
    if (bytes_of(tensor.shape, dtype_bytes(tensor.dtype), tensor.name) != tensor.data.size())
      throw Error(tensor_named(tensor.name) + ": " + std::to_string(tensor.data.size()) +
                  " bytes do not fit the shape " + shape_text(tensor.shape));
    header[tensor.name] = {
        {"dtype", dtype_name(tensor.dtype)}, {"shape", tensor.shape}, {"data_offsets", {at, at + tensor.data.size()}}};
    at += tensor.data.size();
  }
  std::string text;
  try {
    text = header.dump();
  } catch (const nlohmann::json::exception&) {
    throw Error("a name or a metadata text is not UTF-8", Error::Kind::kNotUtf8).in_file(path);
  }
  text.resize((text.size() + 7) / 8 * 8, ' ');
  char length[8];
  for (int i = 0; i < 8; ++i) length[i] = static_cast<char>(static_cast<std::uint64_t>(text.size()) >> (8 * i));
  AtomicFile file(path);
  file.write(length, 8);
  file.write(text);
  for (const auto& tensor : tensors) file.write(tensor.data);
  file.commit();
}

}  // namespace tal
