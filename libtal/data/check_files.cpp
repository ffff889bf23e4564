// Faults of feature files, models and folders.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>
#include <numeric>
#include <optional>
#include <tuple>

#include "libtal/base/error.h"
#include "libtal/base/sha256.h"
#include "libtal/data/check.h"
#include "libtal/io/feature_header.h"
#include "libtal/io/features.h"
#include "libtal/io/folder.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npy.h"
#include "libtal/io/places.h"

namespace tal {

namespace {

using nlohmann::json;

struct Shape {
  std::int64_t rows = 0, dim = 0;
};

// What tal-extract wrote beside the file, when it did.
void check_header(const std::string& path, const Shape& shape, std::string_view bytes, const FaultSink& sink,
                  const FeatureClaim& claim) {
  const std::string beside = feature_header_path(path);
  const auto add = [&](const char* kind, std::string field, std::string message) {
    sink({kind, beside, 0, "", std::move(field), std::move(message)});
  };
  std::optional<json> there;
  try {
    there = read_feature_header(path);
  } catch (const Error& error) {
    return add("bad-file", "", error.message());
  }
  if (!there) return;
  const json &header = *there, &feature = header["feature"];
  const auto text = [](const json& object, const char* key) {
    return object.is_object() && object.contains(key) && object[key].is_string() ? object[key].get<std::string>() : "";
  };
  const auto number = [&](const char* key) {
    return feature.is_object() && feature.contains(key) && feature[key].is_number_integer()
               ? feature[key].get<std::int64_t>()
               : -1;
  };
  if (number("rows") != shape.rows)
    add("rows-disagree", "feature.rows",
        "says " + std::to_string(number("rows")) + ", the array has " + std::to_string(shape.rows));
  if (number("dim") != shape.dim)
    add("dim-disagrees", "feature.dim",
        "says " + std::to_string(number("dim")) + ", the array has " + std::to_string(shape.dim));
  const std::string hash = text(feature, "hash"), settings = text(header, "settings"),
                    content = text(header, "content");
  if (!is_sha256(hash)) add("bad-hash", "feature.hash", "must be sha256: and 64 hexadecimal digits");
  else if (hash != sha256(settings)) add("hash-disagrees", "feature.hash", "is not that of the header's settings");
  if (!is_sha256(content)) add("bad-hash", "content", "must be sha256: and 64 hexadecimal digits");
  else if (content != sha256(bytes))
    add("hash-disagrees", "content", "is not that of the array: the rows changed after they were written");
  if (!claim.hash.empty() && is_sha256(hash) && claim.hash != hash)
    add("hash-disagrees", "feature.hash", "is not the record's: the stream was extracted with other settings");
}

}  // namespace

void check_feature_file(const std::string& path, const FaultSink& sink, const FeatureClaim& claim) {
  const auto add = [&](const char* kind, std::string field, std::string message) {
    sink({kind, path, 0, "", std::move(field), std::move(message)});
  };
  try {
    const MappedFile file(path);
    const auto header = parse_npy_header(file.bytes());
    if (header.shape.empty() || header.shape.size() > 2)
      return add("bad-header", "shape", "has " + std::to_string(header.shape.size()) + " dimensions, not 1 or 2");
    const Shape shape{header.shape[0], header.shape.size() > 1 ? header.shape[1] : 1};
    if (claim.rows >= 0 && claim.rows != shape.rows)
      add("rows-disagree", "shape",
          "the array has " + std::to_string(shape.rows) + " rows, the record says " + std::to_string(claim.rows));
    if (claim.dim >= 0 && claim.dim != shape.dim)
      add("dim-disagrees", "shape",
          "the array has " + std::to_string(shape.dim) + " columns, the record says " + std::to_string(claim.dim));
    check_header(path, shape, file.bytes(), sink, claim);
    if (shape.rows == 0 || shape.dim == 0) return add("zero-rows", "shape", "has no values");
    std::int64_t bad = 0, zero = 0, first_bad = -1, first_zero = -1;
    for (std::int64_t r = 0; r < shape.rows; ++r) {
      bool finite = true, all_zero = true;
      for (std::int64_t c = 0; c < shape.dim; ++c) {
        const double value = npy_element(file.bytes(), header, header.fortran ? c * shape.rows + r : r * shape.dim + c);
        finite &= std::isfinite(static_cast<float>(value)), all_zero &= value == 0;
      }
      if (!finite && bad++ == 0) first_bad = r;
      if (all_zero && zero++ == 0) first_zero = r;
    }
    if (bad)
      add("not-finite", "row " + std::to_string(first_bad),
          std::to_string(bad) + " rows have values that are not finite");
    if (zero) add("zero-rows", "row " + std::to_string(first_zero), std::to_string(zero) + " rows are all zero");
  } catch (const Error& error) {
    add("bad-file", error.field(), error.message());
  }
}

namespace {

struct Span {
  std::uint64_t begin = 0, end = 0;  // bytes of the data
};

std::uint64_t element_size(const std::string& dtype) {  // 0: unknown
  if (dtype == "F64" || dtype == "I64" || dtype == "U64") return 8;
  if (dtype == "F32" || dtype == "I32" || dtype == "U32") return 4;
  if (dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16") return 2;
  return dtype == "I8" || dtype == "U8" || dtype == "BOOL" ? 1 : 0;
}

std::uint64_t count_not_finite(std::string_view values, const std::string& dtype, std::uint64_t size) {
  std::uint64_t bad = 0;
  if (dtype != "F32" && dtype != "F64" && dtype != "F16" && dtype != "BF16") return bad;
  const unsigned mask = dtype == "F64" ? 0x7ff0 : dtype == "F16" ? 0x7c00 : 0x7f80;
  for (std::uint64_t i = 0; i < values.size(); i += size) {
    // Not finite: all exponent bits set (little endian, so the last two bytes hold them).
    const unsigned top =
        static_cast<unsigned char>(values[i + size - 1]) << 8 | static_cast<unsigned char>(values[i + size - 2]);
    bad += (top & mask) == mask;
  }
  return bad;
}

// One model file. Unlike parse_safetensors, which stops at the first fault, it goes on behind one.
class ModelFileCheck {
 public:
  ModelFileCheck(const std::string& path, const FaultSink& sink) : path_(path), sink_(sink) {}

  void run() {
    const MappedFile file(path_);
    const auto bytes = file.bytes();
    if (bytes.size() < 8) throw Error("too short for a safetensors header");
    std::uint64_t length = 0;
    for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    if (length > bytes.size() - 8)
      throw Error("the header is " + std::to_string(length) + " bytes, the file has " + std::to_string(bytes.size()));
    const json header = json::parse(bytes.substr(8, length), nullptr, false);
    if (header.is_discarded() || !header.is_object()) throw Error("the header is not a JSON object");
    data_ = bytes.substr(8 + length);
    for (const auto& [name, entry] : header.items()) {
      if (name == "__metadata__") metadata(entry);
      else tensor(name, entry);
    }
    spans();
  }

 private:
  void add(const char* kind, std::string field, std::string message) {
    faultless_ = false;
    sink_({kind, path_, 0, "", std::move(field), std::move(message)});
  }

  void metadata(const json& entry) {
    for (const auto& [key, value] : entry.items())
      if (!value.is_string()) add("bad-header", "__metadata__." + key, "must be a string");
  }

  void tensor(const std::string& name, const json& entry) {
    const auto has = [&](const char* key, json::value_t type) {
      return entry.contains(key) && entry[key].type() == type;
    };
    const bool shaped = entry.is_object() && has("dtype", json::value_t::string) &&
                        has("shape", json::value_t::array) && has("data_offsets", json::value_t::array) &&
                        entry["data_offsets"].size() == 2 && entry["data_offsets"][0].is_number_unsigned() &&
                        entry["data_offsets"][1].is_number_unsigned();
    if (!shaped) return add("bad-header", name, "needs dtype, shape and two data_offsets");
    const Span span{entry["data_offsets"][0].get<std::uint64_t>(), entry["data_offsets"][1].get<std::uint64_t>()};
    const auto dtype = entry["dtype"].get<std::string>();
    const std::uint64_t size = element_size(dtype), bytes = span.end - span.begin;
    if (size == 0) add("bad-header", name + ".dtype", "unknown type '" + dtype + "'");
    if (span.end < span.begin || span.end > data_.size())
      return add("bad-header", name + ".data_offsets", "reach outside the file");
    std::uint64_t count = 1;
    bool counted = true;
    for (const auto& extent : entry["shape"])
      counted =
          counted && extent.is_number_unsigned() && !__builtin_mul_overflow(count, extent.get<std::uint64_t>(), &count);
    if (!counted || (size && (count > data_.size() || count * size != bytes)))
      return add("bad-header", name + ".shape", "does not fit its " + std::to_string(bytes) + " bytes");
    spans_.push_back(span);
    if (const auto bad = count_not_finite(data_.substr(span.begin, bytes), dtype, size))
      add("not-finite", name, std::to_string(bad) + " values are not finite");
  }

  // The tensors' bytes follow one another to the end of the file.
  void spans() {
    std::sort(spans_.begin(), spans_.end(),
              [](const Span& a, const Span& b) { return std::tie(a.begin, a.end) < std::tie(b.begin, b.end); });
    std::uint64_t at = 0;
    for (const auto& [begin, end] : spans_) {
      if (begin != at) add("bad-header", "data_offsets", begin < at ? "tensors overlap" : "bytes belong to no tensor");
      at = std::max(at, end);
    }
    if (faultless_ && at != data_.size())
      add("bad-header", "data_offsets", std::to_string(data_.size() - at) + " bytes at the end belong to no tensor");
  }

  const std::string& path_;
  const FaultSink& sink_;
  std::string_view data_;
  std::vector<Span> spans_;
  bool faultless_ = true;
};

}  // namespace

void check_model_file(const std::string& path, const FaultSink& sink) {
  try {
    ModelFileCheck(path, sink).run();
  } catch (const Error& error) {
    sink({"bad-file", path, 0, "", "", error.message()});
  }
}

namespace {

// Under these names there are lines with records, and other JSON.
bool may_hold_records(const std::string& name) {
  return name.ends_with(".json") || name.ends_with(".ndjson") || name.ends_with(".jl");
}
// What tal-extract writes beside VIDEO.STREAM.npy, which is checked with it.
bool is_feature_header(const std::string& file) {
  std::error_code failed;
  return file.ends_with(".json") &&
         std::filesystem::exists(std::filesystem::path(file).replace_extension(".npy"), failed);
}

bool begins_with_record(const std::string& file) try {
  LineReader reader(file);
  std::string_view line;
  if (!reader.next(line)) return false;
  Record record;
  record.parse(line);
  return !(record.has("feature") && record.has("content"));  // tal-extract's header names its video too
} catch (const Error&) {
  return false;
}

}  // namespace

std::vector<std::string> check_folder(const std::string& path, const CheckOptions& options, const FaultSink& sink,
                                      std::uint64_t& checked, Unchecked& unchecked,
                                      const std::function<void(const std::string&)>& note, const VideoProbe& probe) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) throw Error("'" + path + "': not a folder");
  const auto files = files_of(path, true, [](const std::string& name) {
    return name.ends_with(".npy") || name.ends_with(".safetensors") || name.ends_with(".jsonl") ||
           may_hold_records(name);
  });
  for (const auto& link : files.dangling) sink({"bad-file", link, 0, "", "", "is a link to a file that is not there"});
  if (const auto left_out = files.note(); !left_out.empty()) note(left_out);
  checked = 0;
  std::vector<std::string> others = files.others;
  for (const auto& file : files.paths) {
    const auto extension = fs::path(file).extension();
    if (extension == ".npy") {
      check_feature_file(file, sink);
    } else if (extension == ".safetensors") {
      check_model_file(file, sink);
    } else if (may_hold_records(file) && !begins_with_record(file)) {
      if (!is_feature_header(file)) others.push_back(file);
      continue;
    } else {
      try {
        RecordChecker checker(options, sink, nullptr, probe);
        LineReader reader(file);
        checker.look_in(places_of(file, ""));
        for (std::string_view line; reader.next(line);) checker.line(line, reader.source(), reader.line_number());
        unchecked.add(checker.unchecked());
        for (const auto& text : checker.misspelt()) note(text);
      } catch (const Error& error) {
        sink({"bad-file", file, error.line(), "", "", error.message()});
      }
    }
    ++checked;
  }
  return others;
}

