// Faults of feature files, models and folders.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "libtal/base/error.h"
#include "libtal/data/check.h"
#include "libtal/io/features.h"
#include "libtal/io/jsonl.h"
#include "libtal/io/npy.h"

namespace tal {

std::vector<Fault> check_feature_file(const std::string& path) {
  std::vector<Fault> out;
  try {
    const MappedFile file(path);
    const auto header = parse_npy_header(file.bytes());
    if (header.kind != 'f') out.push_back({"bad-header", path, 0, "", "descr", "holds no floating-point numbers"});
    if (header.shape.empty() || header.shape.size() > 2) {
      out.push_back({"bad-header", path, 0, "", "shape", "has " + std::to_string(header.shape.size()) + " dimensions, not 1 or 2"});
      return out;
    }
    const std::int64_t rows = header.shape[0], dim = header.shape.size() > 1 ? header.shape[1] : 1;
    if (rows == 0 || dim == 0) {
      out.push_back({"zero-rows", path, 0, "", "shape", "has no values"});
      return out;
    }
    std::int64_t bad = 0, zero = 0, first_bad = -1, first_zero = -1;
    for (std::int64_t r = 0; r < rows; ++r) {
      bool finite = true, all_zero = true;
      for (std::int64_t c = 0; c < dim; ++c) {
        const double value = npy_element(file.bytes(), header, header.fortran ? c * rows + r : r * dim + c);
        finite &= std::isfinite(value), all_zero &= value == 0;
      }
      if (!finite && bad++ == 0) first_bad = r;
      if (all_zero && zero++ == 0) first_zero = r;
    }
    if (bad) out.push_back({"not-finite", path, 0, "", "row " + std::to_string(first_bad), std::to_string(bad) + " rows have values that are not finite"});
    if (zero) out.push_back({"zero-rows", path, 0, "", "row " + std::to_string(first_zero), std::to_string(zero) + " rows are all zero"});
  } catch (const Error& error) {
    out.push_back({"bad-file", path, 0, "", error.field(), error.message()});
  }
  return out;
}

std::vector<Fault> check_model_file(const std::string& path) {
  using nlohmann::json;
  std::vector<Fault> out;
  const auto add = [&](const char* kind, std::string field, std::string message) {
    out.push_back({kind, path, 0, "", std::move(field), std::move(message)});
  };
  try {
    const MappedFile file(path);
    const auto bytes = file.bytes();
    if (bytes.size() < 8) throw Error("too short for a safetensors header");
    std::uint64_t length = 0;
    for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(bytes[static_cast<std::size_t>(i)]);
    if (length > bytes.size() - 8) throw Error("the header is " + std::to_string(length) + " bytes, the file has " + std::to_string(bytes.size()));
    const json header = json::parse(bytes.substr(8, length), nullptr, false);
    if (header.is_discarded() || !header.is_object()) throw Error("the header is not a JSON object");
    const auto data = bytes.substr(8 + length);
    std::vector<std::pair<std::uint64_t, std::uint64_t>> spans;
    for (const auto& [name, tensor] : header.items()) {
      if (name == "__metadata__") {
        for (const auto& [key, value] : tensor.items())
          if (!value.is_string()) add("bad-header", "__metadata__." + key, "must be a string");
        continue;
      }
      const bool shaped = tensor.is_object() && tensor.contains("dtype") && tensor["dtype"].is_string() && tensor.contains("shape") &&
                          tensor["shape"].is_array() && tensor.contains("data_offsets") && tensor["data_offsets"].is_array() &&
                          tensor["data_offsets"].size() == 2 && tensor["data_offsets"][0].is_number_unsigned() &&
                          tensor["data_offsets"][1].is_number_unsigned();
      if (!shaped) {
        add("bad-header", name, "needs dtype, shape and two data_offsets");
        continue;
      }
      const auto begin = tensor["data_offsets"][0].get<std::uint64_t>(), end = tensor["data_offsets"][1].get<std::uint64_t>();
      const auto dtype = tensor["dtype"].get<std::string>();
      const std::uint64_t size = dtype == "F64" || dtype == "I64" || dtype == "U64" ? 8 : dtype == "F32" || dtype == "I32" || dtype == "U32" ? 4
                               : dtype == "F16" || dtype == "BF16" || dtype == "I16" || dtype == "U16" ? 2
                               : dtype == "I8" || dtype == "U8" || dtype == "BOOL" ? 1 : 0;
      if (size == 0) add("bad-header", name + ".dtype", "unknown type '" + dtype + "'");
      if (end < begin || end > data.size()) {
        add("bad-header", name + ".data_offsets", "reach outside the file");
        continue;
      }
      std::uint64_t count = 1;
      bool counted = true;
      for (const auto& extent : tensor["shape"])
        counted = counted && extent.is_number_unsigned() && !__builtin_mul_overflow(count, extent.get<std::uint64_t>(), &count);
      if (!counted || (size && (count > data.size() || count * size != end - begin))) {
        add("bad-header", name + ".shape", "does not fit its " + std::to_string(end - begin) + " bytes");
        continue;
      }
      spans.emplace_back(begin, end);
      std::uint64_t bad = 0;
      for (std::uint64_t i = begin; (dtype == "F32" || dtype == "F64" || dtype == "F16" || dtype == "BF16") && i < end; i += size) {
        // Not finite: all exponent bits set (little endian, so the last two bytes hold them).
        const unsigned top = static_cast<unsigned char>(data[i + size - 1]) << 8 | static_cast<unsigned char>(data[i + size - 2]);
        const unsigned mask = dtype == "F64" ? 0x7ff0 : dtype == "F16" ? 0x7c00 : 0x7f80;
        bad += (top & mask) == mask;
      }
      if (bad) add("not-finite", name, std::to_string(bad) + " values are not finite");
    }
    std::sort(spans.begin(), spans.end());
    std::uint64_t at = 0;
    for (const auto& [begin, end] : spans) {
      if (begin != at) add("bad-header", "data_offsets", begin < at ? "tensors overlap" : "bytes belong to no tensor");
      at = std::max(at, end);
    }
    if (out.empty() && at != data.size()) add("bad-header", "data_offsets", std::to_string(data.size() - at) + " bytes at the end belong to no tensor");
  } catch (const Error& error) {
    add("bad-file", "", error.message());
  }
  return out;
}

std::vector<Fault> check_folder(const std::string& path, const CheckOptions& options, std::uint64_t& checked) {
  namespace fs = std::filesystem;
  if (!fs::is_directory(path)) throw Error("'" + path + "': not a folder");
  std::vector<std::string> files;
  for (const auto& entry : fs::recursive_directory_iterator(path))
    if (entry.is_regular_file()) files.push_back(entry.path().string());
  std::sort(files.begin(), files.end());
  std::vector<Fault> out;
  checked = 0;
  for (const auto& file : files) {
    const auto extension = fs::path(file).extension();
    std::vector<Fault> found;
    if (extension == ".npy") {
      found = check_feature_file(file);
    } else if (extension == ".safetensors") {
      found = check_model_file(file);
    } else if (extension == ".jsonl") {
      try {
        RecordChecker checker(options);
        LineReader reader(file);
        for (std::string_view line; reader.next(line);) checker.line(line, reader.source(), reader.line_number());
        found = checker.faults();
      } catch (const Error& error) {
        found.push_back({"bad-file", file, error.line(), "", "", error.message()});
      }
    } else {
      continue;
    }
    ++checked;
    out.insert(out.end(), found.begin(), found.end());
  }
  return out;
}

FeatureDifference compare_features(const std::string& a, const std::string& b) {
  const MappedFile file_a(a), file_b(b);
  const auto x = matrix_from_npy(file_a.bytes()), y = matrix_from_npy(file_b.bytes());
  FeatureDifference out{x.rows, y.rows, x.dim, y.dim};
  if (x.dim != y.dim) return out;
  const std::int64_t rows = std::min(x.rows, y.rows);
  double sum = 0;
  for (std::int64_t r = 0; r < rows; ++r) {
    double dot = 0, xx = 0, yy = 0;
    for (std::int64_t c = 0; c < x.dim; ++c) {
      const double u = x.at(r, c), v = y.at(r, c), difference = std::abs(u - v);
      out.max_abs = std::max(out.max_abs, difference);
      sum += difference, dot += u * v, xx += u * u, yy += v * v;
    }
    if (xx > 0 && yy > 0) out.min_cosine = std::min(out.min_cosine, dot / std::sqrt(xx * yy));
    else if (xx != yy) out.min_cosine = std::min(out.min_cosine, 0.0);
  }
  if (rows * x.dim > 0) out.mean_abs = sum / static_cast<double>(rows * x.dim);
  return out;
}

}  // namespace tal
