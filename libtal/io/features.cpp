#include "libtal/io/features.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>

#include "libtal/base/base64.h"
#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/io/feature_header.h"
#include "libtal/io/npy.h"
#include "libtal/io/places.h"

namespace tal {
namespace {

// The stream's file. Where there is none, the error says how its name was taken.
std::unique_ptr<MappedFile> map_file(const FeatureStream& stream) {
  const std::string file = located_features(stream);
  try {
    auto mapped = std::make_unique<MappedFile>(file);
    check_header_beside(stream);
    return mapped;
  } catch (const Error& error) {
    if (error.kind() != Error::Kind::kNoFile || stream.path.front() == '/') throw;
    const bool rooted = stream.places && !stream.places->features_root.empty();
    throw Error(std::string("No such file or directory (a relative path is taken from ") +
                    (rooted ? "the folder of --features-root)"
                            : "the working folder, else from that of the records' file; --features-root says another)"),
                Error::Kind::kNoFile)
        .in_file(file);
  }
}

}  // namespace

Error not_finite(std::int64_t row, std::int64_t column, float value) {
  return Error("row " + std::to_string(row) + ", column " + std::to_string(column) + " is not finite" +
                   (std::isnan(value) ? "" : ", or beyond the 3.4e38 that float32 holds"),
               Error::Kind::kNotFinite);
}

void check_finite(const FeatureMatrix& m, std::string_view field) {
  for (std::size_t i = 0; i < m.values.size(); ++i)
    if (!std::isfinite(m.values[i]))
      throw not_finite(static_cast<std::int64_t>(i) / m.dim, static_cast<std::int64_t>(i) % m.dim, m.values[i])
          .at_field(field);
}

FeatureMatrix transposed(const FeatureMatrix& m) {
  FeatureMatrix out{m.dim, m.rows, {}};
  out.values.reserve(m.values.size());
  for (std::int64_t c = 0; c < m.dim; ++c)
    for (std::int64_t r = 0; r < m.rows; ++r) out.values.push_back(m.at(r, c));
  return out;
}

std::vector<std::int64_t> squeezed(std::vector<std::int64_t> shape) {
  while (shape.size() > 2 && shape.back() == 1) shape.pop_back();
  while (shape.size() > 2 && shape.front() == 1) shape.erase(shape.begin());
  for (std::size_t i = shape.size(); i-- > 1 && shape.size() > 2;)
    if (shape[i] == 1) shape.erase(shape.begin() + static_cast<std::ptrdiff_t>(i));
  if (shape.empty() || shape.size() > 2)
    throw Error("the array has " + std::to_string(shape.size()) + " dimensions; features are [rows, columns]");
  return shape;
}

FeatureMatrix matrix_from_npy(std::string_view file) { return matrix_from_npy(file, parse_npy_header(file)); }

FeatureMatrix matrix_from_npy(std::string_view file, const NpyHeader& header) {
  if (header.shape.empty() || header.shape.size() > 2)
    throw Error("the array has " + std::to_string(header.shape.size()) + " dimensions; features are [rows, columns]");
  FeatureMatrix m;
  m.rows = header.shape[0];
  m.dim = header.shape.size() == 2 ? header.shape[1] : 1;
  if (m.rows > 0 && m.dim == 0) throw Error("the array has rows, but no columns");
  const auto count = static_cast<std::size_t>(header.count());
  m.values.resize(count);
  if (header.kind == 'f' && header.bytes == 4 && !header.big_endian && !header.fortran) {
    if (count > 0) std::memcpy(m.values.data(), file.data() + header.data_offset, count * 4);
  } else {
    for (std::int64_t r = 0; r < m.rows; ++r)
      for (std::int64_t c = 0; c < m.dim; ++c)
        m.values[static_cast<std::size_t>(r * m.dim + c)] =
            static_cast<float>(npy_element(file, header, header.fortran ? c * m.rows + r : r * m.dim + c));
  }
  return m;
}

FeatureMatrix load_features(const FeatureStream& stream) {
  const std::string field = "features." + stream.name;
  try {
    FeatureMatrix m;
    if (!stream.path.empty()) {
      if (!stream.path.ends_with(".npy"))
        throw Error("'" + stream.path + "': not an .npy file; tal-convert --from features reads other formats");
      try {
        const auto file = map_file(stream);
        m = matrix_from_npy(file->bytes());
        check_finite(m);
      } catch (Error& error) {
        throw error.in_file(stream.path);
      }
    } else {
      const std::string bytes = base64_decode(stream.data);
      const bool half = stream.dtype == "float16";
      if (!half && stream.dtype != "float32")
        throw Error("'" + stream.dtype + "' is not float32 or float16").at_field(field + ".dtype");
      if (stream.rows < 0 || stream.dim < 0) throw Error("inline data need rows and dim");
      m.rows = stream.rows, m.dim = stream.dim;
      const std::size_t width = half ? 2 : 4;
      if (static_cast<double>(stream.rows) * static_cast<double>(stream.dim) * static_cast<double>(width) !=
          static_cast<double>(bytes.size()))
        throw Error("rows x dim needs " +
                    format_number(static_cast<double>(stream.rows) * static_cast<double>(stream.dim) *
                                  static_cast<double>(width)) +
                    " bytes, the inline data have " + std::to_string(bytes.size()));
      m.values.resize(bytes.size() / width);
      for (std::size_t i = 0; i < m.values.size(); ++i) {
        if (half) {
          std::uint16_t value;
          std::memcpy(&value, bytes.data() + 2 * i, 2);
          m.values[i] = half_to_float(value);
        } else {
          std::memcpy(&m.values[i], bytes.data() + 4 * i, 4);
        }
      }
      check_finite(m);
    }
    if (stream.rows >= 0 && stream.rows != m.rows)
      throw Error("the record says " + std::to_string(stream.rows) + ", the data have " + std::to_string(m.rows))
          .at_field(field + ".rows");
    if (stream.dim >= 0 && stream.dim != m.dim)
      throw Error("the record says " + std::to_string(stream.dim) + ", the data have " + std::to_string(m.dim))
          .at_field(field + ".dim");
    return m;
  } catch (Error& error) {
    throw error.at_field(field);
  }
}

struct FeatureRows::Source {
  std::unique_ptr<MappedFile> file;
  NpyHeader header;
  std::string_view bytes() const { return file->bytes(); }
};

// The inline data as a mapped file that nobody else can see and that goes with the mapping.
static std::unique_ptr<MappedFile> spill(std::string_view bytes) {
  const std::unique_ptr<std::FILE, int (*)(std::FILE*)> file(std::tmpfile(), std::fclose);
  if (!file) throw_errno("temporary file", errno);
  if (std::fwrite(bytes.data(), 1, bytes.size(), file.get()) != bytes.size() || std::fflush(file.get()) != 0)
    throw_errno("temporary file", errno);
  return std::make_unique<MappedFile>("/proc/self/fd/" + std::to_string(fileno(file.get())));
}

FeatureRows::FeatureRows(const FeatureStream& stream)
    : source_(std::make_unique<Source>()), field_("features." + stream.name) {
  try {
    NpyHeader& header = source_->header;
    if (!stream.path.empty()) {
      source_->file = map_file(stream);
      try {
        header = parse_npy_header(source_->bytes());
        if (header.shape.empty() || header.shape.size() > 2)
          throw Error(std::to_string(header.shape.size()) + " dimensions; features are [rows, columns]");
      } catch (Error& error) {
        throw error.in_file(stream.path);
      }
    } else {
      const FeatureMatrix matrix = load_features(stream);
      header.shape = {matrix.rows, matrix.dim};
      source_->file =
          spill({reinterpret_cast<const char*>(matrix.values.data()), matrix.values.size() * sizeof(float)});
    }
    rows_ = header.shape[0], dim_ = header.shape.size() == 2 ? header.shape[1] : 1;
    const auto same = [&](std::int64_t said, std::int64_t found, const char* what) {
      if (said >= 0 && said != found)
        throw Error("the record says " + std::to_string(said) + ", the data have " + std::to_string(found))
            .at_field(field_ + what);
    };
    same(stream.rows, rows_, ".rows");
    same(stream.dim, dim_, ".dim");
  } catch (Error& error) {
    throw error.at_field(field_);
  }
}
FeatureRows::~FeatureRows() = default;
FeatureRows::FeatureRows(FeatureRows&&) noexcept = default;

void FeatureRows::copy(std::int64_t first, std::int64_t count, float* out, std::int64_t out_stride) const {
  const NpyHeader& header = source_->header;
  const bool plain = header.kind == 'f' && header.bytes == 4 && !header.big_endian && !header.fortran;
  for (std::int64_t i = 0; i < count; ++i, out += out_stride) {
    const std::int64_t row = first + i;
    if (row < 0 || row >= rows_) {
      std::fill_n(out, dim_, 0.0f);
      continue;
    }
    if (plain) {
      std::memcpy(out,
                  source_->bytes().data() + header.data_offset + static_cast<std::size_t>(row * dim_) * sizeof(float),
                  static_cast<std::size_t>(dim_) * sizeof(float));
    } else {
      for (std::int64_t c = 0; c < dim_; ++c)
        out[c] = static_cast<float>(
            npy_element(source_->bytes(), header, header.fortran ? c * rows_ + row : row * dim_ + c));
    }
    for (std::int64_t c = 0; c < dim_; ++c)
      if (!std::isfinite(out[c])) throw not_finite(row, c, out[c]).at_field(field_);
  }
}

FeatureStream select_stream(const Record& record, const std::string& name) {
  const auto streams = record.features();
  if (streams.empty()) throw Error("missing; this step needs features").at_field("features").at_video(record.video());
  std::string known;
  for (const auto& stream : streams) {
    if (stream.name == name || (name.empty() && streams.size() == 1)) {
      see_span(record, stream);
      return stream;
    }
    known += (known.empty() ? "" : ", ") + stream.name;
  }
  if (name.empty())
    throw Error("several streams (" + known + "): choose one with --stream")
        .at_field("features")
        .at_video(record.video());
  throw Error("no stream '" + name + "'; there are: " + known).at_field("features").at_video(record.video());
}

std::string inline_rows(std::span<const float> rows, bool half) {
  if (!half) return base64_encode({reinterpret_cast<const char*>(rows.data()), rows.size_bytes()});
  std::vector<std::uint16_t> halves;
  for (const float value : rows) halves.push_back(float_to_half(value));
  return base64_encode({reinterpret_cast<const char*>(halves.data()), halves.size() * sizeof(std::uint16_t)});
}

std::string feature_json(const FeatureStream& stream) {
  std::string out = "{";
  const auto key = [&](const char* name) {
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
  };
  const auto text = [&](const char* name, const std::string& value) {
    if (value.empty()) return;
    key(name);
    append_json_string(out, value);
  };
  const auto number = [&](const char* name, double value) {
    key(name);
    append_number(out, value);
  };
  text("path", stream.path);
  text("data", stream.data);
  if (!stream.data.empty() && stream.dtype != "float32") text("dtype", stream.dtype);
  if (stream.rows >= 0) number("rows", static_cast<double>(stream.rows));
  if (stream.dim >= 0) number("dim", static_cast<double>(stream.dim));
  if (stream.stride > 0) number("stride", stream.stride);
  if (stream.window > 0) number("window", stream.window);
  if (stream.fps) {
    if (stream.fps->den == 1) number("fps", stream.fps->num);
    else {
      key("fps");
      out += '[';
      append_number(out, stream.fps->num);
      out += ',';
      append_number(out, stream.fps->den);
      out += ']';
    }
  }
  if (stream.offset != 0) number("offset", stream.offset);
  if (stream.last_start) number("last_start", *stream.last_start);
  text("resample", stream.resample);
  text("weights", stream.weights);
  text("settings", stream.settings);
  if (!stream.classes.empty()) {
    key("classes");
    out += '[';
    for (std::size_t i = 0; i < stream.classes.size(); ++i) {
      if (i > 0) out += ',';
      append_json_string(out, stream.classes[i]);
    }
    out += ']';
  }
  return out + "}";
}

RowTime row_time(const FeatureStream& stream, std::optional<double> duration) {
  RowTime time;
  if (stream.fps) {
    if (!(stream.stride > 0)) throw Error("missing or not positive").at_field("features." + stream.name + ".stride");
    time.fps = stream.fps->value();
    time.stride = stream.stride;
    time.window = stream.window > 0 ? stream.window : stream.stride;
    time.offset = stream.offset;
    return time;
  }
  if (!duration || stream.rows <= 0)
    throw Error("missing; the stream's times need fps and stride, or the video's duration")
        .at_field("features." + stream.name + ".fps");
  time.fps = static_cast<double>(stream.rows) / *duration;  // stride = window = 1 frame at this rate
  return time;
}

}  // namespace tal
