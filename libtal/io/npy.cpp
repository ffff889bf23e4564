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
#include "libtal/base/text.h"
#include "libtal/io/file_kind.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/pickle.h"

namespace tal {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";

// The header's Python literal: a dict of a text or list (descr), a truth value and a tuple of integers.
class HeaderDict {
 public:
  explicit HeaderDict(std::string_view text) : rest_(text) {
    expect('{');
    while (!next_is('}')) {
      const std::string key = quoted();
      expect(':');
      has_descr = has_descr || key == "descr";
      if (key == "descr" && !next_is_any("[(")) descr = quoted();
      else if (key == "fortran_order") fortran = truth();
      else if (key == "shape") shape = integers();
      else skip_value();
      if (!next_is('}')) expect(',');
    }
  }
  bool has_descr = false;
  std::optional<std::string> descr;  // none: a list, of fields
  std::optional<bool> fortran;
  std::optional<std::vector<std::int64_t>> shape;

 private:
  static Error damaged() { return Error("the .npy header is not a dict of descr, fortran_order and shape"); }
  void blanks() {
    while (!rest_.empty() && std::strchr(" \t\r\n", rest_.front())) rest_.remove_prefix(1);
  }
  bool next_is(char c) { return next_is_any(std::string_view(&c, 1)); }
  bool next_is_any(std::string_view characters) {
    blanks();
    return !rest_.empty() && characters.find(rest_.front()) != std::string_view::npos;
  }
  void expect(char c) {
    if (!next_is(c)) throw damaged();
    rest_.remove_prefix(1);
  }
  std::string quoted() {
    if (next_is_any("ub")) rest_.remove_prefix(1);  // of Python 2
    if (!next_is_any("'\"")) throw damaged();
    const auto end = rest_.find(rest_.front(), 1);
    if (end == std::string_view::npos) throw damaged();
    std::string text(rest_.substr(1, end - 1));
    rest_.remove_prefix(end + 1);
    return text;
  }
  bool truth() {
    blanks();
    for (const std::string_view word : {"True", "False"})
      if (rest_.starts_with(word)) {
        rest_.remove_prefix(word.size());
        return word == "True";
      }
    throw Error("the .npy header has no fortran_order");
  }
  std::vector<std::int64_t> integers() {
    expect('(');
    const auto close = rest_.find(')');
    if (close == std::string_view::npos) throw damaged();
    std::string_view items = rest_.substr(0, close);
    rest_.remove_prefix(close + 1);
    std::vector<std::int64_t> values;
    while (!trim(items).empty()) {
      const auto comma = std::min(items.find(','), items.size());
      std::string_view item = trim(items.substr(0, comma));
      if (item.ends_with('L')) item.remove_suffix(1);  // Python 2's long
      values.push_back(parse_integer(item));
      items.remove_prefix(std::min(comma + 1, items.size()));
    }
    return values;
  }
  // A list of fields, with its nested lists, tuples and texts; or a value of a key that numpy does not know.
  void skip_value() {
    int depth = 0;
    do {
      blanks();
      if (rest_.empty()) throw damaged();
      const char c = rest_.front();
      if (c == '\'' || c == '"') {
        (void)quoted();
        continue;
      }
      depth += c == '[' || c == '(' || c == '{' ? 1 : c == ']' || c == ')' || c == '}' ? -1 : 0;
      rest_.remove_prefix(1);
    } while (depth > 0 || !next_is_any(",}"));
  }
  std::string_view rest_;
};

// The literal, and where the data begin.
std::pair<HeaderDict, std::size_t> header_dict(std::string_view file) {
  if (file.size() < 10 || !file.starts_with(kMagic))
    throw Error("not an .npy file" + (file.starts_with(kMagic) ? "" : what_it_is(file)));
  const auto byte = [&](std::size_t i) { return static_cast<std::size_t>(static_cast<unsigned char>(file[i])); };
  const std::size_t version = byte(6);
  if (version < 1 || version > 3) throw Error(".npy version " + std::to_string(version) + " is not known");
  std::size_t length = byte(8) | byte(9) << 8, begin = 10;
  if (version > 1) {
    if (file.size() < 12) throw Error("the .npy header is cut off");
    length |= byte(10) << 16 | byte(11) << 24, begin = 12;
  }
  if (length > file.size() - begin) throw Error("the .npy header is cut off");
  HeaderDict dict(file.substr(begin, length));
  if (!dict.has_descr) throw Error("the .npy header has no descr");
  return {std::move(dict), begin + length};
}

// A descr without the order of its bytes: "<f4" -> "f4".
std::string_view without_order(std::string_view descr) {
  if (!descr.empty() && std::strchr("<>|=", descr.front())) descr.remove_prefix(1);
  return descr;
}

// kind and bytes of a descr like "<f4"; false: no number that is read.
bool read_type(std::string_view descr, NpyHeader& header) {
  header.big_endian = descr.starts_with('>');
  descr = without_order(descr);
  if (descr.size() != 2) return false;
  header.kind = descr[0], header.bytes = descr[1] - '0';
  switch (header.kind) {
    case 'f': return header.bytes == 2 || header.bytes == 4 || header.bytes == 8;
    case 'i':
    case 'u': return header.bytes == 1 || header.bytes == 2 || header.bytes == 4 || header.bytes == 8;
    case 'b': return header.bytes == 1;
    default: return false;
  }
}

// What an array of another type holds.
std::string other_kind(const HeaderDict& dict) {
  if (!dict.descr) return "records of several fields";
  const std::string_view descr = without_order(*dict.descr);
  switch (descr.empty() ? '?' : descr.front()) {
    case 'O': return "pickled Python objects";
    case 'U':
    case 'S':
    case 'a': return "text";
    case 'V': return "raw bytes, as bfloat16 is saved";
    case 'c': return "complex numbers";
    case 'M':
    case 'm': return "dates or times";
    default: return "values of type '" + *dict.descr + "'";
  }
}

// " (a dict of 'rgb', 'flow')": what a pickle holds, as far as it can be told without making it; "" when it is large.
std::string pickled_keys(std::string_view data) {
  constexpr std::size_t kMostBytes = std::size_t{1} << 26, kMostKeys = 8;
  if (data.size() > kMostBytes) return "";
  try {
    const Pickle pickle(data, [](std::string_view) { return true; });
    for (const auto& node : pickle.nodes()) {
      if (node.kind != PickleNode::Kind::kDict || node.items.empty()) continue;
      std::string keys;
      for (std::size_t i = 0; i + 1 < node.items.size() && i < 2 * kMostKeys; i += 2)
        if (node.items[i]->kind == PickleNode::Kind::kText) keys += (i > 0 ? ", '" : "'") + node.items[i]->text + '\'';
      return keys.empty() ? "" : " (a dict of " + keys + (node.items.size() > 2 * kMostKeys ? ", ...)" : ")");
    }
  } catch (const Error&) {  // damaged or of a kind that is not read: the message says less
  }
  return "";
}

}  // namespace

