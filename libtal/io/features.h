// The rows of a record's feature stream, from its .npy file or its inline base64 data.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/base/time_rows.h"
#include "libtal/io/npy.h"
#include "libtal/io/record.h"

namespace tal {

struct FeatureMatrix {
  std::int64_t rows = 0, dim = 0;
  std::vector<float> values;  // [rows, dim], C order
  float at(std::int64_t row, std::int64_t column) const { return values[static_cast<std::size_t>(row * dim + column)]; }
  const float* row(std::int64_t r) const { return values.data() + r * dim; }
};

// Reads and checks the stream: rows and dim as the record says, all values finite. Where relative paths are
// looked for: places.h. Error names the stream's field and the file.
FeatureMatrix load_features(const FeatureStream& stream);
// An .npy image [rows, dim] (one-dimensional arrays are one column). With a header: the image's own, its shape perhaps
// squeezed. Error for more dimensions, rows without columns, and bytes that are no .npy image.
FeatureMatrix matrix_from_npy(std::string_view file);
FeatureMatrix matrix_from_npy(std::string_view file, const NpyHeader& header);
// The shape without extents of 1 at the end, then at the front, then between, as far as there are more than two:
// [1, 90, 512], [90, 512, 1, 1] and [90, 1, 512] are [90, 512]. Error when more than two dimensions are left, or none.
std::vector<std::int64_t> squeezed(std::vector<std::int64_t> shape);
FeatureMatrix transposed(const FeatureMatrix& matrix);
// What is wrong with a value there that is not finite.
Error not_finite(std::int64_t row, std::int64_t column, float value);
// Error (at `field`) with the row and column of the first value that is not finite.
void check_finite(const FeatureMatrix& matrix, std::string_view field = {});

// A stream's rows without loading them all: its .npy file mapped into memory, or its inline data spilt to a temporary
// file and mapped. Rows are converted and checked as they are copied. Safe to use from several threads.
class FeatureRows {
 public:
  // Checks shape against the record. Error names the stream's field and the file.
  explicit FeatureRows(const FeatureStream& stream);
  ~FeatureRows();
  FeatureRows(FeatureRows&&) noexcept;
  std::int64_t rows() const { return rows_; }
  std::int64_t dim() const { return dim_; }
  // Rows [first, first + count) to out[i * out_stride ...]; rows outside the stream are zero. Error for a value that is
  // not finite.
  void copy(std::int64_t first, std::int64_t count, float* out, std::int64_t out_stride) const;

 private:
  struct Source;
  std::unique_ptr<Source> source_;
  std::string field_;
  std::int64_t rows_ = 0, dim_ = 0;
};

// The stream that `name` asks for, or the only one; Error when there are several or none.
FeatureStream select_stream(const Record& record, const std::string& name);

// FeatureStream::data of rows: base64 of little-endian float32 or (half) float16.
std::string inline_rows(std::span<const float> rows, bool half);
// The JSON object of a stream, as Record::set_feature takes it.
std::string feature_json(const FeatureStream& stream);

// The contract of a stream. Without fps a stream of a video with known duration is taken as rescaled to its rows: row i
// is [i, i + 1] duration / rows seconds. Error when neither is known.
RowTime row_time(const FeatureStream& stream, std::optional<double> duration);

}  // namespace tal
