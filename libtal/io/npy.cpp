#include "libtal/io/npy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstring>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/jsonl.h"

namespace tal {
namespace {

// The value behind 'key': in the header's Python dict; "" when absent.
std::string_view dict_value(std::string_view dict, std::string_view key) {
  const std::string quoted = "'" + std::string(key) + "'";
  auto at = dict.find(quoted);
  if (at == std::string_view::npos) return {};
  at = dict.find(':', at + quoted.size());
  if (at == std::string_view::npos) return {};
  at = dict.find_first_not_of(' ', at + 1);
  return at == std::string_view::npos ? std::string_view() : dict.substr(at);
}

}  // namespace

std::int64_t NpyHeader::count() const {
  std::int64_t n = 1;
  for (const auto extent : shape) n *= extent;
  return n;
}

NpyHeader parse_npy_header(std::string_view file) {
  if (file.size() < 10 || file.substr(0, 6) != std::string_view("\x93NUMPY", 6)) throw Error("not an .npy file");
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(file[i])); };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) throw Error(".npy version " + std::to_string(version) + " is not known");
  std::size_t length = byte(8) | byte(9) << 8, begin = 10;
  if (version > 1) {
    if (file.size() < 12) throw Error("the .npy header is cut off");
    length |= byte(10) << 16 | byte(11) << 24, begin = 12;
  }
  if (length > file.size() - begin) throw Error("the .npy header is cut off");
  const std::string_view dict = file.substr(begin, length);
  NpyHeader header;
  header.data_offset = begin + length;
  const auto descr = dict_value(dict, "descr");
  if (descr.size() < 5 || descr[0] != '\'')
    throw Error("the .npy header has no simple descr (structured arrays are not features)");
  const char order = descr[1];
  header.kind = descr[2];
  header.bytes = descr[3] - '0';
  if (descr[4] != '\'' || !std::strchr("<>|=", order) || !std::strchr("fiub", header.kind) ||
      !(header.bytes == 1 || header.bytes == 2 || header.bytes == 4 || header.bytes == 8) ||
      (header.kind == 'f' && header.bytes == 1))
    throw Error(".npy type " + std::string(descr.substr(0, 6)) + " is not a number type that is known");
  header.big_endian = order == '>';
  const auto fortran = dict_value(dict, "fortran_order");
  if (fortran.substr(0, 4) != "True" && fortran.substr(0, 5) != "False")
    throw Error("the .npy header has no fortran_order");
  header.fortran = fortran[0] == 'T';
  auto shape = dict_value(dict, "shape");
  const auto close = shape.find(')');
  if (shape.empty() || shape[0] != '(' || close == std::string_view::npos) throw Error("the .npy header has no shape");
  shape = shape.substr(1, close - 1);
  std::int64_t elements = 1;
  while (!shape.empty()) {
    const auto comma = shape.find(',');
    auto item = shape.substr(0, comma);
    while (!item.empty() && item.front() == ' ') item.remove_prefix(1);
    while (!item.empty() && item.back() == ' ') item.remove_suffix(1);
    if (!item.empty()) {
      const std::int64_t extent = parse_integer(item);
      if (extent < 0 || (extent > 0 && elements > (std::int64_t{1} << 48) / extent))
        throw Error("the .npy shape is not possible");
      elements *= extent;
      header.shape.push_back(extent);
    }
    if (comma == std::string_view::npos) break;
    shape.remove_prefix(comma + 1);
  }
  const auto promised = static_cast<std::uint64_t>(header.count()) * static_cast<std::uint64_t>(header.bytes);
  if (promised > file.size() - header.data_offset)
    throw Error("the .npy file is cut off: " + std::to_string(promised) + " bytes of data promised, " +
                std::to_string(file.size() - header.data_offset) + " there");
  return header;
}