std::int64_t NpyHeader::count() const {
  std::int64_t n = 1;
  for (const auto extent : shape) n *= extent;
  return n;
}

NpyHeader parse_npy_header(std::string_view file) { return parse_npy_header(file, file.size()); }

NpyHeader parse_npy_header(std::string_view file, std::uint64_t size) {
  const auto [dict, data_offset] = header_dict(file);
  NpyHeader header;
  header.data_offset = data_offset;
  if (!dict.descr || !read_type(*dict.descr, header)) {
    const std::string kind = other_kind(dict);
    if (kind.starts_with("pickled"))
      throw Error("the array holds pickled Python objects" + pickled_keys(file.substr(data_offset)) +
                  ", as numpy.save writes a dict or a list; they are not read, for reading them could run code. Save "
                  "each array by itself, numpy.save(FILE, d['rgb']), or all with numpy.savez(FILE, **d)");
    throw Error("the array holds " + kind + ", not numbers that are read: save it as float32");
  }
  if (!dict.fortran) throw Error("the .npy header has no fortran_order");
  if (!dict.shape) throw Error("the .npy header has no shape");
  header.fortran = *dict.fortran, header.shape = *dict.shape;
  std::int64_t elements = 1;
  for (const auto extent : header.shape) {
    if (extent < 0 || (extent > 0 && elements > (std::int64_t{1} << 48) / extent))
      throw Error("the .npy shape is not possible");
    elements *= extent;
  }
  const auto promised = static_cast<std::uint64_t>(elements) * static_cast<std::uint64_t>(header.bytes);
  if (promised > size - header.data_offset)
    throw Error("the .npy file is cut off: " + std::to_string(promised) + " bytes of data promised, " +
                std::to_string(size - header.data_offset) + " there");
  if (const auto end = header.data_offset + promised;
      end < file.size() && file.substr(static_cast<std::size_t>(end)).starts_with(kMagic))
    throw Error(
        "a second array follows the first, as numpy.save writes it into an open file: save each into a file of "
        "its own, or all with numpy.savez");
  return header;
}

std::optional<std::string> npy_other_kind(std::string_view file) {
  const auto dict = header_dict(file).first;
  NpyHeader header;
  if (dict.descr && read_type(*dict.descr, header)) return std::nullopt;
  return other_kind(dict);
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
