// safetensors files: named tensors behind a JSON header. Every size, bound and overlap is checked before anything is used.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/io/npy.h"

namespace tal {

// Little-endian, C order. dtype in the format's words: F64 F32 F16 BF16 F8_E4M3 F8_E5M2 I64 I32 I16 I8 U64 U32 U16 U8 BOOL.
struct TensorView {
  std::string name, dtype;
  std::vector<std::int64_t> shape;
  std::string_view data;  // points into the file (or whatever the caller keeps alive)
};

struct SafeTensors {
  std::vector<TensorView> tensors;              // in the order of their data
  std::map<std::string, std::string> metadata;  // "__metadata__"
  const TensorView* find(std::string_view name) const;  // nullptr when absent
};

// Bytes of one element; 0 for a dtype that is not known.
std::size_t dtype_bytes(std::string_view dtype);

// The tensors of a file image. Error for anything the format forbids: a header longer than the file or 100 MB, doubled names,
// unknown dtypes, data that do not fit their shape, overlap, leave holes or end before or after the file does.
SafeTensors parse_safetensors(std::string_view file);

// A mapped file with its tensors; Error names the path.
class SafeTensorsFile {
 public:
  explicit SafeTensorsFile(const std::string& path);
  const SafeTensors& content() const { return content_; }

 private:
  MappedFile file_;
  SafeTensors content_;
};

// Writes atomically; widest dtypes first, then by name, so that every tensor is aligned. Error when a name is doubled or
// a tensor's data do not fit its shape.
void write_safetensors(const std::string& path, std::vector<TensorView> tensors, const std::map<std::string, std::string>& metadata);

}  // namespace tal
