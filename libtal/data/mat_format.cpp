// MATLAB level 5 files, as far as the field's result files need them: numeric and cell arrays, compressed or not.
// MathWorks, "MAT-File Format", R2015a, chapter 1.
#include <algorithm>
#include <cmath>
#include <cstring>

#include "libtal/base/number.h"
#include "libtal/data/import_support.h"
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
    throw Error("not a MATLAB level 5 file (save with -v7, not -v7.3)");
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

std::vector<std::vector<double>> parse_window_weights(const SourceText& source) try {
  std::vector<std::vector<double>> rows;
  if (source.text.substr(0, 6) == "MATLAB") {
    for (const auto& array : parse_mat(source.text)) {
      if (array.data.empty() || array.shape.size() != 2) continue;
      for (std::size_t r = 0; r < array.shape[0]; ++r) {
        auto& row = rows.emplace_back();
        for (std::size_t c = 0; c < array.shape[1]; ++c) row.push_back(array.at(r, c));
      }
      return rows;
    }
    throw Error("no matrix in this file");
  }
  const TableText table = open_table(source, {}, BlankColumns::kAlways);
  DecimalSign sign({}, table.separator);
  for (RowReader lines = table.rows(source.name); lines.next();)
    for (const auto field : lines.fields()) sign.see(field, lines.line());
  const char decimal = sign.decide(source.name);
  for (RowReader lines = table.rows(source.name); lines.next();) {
    auto& row = rows.emplace_back();
    try {
      for (const auto field : lines.fields()) row.push_back(table_number(field, decimal));
      if (row.size() != rows.front().size()) throw Error("rows differ in length");
    } catch (Error& error) {
      throw error.at_line(source.name, lines.line());
    }
  }
  if (rows.empty()) throw Error("empty");
  return rows;
} catch (Error& error) {
  throw error.at_line(source.name, 0);
}

namespace {

// What stands for the line that a row of an array has not.
std::string row_text(const MatArray& table, std::size_t row) {
  std::string text;
  for (std::size_t c = 0; c < table.shape[1]; ++c) {
    const double value = table.at(row, c);
    text += (c > 0 ? " " : "") + (std::isfinite(value) ? format_number(value)
                                  : std::isnan(value)  ? "nan"
                                  : value < 0          ? "-inf"
                                                       : "inf");
  }
  return text;
}

}  // namespace

// S-CNN's res_seg_swin: one window a row. Columns (from 1): 1 video number, 2 window length in frames, 5 and 6 start
// and end in seconds, 9 score, 11 class (0 background). score * weight[log2(length / 16)][class - 1] as its evaluation
// code ranks them.
void read_scnn_mat(const std::vector<SourceText>& sources, const ImportOptions& options, const ImportSink& sink) {
  VideoRows rows;
  for (const auto& source : sources) {
    std::vector<MatArray> arrays;
    try {
      arrays = parse_mat(source.text);
    } catch (Error& error) {
      throw error.at_line(source.name, 0);
    }
    const MatArray* table = nullptr;
    for (const auto& array : arrays)
      if (!array.data.empty() && array.shape.size() == 2 && array.shape[1] >= 11 && !table) table = &array;
    if (!table) throw Error("no matrix with at least 11 columns").at_line(source.name, 0);
    const auto& weights = options.tables.window_weights;
    std::size_t background = 0;
    for (std::size_t r = 0; r < table->shape[0]; ++r) {
      guard_row(source, 0, "", row_text(*table, r), sink, [&] {
        const std::string place = "row " + std::to_string(r + 1);
        const auto cell = [&](std::size_t column) {
          const double value = table->at(r, column - 1);
          if (!std::isfinite(value))
            throw Error("not a finite number", Error::Kind::kNotFinite)
                .at_field(place + ", column " + std::to_string(column));
          return value;
        };
        const auto whole = [&](std::size_t column, double high) {
          const double value = cell(column);
          if (value != std::floor(value) || value < 0 || value > high)
            throw Error("'" + format_number(value) + "' is not a whole number from 0 to " + format_number(high))
                .at_field(place + ", column " + std::to_string(column));
          return static_cast<std::int64_t>(value);
        };
        std::string video = std::to_string(whole(1, 9999999));
        video = options.prefix.value_or("video_test_") + std::string(7 - std::min<std::size_t>(7, video.size()), '0') +
                video;
        auto& entry = rows.at(video);  // a video of background windows only has a record too
        entry.has_proposals = true;
        const std::int64_t id = whole(11, 1e6);
        if (id == 0) {
          ++background;
          return;
        }
        double score = cell(9);
        if (!weights.empty()) {
          const double level = std::log2(cell(2) / 16);
          if (!(level >= 0) || level != std::floor(level) || level >= static_cast<double>(weights.size()))
            throw Error("window length " + format_number(cell(2)) + " has no row in the weights")
                .at_field(place + ", column 2")
                .at_video(video);
          const auto& row = weights[static_cast<std::size_t>(level)];
          if (static_cast<std::size_t>(id) > row.size())
            throw Error("class " + std::to_string(id) + " has no column in the weights")
                .at_field(place + ", column 11")
                .at_video(video);
          score *= row[static_cast<std::size_t>(id) - 1];
        }
        const Segment segment{cell(5), cell(6)};
        check_segment(segment, place);
        append_item(entry.proposals, segment, score, label_of(std::to_string(id), options));
      });
    }
    if (background > 0) sink.note(source.name + ": left out " + std::to_string(background) + " background windows");
  }
  rows.emit(options, sink);
}

}  // namespace tal
