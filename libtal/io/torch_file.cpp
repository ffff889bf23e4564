// torch/serialization.py (_save, _legacy_save) and torch/_utils.py (_rebuild_tensor*).
#include "libtal/io/torch_file.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>

#include "libtal/base/error.h"
#include "libtal/io/zip.h"

namespace tal {
namespace {

using Kind = PickleNode::Kind;
constexpr std::string_view kLegacyMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);  // 0x1950a86a20f9469cfc6c
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxEntries = 10'000'000, kMaxSharing = 64;

struct NamedDtype {
  std::string_view name;
  Dtype dtype;
};
constexpr NamedDtype kStorages[] = {{"torch.DoubleStorage", Dtype::kF64}, {"torch.FloatStorage", Dtype::kF32},
                                    {"torch.HalfStorage", Dtype::kF16},   {"torch.BFloat16Storage", Dtype::kBF16},
                                    {"torch.LongStorage", Dtype::kI64},   {"torch.IntStorage", Dtype::kI32},
                                    {"torch.ShortStorage", Dtype::kI16},  {"torch.CharStorage", Dtype::kI8},
                                    {"torch.ByteStorage", Dtype::kU8},    {"torch.BoolStorage", Dtype::kBool}};
// dtypes that have no storage class of their own; _rebuild_tensor_v3 names them
constexpr NamedDtype kTorchDtypes[] = {{"torch.float64", Dtype::kF64},       {"torch.float32", Dtype::kF32},
                                       {"torch.float16", Dtype::kF16},       {"torch.bfloat16", Dtype::kBF16},
                                       {"torch.int64", Dtype::kI64},         {"torch.int32", Dtype::kI32},
                                       {"torch.int16", Dtype::kI16},         {"torch.int8", Dtype::kI8},
                                       {"torch.uint64", Dtype::kU64},        {"torch.uint32", Dtype::kU32},
                                       {"torch.uint16", Dtype::kU16},        {"torch.uint8", Dtype::kU8},
                                       {"torch.bool", Dtype::kBool},         {"torch.float8_e4m3fn", Dtype::kF8E4M3},
                                       {"torch.float8_e5m2", Dtype::kF8E5M2}};
constexpr std::string_view kOthers[] = {"collections.OrderedDict",         "torch.Size",
                                        "torch.storage.UntypedStorage",    "torch._utils._rebuild_tensor",
                                        "torch._utils._rebuild_tensor_v2", "torch._utils._rebuild_tensor_v3",
                                        "torch._utils._rebuild_parameter"};

template <std::size_t N>
std::optional<Dtype> find_dtype(const NamedDtype (&table)[N], std::string_view name) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.dtype;
  return std::nullopt;
}

bool needed_for_tensors(std::string_view global) {
  return find_dtype(kStorages, global) || find_dtype(kTorchDtypes, global) ||
         std::find(std::begin(kOthers), std::end(kOthers), global) != std::end(kOthers);
}

std::int64_t integer(const PickleNode& node) {
  if (node.kind != Kind::kInt || !node.text.empty()) throw Error("a tensor's size or offset is not a whole number");
  return node.integer;
}

// ('storage', class, key, location, elements[, view]); view: None or (key, offset, elements), legacy only.
struct StorageId {
  std::string key;
  std::optional<Dtype> dtype;  // nullopt: untyped, elements are bytes
  std::int64_t elements = 0, offset = 0;
};

StorageId storage_id(const PickleNode& persistent) {
  if (persistent.kind != Kind::kPersistent || persistent.items.at(0)->kind != Kind::kTuple)
    throw Error("a tensor has no storage");
  const auto& id = persistent.items[0]->items;
  if (id.size() < 5 || id[0]->text != "storage" || id[1]->kind != Kind::kGlobal || id[2]->kind != Kind::kText)
    throw Error("a tensor has no storage");
  StorageId storage;
  storage.key = id[2]->text;
  storage.dtype = find_dtype(kStorages, id[1]->text);
  if (!storage.dtype && id[1]->text != "torch.storage.UntypedStorage")
    throw Error("'" + id[1]->text + "' is not a storage");
  storage.elements = integer(*id[4]);
  if (storage.elements < 0) throw Error("a storage of negative length");
  if (id.size() > 5 && id[5]->kind == Kind::kTuple && id[5]->items.size() == 3)
    storage.offset = integer(*id[5]->items[1]);
  return storage;
}