namespace {

// Rows less the mean of each column, each of length 1; a row that is the mean stays zero.
std::vector<double> unit_rows(const FeatureMatrix& m) {
  const auto dim = static_cast<std::size_t>(m.dim);
  std::vector<double> mean(dim, 0), out;
  for (std::int64_t r = 0; r < m.rows; ++r)
    for (std::int64_t c = 0; c < m.dim; ++c)
      mean[static_cast<std::size_t>(c)] += m.at(r, c) / static_cast<double>(m.rows);
  out.reserve(static_cast<std::size_t>(m.rows) * dim);
  for (std::int64_t r = 0; r < m.rows; ++r) {
    double square = 0;
    for (std::int64_t c = 0; c < m.dim; ++c) {
      out.push_back(m.at(r, c) - mean[static_cast<std::size_t>(c)]);
      square += out.back() * out.back();
    }
    for (std::size_t c = 0; c < dim && square > 0; ++c) out[out.size() - dim + c] /= std::sqrt(square);
  }
  return out;
}

void find_lag(const FeatureMatrix& a, const FeatureMatrix& b, FeatureDifference& out) {
  constexpr std::int64_t kMost = 250;
  const auto x = unit_rows(a), y = unit_rows(b);
  const std::int64_t most = std::min(kMost, std::min(a.rows, b.rows) / 2);
  const auto alike = [&](std::int64_t lag) {  // mean cosine of the rows that both have
    const std::int64_t first = std::max<std::int64_t>(0, -lag), end = std::min(a.rows, b.rows - lag);
    double sum = 0;
    for (std::int64_t r = first; r < end; ++r)
      sum += std::inner_product(x.begin() + r * a.dim, x.begin() + (r + 1) * a.dim, y.begin() + (r + lag) * a.dim, 0.0);
    return end > first ? std::min(1.0, sum / static_cast<double>(end - first)) : 0;
  };
  out.best_lag_cosine = alike(0);
  for (std::int64_t k = 1; k <= most; ++k)  // the nearest of equals
    for (const std::int64_t lag : {k, -k})
      if (const double value = alike(lag); value > out.best_lag_cosine) out.best_lag = lag, out.best_lag_cosine = value;
}

}  // namespace

