// safetensors files: named tensors behind a JSON header. Every size, bound and overlap is checked before anything is
// used.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/npy.h"

namespace tal {

enum class Dtype { kF64, kF32, kF16, kBF16, kF8E4M3, kF8E5M2, kI64, kI32, kI16, kI8, kU64, kU32, kU16, kU8, kBool };
std::string_view dtype_name(Dtype dtype);                 // the format's word: "F32"
std::optional<Dtype> dtype_named(std::string_view name);  // nullopt: not a word of the format
std::size_t dtype_bytes(Dtype dtype);                     // of one element

// Little-endian, C order.
struct TensorView {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<std::int64_t> shape;
  std::string_view data;     // points into the file (or whatever the caller keeps alive); may be unaligned in files of
                             // other writers
  std::string problem = {};  // why there are no data, of a tensor that cannot be read: nothing to who leaves it out
};

// Error for the first tensor that has no data.
void check_readable(const std::vector<TensorView>& tensors);

struct SafeTensors {
  std::vector<TensorView> tensors;                      // in the order of their data
  std::map<std::string, std::string> metadata;          // "__metadata__"
  const TensorView* find(std::string_view name) const;  // nullptr when absent
  const TensorView& at(std::string_view name) const;    // Error that names the nearest tensor when absent
};

std::string shape_text(const std::vector<std::int64_t>& shape);  // "[256, 32]"

// The tensors of a file image. Error for anything the format forbids: a header longer than the file or 100 MB, doubled
// names, unknown dtypes, data that do not fit their shape, overlap, leave holes or end before or after the file does.
SafeTensors parse_safetensors(std::string_view file);

struct FilePart;

// A mapped file with its tensors; Error names the path.
class SafeTensorsFile {
 public:
  explicit SafeTensorsFile(const std::string& path);
  const SafeTensors& content() const { return content_; }

 private:
  SafeTensorsFile(const FilePart& place, const std::string& path);
  MappedFile file_;
  SafeTensors content_;
};

// Writes atomically; widest dtypes first, then by name, so that every tensor is aligned to its element and equal
// contents give equal bytes. Error when a name is doubled or a tensor's data do not fit its shape.
void write_safetensors(const std::string& path, std::vector<TensorView> tensors,
                       const std::map<std::string, std::string>& metadata);

}  // namespace tal