std::int64_t product(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_mul_overflow(a, b, &result)) throw Error("the shape is not possible");
  return result;
}

std::int64_t sum(std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  if (__builtin_add_overflow(a, b, &result)) throw Error("the shape is not possible");
  return result;
}

std::vector<std::int64_t> integers(const PickleNode& node) {
  // torch.Size is a call with one tuple
  const PickleNode& tuple =
      node.kind == Kind::kCall && node.items[0]->text == "torch.Size" && node.items[1]->items.size() == 1
          ? *node.items[1]->items[0]
          : node;
  if (tuple.kind != Kind::kTuple && tuple.kind != Kind::kList) throw Error("a tensor has no shape");
  std::vector<std::int64_t> values;
  for (const PickleNode* item : tuple.items) values.push_back(integer(*item));
  if (values.size() > 64) throw Error("a tensor of " + std::to_string(values.size()) + " dimensions");
  return values;
}

bool contiguous(const std::vector<std::int64_t>& shape, const std::vector<std::int64_t>& strides) {
  std::int64_t expected = 1;
  for (std::size_t d = shape.size(); d-- > 0; expected *= shape[d])
    if (shape[d] != 1 && strides[d] != expected) return false;
  return true;
}

// The elements of a strided view in C order. Bounds have been checked.
std::string gather(const char* first, std::size_t width, const std::vector<std::int64_t>& shape,
                   const std::vector<std::int64_t>& strides, std::int64_t count) {
  std::string out;
  out.reserve(static_cast<std::size_t>(count) * width);
  std::vector<std::int64_t> index(shape.size());
  std::int64_t at = 0;
  for (std::int64_t i = 0; i < count; ++i) {
    out.append(first + at * static_cast<std::int64_t>(width), width);
    for (std::size_t d = shape.size(); d-- > 0;) {  // the last dimension runs fastest
      at += strides[d];
      if (++index[d] < shape[d]) break;
      at -= strides[d] * shape[d];
      index[d] = 0;
    }
  }
  return out;
}

// Walks what was pickled and collects tensors.
class Collector {
 public:
  Collector(const std::map<std::string, std::string_view>& storages, StateDict& out) : storages_(storages), out_(out) {}