FeatureDifference compare_features(const std::string& a, const std::string& b) {
  const MappedFile file_a(a), file_b(b);
  const auto x = matrix_from_npy(file_a.bytes()), y = matrix_from_npy(file_b.bytes());
  FeatureDifference out{x.rows, y.rows, x.dim, y.dim};
  if (x.dim != y.dim) return out;
  const std::int64_t rows = std::min(x.rows, y.rows);
  double sum = 0, cosines = 0;
  bool unknown = false;
  for (std::int64_t r = 0; r < rows; ++r) {
    double dot = 0, xx = 0, yy = 0;
    for (std::int64_t c = 0; c < x.dim; ++c) {
      const double u = x.at(r, c), v = y.at(r, c), difference = std::abs(u - v);
      out.max_abs = std::max(out.max_abs, difference);
      unknown = unknown || std::isnan(difference);
      sum += difference, dot += u * v, xx += u * u, yy += v * v;
    }
    const double cosine = xx > 0 && yy > 0 ? dot / std::sqrt(xx * yy) : xx == yy ? 1 : 0;
    out.min_cosine = std::min(out.min_cosine, cosine), cosines += cosine;
  }
  if (unknown) out.max_abs = std::numeric_limits<double>::quiet_NaN();
  if (rows > 0) out.mean_cosine = cosines / static_cast<double>(rows);
  if (rows * x.dim > 0) out.mean_abs = sum / static_cast<double>(rows * x.dim);
  if (rows > 0) find_lag(x, y, out);
  return out;
}

}  // namespace tal
