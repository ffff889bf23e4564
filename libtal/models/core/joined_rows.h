// The feature streams of one video side by side: one row of all columns for each step of time.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "libtal/io/features.h"
#include "libtal/models/core/model.h"

namespace tal {

// Features stay in their files. Safe to read from several threads once it is settled.
class JoinedRows {
 public:
  // The next stream, in the order of the contract, with its rows; duration of the video. Error as row_time().
  void add(const FeatureStream& stream, FeatureRows rows, std::optional<double> duration);
  std::size_t streams() const { return streams_.size(); }
  // After the last stream. Error (field features.NAME) for a stream without rows, for one with another number of rows
  // than the first unless `fit` says what to do, and then for one that ends at another time than the first by more than
  // a row.
  void settle(const StreamFit& fit);
  std::int64_t rows() const { return rows_; }
  // Times of the rows. Rescaled streams: the longest one's, so that its last row still ends when it did.
  const RowTime& time() const { return time_; }
  // Rows [first, first + count) as the network reads them (InputContract::normalize), [count, C]; rows outside the
  // video are zero.
  torch::Tensor copy(const InputContract& inputs, std::int64_t first, std::int64_t count) const;

 private:
  struct Stream {
    std::string name;
    FeatureRows rows;
    RowTime time;  // the first one's, for as many rows
  };
  torch::Tensor part(const Stream& stream, const InputContract& inputs, std::int64_t column, std::int64_t first,
                     std::int64_t count) const;

  std::vector<Stream> streams_;
  StreamFit::Rule rule_ = StreamFit::Rule::refuse;  // when the numbers of rows differ
  bool equal_ = true;
  std::int64_t rows_ = 0;
  RowTime time_;
};

// Rows [first, first + count) of a sequence whose row i covers rows [origin + i step, origin + (i + 1) step] of x: step
// <= 1: linear interpolation at its centre (up to the first and from the last row's centre on that row); more: the
// maximum of the rows that it touches. Rows outside x are zero. x [n, C] -> [count, C]. The value of a row does not
// depend on `first`.
torch::Tensor aligned_rows(const torch::Tensor& x, double origin, double step, std::int64_t first, std::int64_t count);

}  // namespace tal