  void collect(const PickleNode& node, const std::string& name, int depth) {
    if (depth > kMaxDepth || ++entries_ > kMaxEntries) throw Error("the objects are nested too deeply");
    const auto child = [&](const std::string& key) { return name.empty() ? key : name + "." + key; };
    if (is_tensor(node)) {
      try {
        add(node, name.empty() ? "tensor" : name);
      } catch (const Error& error) {
        throw Error("tensor '" + name + "': " + error.message());
      }
    } else if (node.kind == Kind::kDict) {
      for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
        const PickleNode& key = *node.items[i];
        if (key.kind == Kind::kText) collect(*node.items[i + 1], child(key.text), depth + 1);
        else if (key.kind == Kind::kInt) collect(*node.items[i + 1], child(std::to_string(key.integer)), depth + 1);
        else out_.skipped.push_back(child("?"));
      }
    } else if (node.kind == Kind::kList || node.kind == Kind::kTuple) {
      for (std::size_t i = 0; i < node.items.size(); ++i) collect(*node.items[i], child(std::to_string(i)), depth + 1);
    } else {
      out_.skipped.push_back(name);
    }
  }

  static bool is_tensor(const PickleNode& node) {
    return node.kind == Kind::kCall && node.items[0]->text.rfind("torch._utils._rebuild_", 0) == 0;
  }

 private:
  void add(const PickleNode& call, const std::string& name) {
    const PickleNode* tensor = &call;
    for (int depth = 0; tensor->items[0]->text == "torch._utils._rebuild_parameter"; ++depth) {
      const auto& arguments = tensor->items[1]->items;
      if (arguments.empty() || !is_tensor(*arguments[0]) || depth > kMaxDepth)
        throw Error("a parameter without a tensor");
      tensor = arguments[0];
    }
    const std::string& function = tensor->items[0]->text;
    const auto& arguments = tensor->items[1]->items;  // storage, offset, size, stride, ...
    if (arguments.size() < 4) throw Error("too few arguments");
    StorageId storage = storage_id(*arguments[0]);
    if (function == "torch._utils._rebuild_tensor_v3") {
      if (arguments.size() < 7) throw Error("too few arguments");
      storage.dtype = find_dtype(kTorchDtypes, arguments[6]->text);
    }
    if (!storage.dtype) throw Error("a storage without a type");
    const auto found = storages_.find(storage.key);
    if (found == storages_.end()) throw Error("storage '" + storage.key + "' is not in the file");

    TensorView view;
    view.name = name;
    view.dtype = *storage.dtype;
    view.shape = integers(*arguments[2]);
    const auto strides = integers(*arguments[3]);
    if (strides.size() != view.shape.size()) throw Error("shape and strides differ in length");
    const std::size_t width = dtype_bytes(view.dtype);
    const auto elements = static_cast<std::int64_t>(found->second.size() / width);
    const std::int64_t first = sum(integer(*arguments[1]), storage.offset);
    std::int64_t count = 1, last = first;
    for (std::size_t d = 0; d < view.shape.size(); ++d) {
      if (view.shape[d] < 0 || strides[d] < 0) throw Error("the shape is not possible");
      count = product(count, view.shape[d]);
      if (view.shape[d] > 0) last = sum(last, product(view.shape[d] - 1, strides[d]));
    }
    if (first < 0 || (count > 0 && last >= elements))
      throw Error("shape " + shape_text(view.shape) + " with strides " + shape_text(strides) +
                  " reaches beyond its storage of " + std::to_string(elements) + " elements");
    // A few bytes must not become terabytes.
    if (count > elements)
      throw Error("an expanded view of " + shape_text(view.shape) + "; save a contiguous copy of it");
    const char* data = found->second.data() + (count > 0 ? static_cast<std::size_t>(first) * width : 0);
    if (contiguous(view.shape, strides) || count == 0) {
      view.data = {data, static_cast<std::size_t>(count) * width};
    } else {
      view.data = out_.storage.emplace_back(gather(data, width, view.shape, strides, count));
      ++out_.copied;
    }
    if (used_.insert(storage.key).second) available_ += found->second.size();
    else ++out_.shared;
    // Nor may one storage become thousands of tensors: tied weights are few.
    if ((handed_out_ += view.data.size()) > kMaxSharing * available_)
      throw Error("the tensors share their storages too often");
    out_.tensors.push_back(std::move(view));
  }

  const std::map<std::string, std::string_view>& storages_;
  StateDict& out_;
  std::set<std::string> used_;
  std::size_t entries_ = 0, available_ = 0, handed_out_ = 0;
};

// "state_dict (22), optimizer (44)": where tensors lie below a dict.
std::string tensors_below(const PickleNode& dict, const std::map<std::string, std::string_view>& storages) {
  std::string text;
  StateDict found;
  Collector collector(storages, found);
  for (std::size_t i = 0; dict.kind == Kind::kDict && i + 1 < dict.items.size(); i += 2) {
    const std::size_t before = found.tensors.size();
    collector.collect(*dict.items[i + 1], "", 0);
    if (found.tensors.size() > before)
      text +=
          (text.empty() ? "" : ", ") + dict.items[i]->text + " (" + std::to_string(found.tensors.size() - before) + ")";
  }
  return text;
}

bool has_tensors_itself(const PickleNode& node) {
  if (node.kind != Kind::kDict) return true;
  for (std::size_t i = 1; i < node.items.size(); i += 2)
    if (Collector::is_tensor(*node.items[i])) return true;
  return false;
}

}  // namespace

bool looks_like_torch_file(std::string_view file) {
  return looks_like_zip(file) || (file.size() > 14 && file[0] == '\x80' && file.substr(2, 2) == "\x8a\x0a" &&
                                  file.substr(4, 10) == kLegacyMagic);
}

