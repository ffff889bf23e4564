// torch/serialization.py (_save, _legacy_save) and torch/_utils.py (_rebuild_tensor*).
#include "libtal/io/torch_file.h"
#include "libtal/io/file_kind.h"

#include <algorithm>
#include <cstring>
#include <optional>
#include <set>
#include <unordered_set>

#include "libtal/base/error.h"
#include "libtal/io/zip.h"

namespace tal {
namespace {

using Kind = PickleNode::Kind;
constexpr std::string_view kLegacyMagic("\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19", 10);  // 0x1950a86a20f9469cfc6c
constexpr int kMaxDepth = 64;
constexpr std::size_t kMaxEntries = 1'000'000, kMaxSharing = 64;
constexpr std::int64_t kMostExpanded = std::int64_t{64} << 20;  // bytes of views that are larger than their storages

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
// Storages of what safetensors files have no type for, by the bytes of an element: legacy files keep them one after
// the other.
struct OtherStorage {
  std::string_view name;
  std::size_t bytes;
};
constexpr OtherStorage kOtherStorages[] = {{"torch.ComplexFloatStorage", 8}, {"torch.ComplexDoubleStorage", 16},
                                           {"torch.QInt8Storage", 1},        {"torch.QUInt8Storage", 1},
                                           {"torch.QInt32Storage", 4},       {"torch.QUInt4x2Storage", 1},
                                           {"torch.QUInt2x4Storage", 1}};
// What runs commands or code. The list is a courtesy: a file that names one of these is an attack, which its user
// should hear of; all else that a pickle may name is inert here too.
constexpr std::string_view kRunningModules[] = {"os",        "posix",  "nt",     "subprocess", "sys",  "pty",
                                                "importlib", "shutil", "socket", "ctypes",     "runpy"};
constexpr std::string_view kRunningBuiltins[] = {"eval",  "exec",       "execfile", "compile", "__import__", "open",
                                                 "input", "breakpoint", "setattr",  "delattr", "globals",    "exit"};

template <std::size_t N>
std::optional<Dtype> find_dtype(const NamedDtype (&table)[N], std::string_view name) {
  for (const auto& entry : table)
    if (entry.name == name) return entry.dtype;
  return std::nullopt;
}

template <std::size_t N>
bool contains(const std::string_view (&list)[N], std::string_view word) {
  return std::find(std::begin(list), std::end(list), word) != std::end(list);
}

bool runs_nothing(std::string_view global) {
  const auto dot = global.find('.');
  const std::string_view module = global.substr(0, dot);
  if (module == "builtins" || module == "__builtin__") return !contains(kRunningBuiltins, global.substr(dot + 1));
  return !contains(kRunningModules, module);
}

std::int64_t integer(const PickleNode& node) {
  if (node.kind != Kind::kInt || !node.text.empty()) throw Error("a tensor's size or offset is not a whole number");
  return node.integer;
}

constexpr std::string_view kUntyped = "torch.storage.UntypedStorage";

// ('storage', class, key, location, elements[, view]); view: None or (key, offset, elements), legacy only.
struct StorageId {
  std::string key, type;
  std::optional<Dtype> dtype;  // nullopt: untyped, elements are bytes, or of no type of safetensors files
  std::size_t width = 1;       // bytes of an element
  std::int64_t elements = 0, offset = 0;
};

// ('module', class, file, source): how legacy files name the class of a whole model.
bool is_class(const PickleNode& persistent) {
  const PickleNode& id = *persistent.items.at(0);
  return id.kind == Kind::kTuple && id.items.size() > 1 && id.items[0]->text == "module";
}

StorageId storage_id(const PickleNode& persistent) {
  if (persistent.kind != Kind::kPersistent || persistent.items.at(0)->kind != Kind::kTuple)
    throw Error("a tensor has no storage");
  const auto& id = persistent.items[0]->items;
  if (id.size() < 5 || id[0]->text != "storage" || id[1]->kind != Kind::kGlobal || id[2]->kind != Kind::kText)
    throw Error("a tensor has no storage");
  StorageId storage;
  storage.key = id[2]->text, storage.type = id[1]->text;
  storage.dtype = find_dtype(kStorages, storage.type);
  const auto other = std::find_if(std::begin(kOtherStorages), std::end(kOtherStorages),
                                  [&](const OtherStorage& known) { return known.name == storage.type; });
  if (storage.dtype) storage.width = dtype_bytes(*storage.dtype);
  else if (other != std::end(kOtherStorages)) storage.width = other->bytes;
  else if (storage.type != kUntyped) throw Error("'" + storage.type + "' is not a storage");
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

// Flips the sign of every element, as PyTorch's negative bit asks for.
void negate(std::string& data, Dtype dtype) {
  const std::size_t width = dtype_bytes(dtype);
  const bool real = dtype <= Dtype::kF8E5M2;
  if (dtype == Dtype::kBool) throw Error("negative truth values");
  for (std::size_t at = 0; at + width <= data.size(); at += width) {
    if (real) {
      data[at + width - 1] = static_cast<char>(data[at + width - 1] ^ '\x80');
      continue;
    }
    unsigned carry = 1;  // two's complement
    for (std::size_t i = at; i < at + width; ++i) {
      carry += static_cast<unsigned char>(~data[i]);
      data[i] = static_cast<char>(carry & 255), carry >>= 8;
    }
  }
}

bool is_tensor(const PickleNode& node) {
  if (node.kind != Kind::kCall) return false;
  const std::string& callee = node.items[0]->text;
  return callee.starts_with("torch._utils._rebuild_") || callee.starts_with("torch._tensor._rebuild_from_type");
}

struct Entry {
  std::string key;
  const PickleNode* value;
};

// The members of a dict or a list, also of a class derived from them; {} of anything else. Keys that are no names are
// "?". Of a key that stands twice Python's dict keeps the last.
std::vector<Entry> entries_of(const PickleNode& node) {
  std::vector<Entry> entries;
  if (node.kind == Kind::kDict) {
    std::map<std::pair<Kind, std::string>, std::size_t> places;
    for (std::size_t i = 0; i + 1 < node.items.size(); i += 2) {
      const PickleNode& key = *node.items[i];
      Entry entry{key.kind == Kind::kText                      ? key.text
                  : key.kind == Kind::kInt && key.text.empty() ? std::to_string(key.integer)
                                                               : "?",
                  node.items[i + 1]};
      const auto [place, added] = places.emplace(std::pair(key.kind, entry.key), entries.size());
      if (added || entry.key == "?") entries.push_back(std::move(entry));
      else entries[place->second] = std::move(entry);
    }
  } else if (node.kind == Kind::kList || node.kind == Kind::kTuple) {
    for (std::size_t i = 0; i < node.items.size(); ++i) entries.push_back({std::to_string(i), node.items[i]});
  } else if (node.kind == Kind::kCall && !is_tensor(node)) {
    for (std::size_t i = 2; i < node.items.size(); ++i) {
      if (node.items[i]->kind == Kind::kTuple) continue;  // a state
      auto more = entries_of(*node.items[i]);
      entries.insert(entries.end(), more.begin(), more.end());
    }
  }
  return entries;
}

// visit(node) for every node below and with `root`, once each; false: not what lies below this one.
template <class Visit>
void each_below(const PickleNode& root, Visit visit) {
  std::vector<const PickleNode*> open{&root};
  std::unordered_set<const PickleNode*> seen;
  while (!open.empty()) {
    const PickleNode* node = open.back();
    open.pop_back();
    if (seen.insert(node).second && visit(*node)) open.insert(open.end(), node->items.begin(), node->items.end());
  }
}

std::size_t tensors_in(const PickleNode& root) {
  std::size_t count = 0;
  each_below(root, [&](const PickleNode& node) {
    if (!is_tensor(node)) return true;
    ++count;
    return false;
  });
  return count;
}

const std::string& class_of(const PickleNode& object) {
  const PickleNode* callee = object.items[0];
  while (callee->kind == Kind::kCall) callee = callee->items[0];
  return callee->kind == Kind::kPersistent && is_class(*callee) ? callee->items[0]->items[1]->text : callee->text;
}

bool is_object(const PickleNode& node) { return node.kind == Kind::kCall && !is_tensor(node); }

// Objects that are neither tensors nor containers, by class, the outermost ones.
std::map<std::string, std::size_t> objects_in(const PickleNode& root) {
  std::map<std::string, std::size_t> objects;
  each_below(root, [&](const PickleNode& node) {
    if (is_tensor(node)) return false;
    if (!is_object(node) || !entries_of(node).empty()) return true;
    ++objects[class_of(node)];
    return false;
  });
  return objects;
}

// How a tensor is made: the function of torch._utils and its arguments, without what is put around them for parameters
// and for tensors with attributes.
struct Rebuild {
  const std::string* function;
  const std::vector<const PickleNode*>* arguments;
};

Rebuild rebuild_of(const PickleNode& call) {
  Rebuild made{&call.items[0]->text, &call.items[1]->items};
  for (int depth = 0; depth < kMaxDepth; ++depth) {
    const auto& arguments = *made.arguments;
    if (*made.function == "torch._utils._rebuild_parameter" ||
        *made.function == "torch._utils._rebuild_parameter_with_state") {
      if (arguments.empty() || !is_tensor(*arguments[0])) break;
      made = {&arguments[0]->items[0]->text, &arguments[0]->items[1]->items};
    } else if (*made.function == "torch._tensor._rebuild_from_type_v2") {  // function, class, arguments, attributes
      if (arguments.size() < 3 || arguments[0]->kind != Kind::kGlobal || arguments[2]->kind != Kind::kTuple) break;
      const std::string& type = arguments[1]->text;
      if (type != "torch.Tensor" && type != "torch._tensor.Tensor" && type != "torch.nn.parameter.Parameter" &&
          type != "torch.nn.parameter.Buffer")
        throw Error("is of the class '" + type + "', which is not read; save a plain tensor of it");
      made = {&arguments[0]->text, &arguments[2]->items};
    } else {
      return made;
    }
  }
  throw Error("a parameter without a tensor");
}

// Walks what was pickled and collects tensors.
class Collector {
 public:
  Collector(const std::map<std::string, std::string_view>& storages, StateDict& out) : storages_(storages), out_(out) {}

  void collect(const PickleNode& node, const std::string& name, int depth) {
    if (depth > kMaxDepth || ++entries_ > kMaxEntries) throw Error("the objects are nested too deeply");
    if (is_tensor(node)) {
      try {
        add(node, name.empty() ? "tensor" : name);
      } catch (const Error& error) {
        TensorView unread;
        unread.name = name.empty() ? "tensor" : name, unread.problem = error.message();
        out_.tensors.push_back(std::move(unread));
      }
      return;
    }
    const auto entries = entries_of(node);
    const bool container = node.kind == Kind::kDict || node.kind == Kind::kList || node.kind == Kind::kTuple;
    if (entries.empty() && !container) skip(node, name);
    for (const auto& [key, value] : entries) {
      const std::string child = name.empty() ? key : name + "." + key;
      if (key == "?") out_.skipped.push_back(child);
      else collect(*value, child, depth + 1);
    }
  }

 private:
  void skip(const PickleNode& node, const std::string& name) {
    std::string text = name;
    if (is_object(node)) {
      const std::size_t inside = tensors_in(node);
      text += " (" + class_of(node) + (inside > 0 ? " with " + std::to_string(inside) + " tensors inside)" : ")");
    }
    out_.skipped.push_back(text);
  }

  void add(const PickleNode& call, const std::string& name) {
    const auto [function, made] = rebuild_of(call);
    const auto& arguments = *made;  // storage, offset, size, stride, requires_grad, hooks, (v3: dtype,) metadata
    const bool third = *function == "torch._utils._rebuild_tensor_v3";
    if (!third && *function != "torch._utils._rebuild_tensor_v2" && *function != "torch._utils._rebuild_tensor")
      throw Error("is made by '" + *function + "', which is not read (dense tensors are); save a dense copy of it");
    if (arguments.size() < (third ? 7 : 4)) throw Error("too few arguments");
    StorageId storage = storage_id(*arguments[0]);
    if (third) storage.dtype = find_dtype(kTorchDtypes, arguments[6]->text);
    if (!storage.dtype)
      throw Error("'" + (third ? arguments[6]->text : storage.type) +
                  "' is no type of safetensors files; save real numbers");
    const TensorView view = view_of(storage, arguments, name);
    const std::size_t metadata = third ? 7 : 6;
    const bool negative = arguments.size() > metadata && has_negative_bit(*arguments[metadata]);
    out_.tensors.push_back(view);
    if (negative) {
      std::string& values = out_.storage.emplace_back(view.data);
      negate(values, view.dtype);
      out_.tensors.back().data = values, ++out_.negated;
    }
  }

  // {"neg": True} and the like: what a view has that is not in its numbers.
  static bool has_negative_bit(const PickleNode& metadata) {
    bool negative = false;
    for (const auto& [key, value] : entries_of(metadata)) {
      const bool off = value->kind == Kind::kNone || (value->kind == Kind::kBool && value->integer == 0);
      if (off) continue;
      if (key != "neg") throw Error("has PyTorch's property '" + key + "', which is not read; save a plain copy of it");
      negative = true;
    }
    return negative;
  }

  // Checked against the storage; strided ones laid out anew.
  TensorView view_of(const StorageId& storage, const std::vector<const PickleNode*>& arguments,
                     const std::string& name) {
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
    if (count > elements &&
        (expanded_ = sum(expanded_, product(count, static_cast<std::int64_t>(width)))) > kMostExpanded)
      throw Error("an expanded view of " + shape_text(view.shape) +
                  " (stride 0, or rows that overlap), and such views " + "of the file would take more than " +
                  std::to_string(kMostExpanded >> 20) + " MiB; save a contiguous copy of it");
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
    if (count <= elements) handed_out_ += view.data.size();
    if (handed_out_ > kMaxSharing * available_) throw Error("the tensors share their storages too often");
    return view;
  }

  const std::map<std::string, std::string_view>& storages_;
  StateDict& out_;
  std::set<std::string> used_;
  std::size_t entries_ = 0, available_ = 0, handed_out_ = 0;
  std::int64_t expanded_ = 0;  // bytes of views that are larger than their storage
};

// Where tensors lie below a node, outside of objects.
std::vector<TensorsBelow::Key> keys_below(const PickleNode& node) {
  std::vector<TensorsBelow::Key> keys;
  for (const auto& [key, value] : entries_of(node))
    if (!is_object(*value) || !entries_of(*value).empty())
      if (const std::size_t tensors = tensors_in(*value); tensors > 0) keys.push_back({key, tensors});
  return keys;
}

// "state_dict (22), optimizer (44)"
std::string text_of(const std::vector<TensorsBelow::Key>& keys) {
  std::string text;
  for (const auto& [name, tensors] : keys)
    text += (text.empty() ? "" : ", ") + name + " (" + std::to_string(tensors) + ")";
  return text;
}

bool has_tensors_itself(const PickleNode& node) {
  if (node.kind != Kind::kDict && !is_object(node)) return true;
  const auto entries = entries_of(node);
  return std::any_of(entries.begin(), entries.end(), [](const Entry& entry) { return is_tensor(*entry.value); });
}

// Every node that `path` can mean below `node`, and how far a path that means none can be followed.
struct Lookup {
  std::set<const PickleNode*> found;
  const PickleNode* last = nullptr;
  std::string_view rest;

  void look(const PickleNode& node, std::string_view path) {
    if (!last || path.size() < rest.size()) last = &node, rest = path;
    for (const auto& [key, value] : entries_of(node)) {
      if (!path.starts_with(key)) continue;
      if (path.size() == key.size()) found.insert(value);
      else if (path[key.size()] == '/') look(*value, path.substr(key.size() + 1));
    }
  }
};

const PickleNode& node_at(const PickleNode& root, const std::string& key) {
  if (key.empty() || key == ".") return root;
  Lookup lookup;
  lookup.look(root, key);
  if (lookup.found.size() == 1) return **lookup.found.begin();
  if (lookup.found.size() > 1)
    throw Error("'" + key + "' is a key and a way through keys; take everything (.) and choose by names");
  const auto below = text_of(keys_below(*lookup.last));
  throw Error("no key '" + std::string(lookup.rest.substr(0, lookup.rest.find('/'))) + "'; " +
              (below.empty() ? "there are no tensors below" : "there are: " + below));
}

// Why there is nothing to take: objects may hold tensors, which only their program can take out.
Error no_tensors(const PickleNode& node) {
  std::string objects;
  each_below(node, [&](const PickleNode& below) {
    if (is_tensor(below)) return false;
    if (is_object(below) && entries_of(below).empty() && objects.empty() && tensors_in(below) > 0)
      objects = "; there are " + std::to_string(tensors_in(below)) + " inside an object of the class '" +
                class_of(below) + "': save its state_dict() instead";
    return objects.empty();
  });
  return Error("no tensors" + objects);
}

}  // namespace

TensorsBelow::TensorsBelow(std::vector<Key> keys)
    : Error("the tensors lie further down: " + text_of(keys)), keys_(std::move(keys)) {}

bool looks_like_torch_file(std::string_view file) {
  if (looks_like_zip(file)) return true;
  try {  // the magic number is a pickle by itself, of any protocol
    std::string_view head = file.substr(0, 64);
    return Pickle(head, [](std::string_view) { return false; }).root().text == kLegacyMagic;
  } catch (const Error&) {
    return false;
  }
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
  archive.pickle.emplace_back(bytes, runs_nothing);
  return archive;
}

// Five pickles (magic, protocol, system, objects, storage keys), then for every key the number of elements and the
// elements.
TorchFile::Archive TorchFile::read_legacy(std::string_view file) {
  Archive archive;
  const Pickle magic(file, runs_nothing), protocol(file, runs_nothing), system(file, runs_nothing);
  if (magic.root().text != kLegacyMagic || protocol.root().integer != 1001)
    throw Error("not a PyTorch file of a version that is known");
  if (const auto* little = system.root().value("little_endian"); !little || little->integer != 1)
    throw Error("the file was written on a big-endian machine, which is not read");
  const Pickle& objects = archive.pickle.emplace_back(file, runs_nothing);
  const Pickle keys(file, runs_nothing);
  std::map<std::string, std::size_t> widths;
  for (const auto& node : objects.nodes()) {
    if (node.kind != Kind::kPersistent || is_class(node)) continue;
    const auto storage = storage_id(node);
    if (widths.emplace(storage.key, storage.width).first->second != storage.width)
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
  if (!looks_like_torch_file(file)) throw Error("not a PyTorch file (.pt, .pth)" + what_it_is(file));
  archive_ = looks_like_zip(file) ? read_zip(file) : read_legacy(file);
}

StateDict TorchFile::state_dict(const std::string& key) const {
  const PickleNode& root = archive_.pickle.front().root();
  const PickleNode& node = node_at(root, key);
  if (key != "." && !has_tensors_itself(node)) {
    auto below = keys_below(node);
    if (below.empty()) throw no_tensors(node);
    throw TensorsBelow(std::move(below));
  }
  StateDict out;
  Collector(archive_.storages, out).collect(node, "", 0);
  if (out.tensors.empty()) throw no_tensors(node);
  out.objects = objects_in(root);
  return out;
}

}  // namespace tal
