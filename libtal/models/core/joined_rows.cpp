#include "libtal/models/core/joined_rows.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/nn/interval_rows.h"

namespace tal {
namespace {

// Which of rows [first, first + count) lie in a sequence of `rows`: [begin, end), counted from `first`.
std::pair<std::int64_t, std::int64_t> inside(std::int64_t first, std::int64_t count, std::int64_t rows) {
  const std::int64_t begin = std::clamp<std::int64_t>(-first, 0, count);
  return {begin, std::clamp<std::int64_t>(rows - first, begin, count)};
}

bool near(double a, double b) { return std::abs(a - b) <= 1e-9 * std::max({1.0, std::abs(a), std::abs(b)}); }

// Where row 0 of `base` lies in rows of `time`, and how many of them one row of it is.
double origin_of(const RowTime& time, const RowTime& base) {
  const double origin = time.row(base.seconds(0));
  return near(origin, std::round(origin)) ? std::round(origin) : origin;
}
double step_of(const RowTime& time, const RowTime& base) {
  const double step = base.stride / base.fps * time.fps / time.stride;
  return near(step, std::round(step)) ? std::round(step) : step;
}

}  // namespace

torch::Tensor aligned_rows(const torch::Tensor& x, double origin, double step, std::int64_t first, std::int64_t count) {
  const std::int64_t n = x.size(0);
  const auto edge = [&](std::int64_t i) {  // where row i begins
    const double at = origin + static_cast<double>(i) * step;
    return near(at, std::round(at)) ? std::round(at) : at;
  };
  if (step > 1) {
    torch::Tensor out = torch::zeros({count, x.size(1)}, x.options());
    for (std::int64_t i = 0; i < count; ++i) {
      const auto begin = static_cast<std::int64_t>(std::floor(edge(first + i))),
                 end = static_cast<std::int64_t>(std::ceil(edge(first + i + 1)));
      const std::int64_t low = std::clamp<std::int64_t>(begin, 0, n), high = std::clamp<std::int64_t>(end, low, n);
      if (low < high) out[i] = x.slice(0, low, high).amax(0);
      if (begin < 0 || end > n) out[i].clamp_min_(0);  // zero rows are among them
    }
    return out;
  }
  // Between the centres of two rows; before the first and after the last centre that row itself, outside x the zero
  // row.
  std::vector<std::int64_t> below(static_cast<std::size_t>(count)), above(below);
  std::vector<float> part(below.size());
  for (std::size_t i = 0; i < below.size(); ++i) {
    const double at = edge(first + static_cast<std::int64_t>(i)) + step / 2, floor = std::floor(at - 0.5);
    const auto row = [&](double index) {
      return at < 0 || at > static_cast<double>(n)
                 ? n
                 : std::clamp<std::int64_t>(static_cast<std::int64_t>(index), 0, n - 1);
    };
    below[i] = row(floor), above[i] = row(floor + 1), part[i] = static_cast<float>(at - 0.5 - floor);
  }
  const torch::Tensor padded = torch::cat({x, x.new_zeros({1, x.size(1)})});
  const auto rows = [&](const std::vector<std::int64_t>& index) {
    return padded.index_select(0, torch::tensor(index, torch::kLong));
  };
  return torch::lerp(rows(below), rows(above), torch::tensor(part).unsqueeze(1));
}

void JoinedRows::add(const FeatureStream& stream, FeatureRows rows, std::optional<double> duration) {
  const bool as_first = !streams_.empty() && rows.rows() == streams_.front().rows.rows();
  const RowTime time = as_first ? streams_.front().time : row_time(stream, duration);
  streams_.push_back({stream.name, std::move(rows), time});
}

void JoinedRows::settle(const StreamFit& fit) {
  rule_ = fit.rule;
  const Stream* longest = &streams_.front();
  const auto end_of = [](const Stream& s) { return s.time.seconds(static_cast<double>(s.rows.rows())); };
  const auto reach_of = [](const Stream& s) { return (s.time.stride + s.time.window) / s.time.fps; };
  for (const Stream& stream : streams_) {
    const Stream& base = streams_.front();
    const auto fail = [&](const std::string& why) { return Error(why).at_field("features." + stream.name); };
    if (stream.rows.rows() == 0) throw fail("no rows");
    if (stream.rows.rows() > longest->rows.rows()) longest = &stream;
    if (stream.rows.rows() == base.rows.rows()) continue;
    equal_ = false;
    if (rule_ == StreamFit::Rule::refuse)
      throw fail(std::to_string(stream.rows.rows()) + " rows, but stream '" + base.name + "' has " +
                 std::to_string(base.rows.rows()));
    if (std::abs(end_of(stream) - end_of(base)) > std::max(reach_of(stream), reach_of(base)))
      throw fail("ends at " + format_number(end_of(stream)) + " s, but stream '" + base.name + "' at " +
                 format_number(end_of(base)) + " s");
  }
  rows_ = streams_.front().rows.rows(), time_ = streams_.front().time;
  if (equal_ || rule_ != StreamFit::Rule::rescale) return;
  rows_ = fit.rows;
  // Row i covers rows [i pooled, (i + 1) pooled] of the longest stream.
  const RowTime& t = longest->time;
  const double pooled = std::max(1.0, static_cast<double>(longest->rows.rows()) / static_cast<double>(rows_));
  time_ = {t.stride * pooled, t.stride * pooled, t.fps, t.offset + 0.5 * (t.window - t.stride)};
}

torch::Tensor JoinedRows::part(const Stream& stream, const InputContract& inputs, std::int64_t column,
                               std::int64_t first, std::int64_t count) const {
  // Rows of the stream itself, normalised; zero outside.
  const auto own = [&](std::int64_t from, std::int64_t n) {
    torch::Tensor x = torch::empty({n, stream.rows.dim()});
    stream.rows.copy(from, n, x.data_ptr<float>(), x.size(1));
    const auto [begin, end] = inside(from, n, stream.rows.rows());
    inputs.normalize(x.data_ptr<float>() + begin * x.size(1), end - begin, column, x.size(1));
    return x;
  };
  const auto [from, to] = inside(first, count, rows_);
  const std::int64_t begin = first + from, end = first + to;
  torch::Tensor rows;  // [begin, end) of the video
  if (rule_ == StreamFit::Rule::rescale) {
    rows = rescale_rows(own(0, stream.rows.rows()), rows_).slice(0, begin, end);
  } else {
    const double origin = origin_of(stream.time, time_), step = step_of(stream.time, time_);
    const std::int64_t n = stream.rows.rows();
    const auto low = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::floor(origin + static_cast<double>(begin) * step)) - 1, 0, n - 1);
    const auto high = std::clamp<std::int64_t>(
        static_cast<std::int64_t>(std::ceil(origin + static_cast<double>(end) * step)) + 1, low + 1, n);
    rows = step == 1 && origin == std::round(origin)
               ? own(begin + static_cast<std::int64_t>(origin), end - begin)
               : aligned_rows(own(low, high - low), origin - static_cast<double>(low), step, begin, end - begin);
  }
  if (end - begin == count) return rows;
  torch::Tensor x = torch::zeros({count, stream.rows.dim()});
  x.narrow(0, from, end - begin).copy_(rows);
  return x;
}

torch::Tensor JoinedRows::copy(const InputContract& inputs, std::int64_t first, std::int64_t count) const {
  torch::Tensor x = torch::empty({count, inputs.dim()});
  std::int64_t column = 0;
  for (const Stream& stream : streams_) {
    const std::int64_t dim = stream.rows.dim();
    if (equal_) stream.rows.copy(first, count, x.data_ptr<float>() + column, x.size(1));
    else x.narrow(1, column, dim).copy_(part(stream, inputs, column, first, count));
    column += dim;
  }
  if (equal_) {
    const auto [begin, end] = inside(first, count, rows_);
    inputs.normalize(x.data_ptr<float>() + begin * x.size(1), end - begin, 0, x.size(1));
  }
  return x;
}

}  // namespace tal