double npy_element(std::string_view file, const NpyHeader& header, std::int64_t index) {
  unsigned char raw[8] = {};
  const auto size = static_cast<std::size_t>(header.bytes);
  std::memcpy(raw, file.data() + header.data_offset + static_cast<std::size_t>(index) * size, size);
  if (header.big_endian) std::reverse(raw, raw + size);
  const auto as = [&](auto value) {
    std::memcpy(&value, raw, sizeof value);
    return static_cast<double>(value);
  };
  switch (header.kind) {
    case 'f':
      if (size == 2) {
        std::uint16_t half;
        std::memcpy(&half, raw, 2);
        return half_to_float(half);
      }
      return size == 4 ? as(float{}) : as(double{});
    case 'i':
      return size == 1   ? as(std::int8_t{})
             : size == 2 ? as(std::int16_t{})
             : size == 4 ? as(std::int32_t{})
                         : as(std::int64_t{});
    default:
      return size == 1   ? as(std::uint8_t{})
             : size == 2 ? as(std::uint16_t{})
             : size == 4 ? as(std::uint32_t{})
                         : as(std::uint64_t{});
  }
}

MappedFile::MappedFile(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC);
  if (fd < 0) throw_errno(path, errno);
  struct stat info {};
  if (::fstat(fd, &info) != 0 || !S_ISREG(info.st_mode)) {
    ::close(fd);
    throw Error("not a regular file").in_file(path);
  }
  size_ = static_cast<std::size_t>(info.st_size);
  if (size_ > 0) {
    void* mapped = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
    const int reason = errno;
    ::close(fd);
    if (mapped == MAP_FAILED) throw_errno(path, reason);
    data_ = static_cast<const char*>(mapped);
  } else {
    ::close(fd);
  }
}

MappedFile::~MappedFile() {
  if (data_) ::munmap(const_cast<char*>(data_), size_);
}

float half_to_float(std::uint16_t half) {
  const std::uint32_t sign = static_cast<std::uint32_t>(half & 0x8000) << 16;
  const int exponent = half >> 10 & 31;
  const std::uint32_t mantissa = half & 1023;
  if (exponent == 0) {
    const float tiny = std::ldexp(static_cast<float>(mantissa), -24);
    return sign ? -tiny : tiny;
  }
  const std::uint32_t bits =
      sign | (exponent == 31 ? 255u << 23 : static_cast<std::uint32_t>(exponent + 112) << 23) | mantissa << 13;
  float out;
  std::memcpy(&out, &bits, 4);
  return out;
}

std::uint16_t float_to_half(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, 4);
  const auto sign = static_cast<std::uint16_t>(bits >> 16 & 0x8000);
  const std::uint32_t magnitude = bits & 0x7fffffff;
  if (magnitude > 0x7f800000) return sign | 0x7e00;
  if (magnitude >= 0x477ff000) return sign | 0x7c00;  // rounds to infinity
  if (magnitude < 0x38800000) {                       // subnormal half: the value in units of 2^-24, to nearest even
    const float scaled = std::nearbyint(std::ldexp(std::fabs(value), 24));
    return static_cast<std::uint16_t>(sign | static_cast<std::uint16_t>(scaled));
  }
  const std::uint32_t rounded = magnitude + 0xfff + (magnitude >> 13 & 1);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000) >> 13));
}

void write_npy(const std::string& path, const float* data, std::int64_t rows, std::int64_t dim, bool half) {
  std::string header = "{'descr': '" + std::string(half ? "<f2" : "<f4") + "', 'fortran_order': False, 'shape': (" +
                       std::to_string(rows) + ", " + std::to_string(dim) + "), }";
  while ((10 + header.size() + 1) % 64 != 0) header += ' ';
  header += '\n';
  std::string start("\x93NUMPY\x01\x00", 8);
  start += static_cast<char>(header.size() & 255);
  start += static_cast<char>(header.size() >> 8);
  AtomicFile file(path);
  file.write(start + header);
  const auto count = static_cast<std::size_t>(rows * dim);
  if (half) {
    std::vector<std::uint16_t> halves(count);
    for (std::size_t i = 0; i < count; ++i) halves[i] = float_to_half(data[i]);
    file.write(halves.data(), count * 2);
  } else {
    file.write(data, count * 4);
  }
  file.commit();
}

}  // namespace tal
