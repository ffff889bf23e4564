// Files of numbers: the first byte chooses the reader of the rest (.npy, .npz, safetensors, CSV, .pt/.pth, gzip,
// base64). HDF5 files go to the C library, whose own checks are not ours to fuzz.
#include "libtal/base/base64.h"
#include "libtal/io/csv.h"
#include "libtal/io/features.h"
#include "libtal/io/npy.h"
#include "libtal/io/npz.h"
#include "libtal/io/safetensors.h"
#include "libtal/io/torch_file.h"
#include "libtal/io/zip.h"
#include "tests/fuzz/fuzz.h"

using tal::fuzz::answers;
using tal::fuzz::hold;

namespace {

void read_npy(std::string_view bytes) {
  const auto header = tal::parse_npy_header(bytes);
  hold(header.count() >= 0, "a shape has a size");
  hold(header.data_offset + static_cast<std::size_t>(header.count()) * static_cast<std::size_t>(header.bytes) <=
           bytes.size(),
       "the data are there");
  if (header.count() > 0) tal::npy_element(bytes, header, 0), tal::npy_element(bytes, header, header.count() - 1);
  const auto matrix = tal::matrix_from_npy(bytes);
  hold(matrix.values.size() == static_cast<std::size_t>(matrix.rows * matrix.dim), "rows x dim values");
}

void read_npz(std::string_view bytes) {
  const tal::Npz archive(bytes);
  for (const auto& name : archive.names())
    answers([&] {
      std::string storage;
      read_npy(archive.npy(name, storage));
    });
}

void read_safetensors(std::string_view bytes) {
  for (const auto& tensor : tal::parse_safetensors(bytes).tensors) {
    std::size_t count = 1;
    for (const auto extent : tensor.shape) count *= static_cast<std::size_t>(extent);
    hold(tensor.data.size() == count * tal::dtype_bytes(tensor.dtype), "the data fit the shape");
    if (!tensor.data.empty())
      hold(tensor.data.data() >= bytes.data() && tensor.data.data() + tensor.data.size() <= bytes.data() + bytes.size(),
           "the data lie in the file");
  }
}

void read_torch(std::string_view bytes) {
  const tal::TorchFile file(bytes);
  for (const char* key : {"", ".", "state_dict"}) answers([&] { file.state_dict(key); });
}

void read_base64(std::string_view text) {
  const auto bytes = tal::base64_decode(text);
  hold(tal::base64_decode(tal::base64_encode(bytes)) == bytes, "base64 there and back");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const auto rest = tal::fuzz::text_of(data + 1, size - 1);
  answers([&] {
    switch (data[0]) {
      case 'n': return read_npy(rest);
      case 'z': return read_npz(rest);
      case 's': return read_safetensors(rest);
      case 'c': return (void)tal::parse_number_table({"t", std::string(rest)});
      case 't': return read_torch(rest);
      case 'g': return (void)tal::gunzip(rest, 1 << 20);
      case 'b': return read_base64(rest);
      default: return;
    }
  });
  return 0;
}