TorchFile::Archive TorchFile::read_zip(std::string_view file) {
  const auto entries = zip_entries(file);
  const auto pickled = std::find_if(entries.begin(), entries.end(), [](const ZipEntry& e) {
    return e.name == "data.pkl" || e.name.ends_with("/data.pkl");
  });
  if (pickled == entries.end()) throw Error("no data.pkl in the archive: not a PyTorch file");
  const std::string folder = pickled->name.substr(0, pickled->name.size() - std::string_view("data.pkl").size());
  Archive archive;
  const auto unpacked = [&](const ZipEntry& entry) {
    std::string& storage = archive.unpacked.emplace_back();
    return unzip(entry, storage);
  };
  for (const auto& entry : entries) {
    if (entry.name == folder + "byteorder" && unpacked(entry) != "little")
      throw Error("the file was written on a big-endian machine, which is not read");
    if (entry.name.rfind(folder + "data/", 0) == 0)
      archive.storages[entry.name.substr(folder.size() + 5)] = unpacked(entry);
  }
  std::string_view bytes = unpacked(*pickled);
  archive.pickle.emplace_back(bytes, needed_for_tensors);
  return archive;
}

// Five pickles (magic, protocol, system, objects, storage keys), then for every key the number of elements and the
// elements.
TorchFile::Archive TorchFile::read_legacy(std::string_view file) {
  Archive archive;
  const Pickle magic(file, needed_for_tensors), protocol(file, needed_for_tensors), system(file, needed_for_tensors);
  if (magic.root().text != kLegacyMagic || protocol.root().integer != 1001)
    throw Error("not a PyTorch file of a version that is known");
  if (const auto* little = system.root().value("little_endian"); !little || little->integer != 1)
    throw Error("the file was written on a big-endian machine, which is not read");
  const Pickle& objects = archive.pickle.emplace_back(file, needed_for_tensors);
  const Pickle keys(file, needed_for_tensors);
  std::map<std::string, std::size_t> widths;
  for (const auto& node : objects.nodes()) {
    if (node.kind != Kind::kPersistent) continue;
    const auto storage = storage_id(node);
    const auto width = storage.dtype ? dtype_bytes(*storage.dtype) : 1;
    if (widths.emplace(storage.key, width).first->second != width)
      throw Error("storage '" + storage.key + "' has two types");
  }
  for (const PickleNode* key : keys.root().items) {
    const auto width = widths.find(key->text);
    if (width == widths.end()) throw Error("storage '" + key->text + "' belongs to no tensor");
    std::uint64_t elements = 0, bytes = 0;
    if (file.size() < 8) throw Error("storage '" + key->text + "' is cut off");
    std::memcpy(&elements, file.data(), 8);
    file.remove_prefix(8);
    if (__builtin_mul_overflow(elements, width->second, &bytes) || bytes > file.size())
      throw Error("storage '" + key->text + "' is cut off");
    archive.storages[key->text] = file.substr(0, bytes);
    file.remove_prefix(bytes);
  }
  return archive;
}

TorchFile::TorchFile(std::string_view file) {
  if (!looks_like_torch_file(file)) throw Error("not a PyTorch file (.pt, .pth)");
  archive_ = looks_like_zip(file) ? read_zip(file) : read_legacy(file);
}

StateDict TorchFile::state_dict(const std::string& key) const {
  const PickleNode* node = &archive_.pickle.front().root();
  for (std::string_view rest = key == "." ? std::string_view() : std::string_view(key); !rest.empty();) {
    const auto slash = std::min(rest.find('/'), rest.size());
    const PickleNode* next = node->value(rest.substr(0, slash));
    if (!next)
      throw Error("no key '" + std::string(rest.substr(0, slash)) +
                  "'; there are: " + tensors_below(*node, archive_.storages));
    node = next;
    rest.remove_prefix(std::min(slash + 1, rest.size()));
  }
  if (key != "." && !has_tensors_itself(*node)) {
    const std::string below = tensors_below(*node, archive_.storages);
    throw Error(below.empty() ? "no tensors" : "the tensors lie further down; choose with --key: " + below);
  }
  StateDict out;
  Collector(archive_.storages, out).collect(*node, "", 0);
  if (out.tensors.empty()) throw Error("no tensors");
  return out;
}

}  // namespace tal
