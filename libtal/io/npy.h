// NumPy .npy arrays: memory-mapped reading with every header field checked, atomic writing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tal {

struct NpyHeader {
  char kind = 'f';  // f float, i signed, u unsigned, b bool
  int bytes = 4;    // of one element
  bool big_endian = false, fortran = false;
  std::vector<std::int64_t> shape;
  std::size_t data_offset = 0;
  std::int64_t count() const;
};

// Header of an .npy image in memory (versions 1 to 3): a Python literal, as numpy.format says and reads it (either
// quotes, Python 2's 6L). Checks that the data it promises are there; `size`: bytes of the whole image, where `file` is
// only its beginning. Error otherwise, for a second array behind the first, and one which names a type that is no plain
// number (text, a pickled object, complex).
NpyHeader parse_npy_header(std::string_view file);
NpyHeader parse_npy_header(std::string_view file, std::uint64_t size);
// What an array holds whose type is no number that is read: "text", "pickled Python objects"; nullopt: numbers. The
// beginning of the image is enough. Error for what is no .npy header.
std::optional<std::string> npy_other_kind(std::string_view file);

// Element `index` (C order of storage) as double.
double npy_element(std::string_view file, const NpyHeader& header, std::int64_t index);

// A regular file mapped into memory, read only. Error with the path when it cannot be (kNoFile when there is none).
class MappedFile {
 public:
  explicit MappedFile(const std::string& path);
  ~MappedFile();
  MappedFile(const MappedFile&) = delete;
  MappedFile& operator=(const MappedFile&) = delete;
  std::string_view bytes() const { return {data_, size_}; }

 private:
  const char* data_ = nullptr;
  std::size_t size_ = 0;
};

// Writes [rows, dim] float32, or float16 (rounded to nearest even), C order, version 1, atomically. Error with the
// path.
void write_npy(const std::string& path, const float* data, std::int64_t rows, std::int64_t dim, bool half = false);

// IEEE half precision.
float half_to_float(std::uint16_t half);
std::uint16_t float_to_half(float value);

}  // namespace tal
