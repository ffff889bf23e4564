// MATLAB level 5 files, as far as the field's result files need them: numeric and cell arrays, compressed or not.
// MathWorks, "MAT-File Format", R2015a, chapter 1.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "libtal/base/number.h"
#include "libtal/data/import_support.h"
#include "libtal/data/mat_file.h"
#include "libtal/io/file_kind.h"
#include "libtal/io/zip.h"

namespace tal {
namespace {

constexpr std::size_t kLimit = std::size_t{1} << 30;
enum : std::uint32_t {
  kMatrix = 14,
  kCompressed = 15,
  kCellClass = 1,
  kFirstNumeric = 6,
  kLastNumeric = 15,
  kComplexFlag = 0x800
};

// What arrays of the classes that are no numbers hold.
std::string other_class(std::uint32_t kind) {
  switch (kind) {
    case kCellClass: return "a cell array: save its cells as variables";
    case 2: return "a struct: save its fields as variables (save -struct)";
    case 4: return "text";
    case 5: return "a sparse matrix: save full(x)";
    case 16: return "a function";
    default: return "an object: save its numbers as a variable";
  }
}

std::uint32_t u32(std::string_view bytes, std::size_t at) {
  std::uint32_t value = 0;
  if (bytes.size() < at + 4) throw Error("the MATLAB file ends early");
  std::memcpy(&value, bytes.data() + at, 4);
  return value;
}

struct Element {
  std::uint32_t type;
  std::string_view data;
};

// Takes one data element off the front of `bytes`.
Element take(std::string_view& bytes) {
  const std::uint32_t word = u32(bytes, 0);
  if (word >> 16) {  // small element: length and type share a word
    if ((word >> 16) > 4 || bytes.size() < 8) throw Error("a small element of the MATLAB file is damaged");
    const Element element{word & 0xffff, bytes.substr(4, word >> 16)};
    bytes.remove_prefix(8);
    return element;
  }
  const std::size_t size = u32(bytes, 4);
  if (bytes.size() - 8 < size) throw Error("the MATLAB file ends early");
  const Element element{word, bytes.substr(8, size)};
  const std::size_t padded = word == kCompressed ? size : (size + 7) / 8 * 8;
  bytes.remove_prefix(std::min(bytes.size(), 8 + padded));
  return element;
}

template <class T>
void widen(std::string_view bytes, std::vector<double>& out) {
  out.resize(bytes.size() / sizeof(T));
  for (std::size_t i = 0; i < out.size(); ++i) {
    T value;
    std::memcpy(&value, bytes.data() + i * sizeof(T), sizeof(T));
    out[i] = static_cast<double>(value);
  }
}

void numbers(const Element& element, std::vector<double>& out) {
  switch (element.type) {
    case 1: return widen<std::int8_t>(element.data, out);
    case 2: return widen<std::uint8_t>(element.data, out);
    case 3: return widen<std::int16_t>(element.data, out);
    case 4: return widen<std::uint16_t>(element.data, out);
    case 5: return widen<std::int32_t>(element.data, out);
    case 6: return widen<std::uint32_t>(element.data, out);
    case 7: return widen<float>(element.data, out);
    case 9: return widen<double>(element.data, out);
    case 12: return widen<std::int64_t>(element.data, out);
    case 13: return widen<std::uint64_t>(element.data, out);
    default: throw Error("an array of the MATLAB file has an unknown number type " + std::to_string(element.type));
  }
}

MatArray matrix(std::string_view bytes, int depth) {
  if (depth > 8) throw Error("cells of the MATLAB file are nested too deeply");
  MatArray array;
  if (bytes.empty()) return array;
  const Element flags = take(bytes);
  const std::uint32_t word = u32(flags.data, 0), kind = word & 0xff;
  std::vector<double> shape;
  const Element dimensions = take(bytes);
  if (dimensions.type != 5) throw Error("an array of the MATLAB file has no shape");
  numbers(dimensions, shape);
  std::size_t count = 1;
  for (const double extent : shape) {
    if (extent < 0) throw Error("an array of the MATLAB file has a negative shape");
    array.shape.push_back(static_cast<std::size_t>(extent));
    if (__builtin_mul_overflow(count, array.shape.back(), &count))
      throw Error("an array of the MATLAB file is too large");
  }
  if (array.shape.size() < 2) throw Error("an array of the MATLAB file has no shape");
  array.name = std::string(take(bytes).data);
  const bool numeric = kind >= kFirstNumeric && kind <= kLastNumeric;
  if (!numeric) array.other = other_class(kind);
  else if (word & kComplexFlag) array.other = "complex numbers: save real(x) and imag(x), or abs(x)";
  if (kind == kCellClass) {
    for (std::size_t i = 0; i < count; ++i) {
      const Element cell = take(bytes);
      if (cell.type != kMatrix) throw Error("a cell of the MATLAB file is not an array");
      array.cells.push_back(matrix(cell.data, depth + 1));
    }
  } else if (array.other.empty()) {
    numbers(take(bytes), array.data);
    if (array.data.size() != count)
      throw Error("array '" + array.name + "' of the MATLAB file has not the length of its shape");
  }
  return array;
}

}  // namespace

std::vector<MatArray> parse_mat(std::string_view bytes) {
  if (bytes.size() < 128 || bytes.substr(0, 10) != "MATLAB 5.0")
    throw Error("not a MATLAB level 5 file (save with -v7, not -v7.3)" + what_it_is(bytes));
  if (bytes.substr(126, 2) != "IM") throw Error("the MATLAB file is big-endian, which is not read");
  bytes.remove_prefix(128);
  std::vector<MatArray> arrays;
  while (!bytes.empty()) {
    const Element element = take(bytes);
    if (element.type == kCompressed) {
      const std::string plain = inflate_zlib(element.data, kLimit);
      std::string_view view = plain;
      const Element inner = take(view);
      if (inner.type == kMatrix) arrays.push_back(matrix(inner.data, 0));
    } else if (element.type == kMatrix) {
      arrays.push_back(matrix(element.data, 0));
    }
  }
  return arrays;
}

}  // namespace tal
