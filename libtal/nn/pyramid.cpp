#include "libtal/nn/pyramid.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <bit>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

using Index = std::vector<std::int64_t>;

at::Tensor index_tensor(const Index& values, const at::Tensor& like) {
  return at::tensor(values, at::kLong).to(like.device());
}

// The autograd graph is not needed: plain loops are several times faster than strided cumulative sums.
bool plain(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && !(x.requires_grad() && at::GradMode::is_enabled());
}

at::Tensor plain_sums(const at::Tensor& x) {
  const auto rows = x.size(0), dim = x.size(1);
  const auto source = x.contiguous();
  auto sums = at::empty({rows + 1, dim}, at::kDouble);
  const float* from = source.const_data_ptr<float>();
  double* to = sums.data_ptr<double>();
  std::fill(to, to + dim, 0.0);
  at::parallel_for(0, dim, 256, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t t = 0; t < rows; ++t)
      for (std::int64_t c = begin; c < end; ++c)
        to[(t + 1) * dim + c] = to[t * dim + c] + static_cast<double>(from[t * dim + c]);
  });
  return sums;
}

void check_ranges(std::span<const RowRange> ranges, std::int64_t rows) {
  for (const auto& range : ranges)
    if (range.first < 0 || range.end > rows || range.count() < 0)
      throw Error("sums of rows: a range reaches out of the " + std::to_string(rows) + " rows");
}

double scale_of(const RowRange& range) { return range.count() > 0 ? 1.0 / static_cast<double>(range.count()) : 0.0; }

at::Tensor plain_means(const at::Tensor& sums, std::span<const RowRange> ranges) {
  const auto dim = sums.size(1), count = static_cast<std::int64_t>(ranges.size());
  auto means = at::empty({count, dim}, at::kFloat);
  const double* from = sums.const_data_ptr<double>();
  float* to = means.data_ptr<float>();
  at::parallel_for(0, count, 64, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t i = begin; i < end; ++i) {
      const auto& range = ranges[static_cast<std::size_t>(i)];
      const double scale = scale_of(range);
      const double *low = from + range.first * dim, *high = from + range.end * dim;
      for (std::int64_t c = 0; c < dim; ++c) to[i * dim + c] = static_cast<float>((high[c] - low[c]) * scale);
    }
  });
  return means;
}

// Rows whose centre lies in [a, b), by the rules above.
RowRange part_rows(double a, double b, std::int64_t rows) {
  const double end = static_cast<double>(rows);
  if (!(b > 0) || !(a < end)) return {};
  const auto first = static_cast<std::int64_t>(std::ceil(std::max(a, 0.0) - 0.5)),
             last = static_cast<std::int64_t>(std::ceil(std::min(b, end) - 0.5));
  if (last > first) return {first, last};
  const auto middle = std::clamp<std::int64_t>(
      static_cast<std::int64_t>(std::floor((std::max(a, 0.0) + std::min(b, end)) / 2)), 0, rows - 1);
  return {middle, middle + 1};
}

}  // namespace

PrefixSums::PrefixSums(const at::Tensor& x) {
  check_shape(x, {kAny, kAny}, "sums of rows: rows [T, C]");
  type_ = x.scalar_type();
  sums_ = plain(x) ? plain_sums(x)
                   : at::cat({at::zeros({1, x.size(1)}, x.options().dtype(at::kDouble)), x.to(at::kDouble).cumsum(0)});
}

at::Tensor PrefixSums::means(std::span<const RowRange> ranges) const {
  check_ranges(ranges, sums_.size(0) - 1);
  if (type_ == at::kFloat && sums_.is_cpu() && !(sums_.requires_grad() && at::GradMode::is_enabled()))
    return plain_means(sums_, ranges);
  Index first, last;
  std::vector<double> scale;
  for (const auto& range : ranges) {
    first.push_back(range.first), last.push_back(range.end);
    scale.push_back(scale_of(range));
  }
  const auto sums =
      sums_.index_select(0, index_tensor(last, sums_)) - sums_.index_select(0, index_tensor(first, sums_));
  return (sums * at::tensor(scale, at::kDouble).to(sums_.device()).unsqueeze(1)).to(type_);
}

at::Tensor PrefixSums::part_sums(std::span<const RowRange> ranges, std::int64_t parts) const {
  check_ranges(ranges, sums_.size(0) - 1);
  const std::int64_t groups = static_cast<std::int64_t>(ranges.size()) / parts, block = sums_.size(1) / parts;
  auto total = at::zeros({groups, block}, sums_.options());
  for (std::int64_t p = 0; p < parts; ++p) {
    Index first, last;
    std::vector<double> scale;
    for (std::int64_t n = p; n < groups * parts; n += parts) {
      const auto& range = ranges[static_cast<std::size_t>(n)];
      first.push_back(range.first), last.push_back(range.end), scale.push_back(scale_of(range));
    }
    const auto columns = sums_.narrow(1, p * block, block);
    const auto sums =
        columns.index_select(0, index_tensor(last, sums_)) - columns.index_select(0, index_tensor(first, sums_));
    total.addcmul_(sums, at::tensor(scale, at::kDouble).to(sums_.device()).unsqueeze(1));
  }
  return total.to(type_);
}

std::vector<RowRange> pyramid_ranges(std::span<const Segment> segments, std::int64_t rows) {
  std::vector<RowRange> ranges;
  ranges.reserve(segments.size() * kPyramidParts);
  for (const auto& [s, e] : segments) {
    const double d = e - s, m = (s + e) / 2;
    for (const auto& [a, b] : {Segment{s - d / 2, s}, {s, e}, {s, m}, {m, e}, {e, e + d / 2}})
      ranges.push_back(part_rows(a, b, rows));
  }
  return ranges;
}

at::Tensor pyramid_pool(const at::Tensor& x, std::span<const Segment> segments) {
  check_shape(x, {kAny, kAny}, "pyramid pooling: rows [T, C]");
  return PrefixSums(x)
      .means(pyramid_ranges(segments, x.size(0)))
      .view({static_cast<std::int64_t>(segments.size()), kPyramidParts, x.size(1)});
}

at::Tensor roi_max_pool(const at::Tensor& f, std::span<const RowRange> rois, std::int64_t length) {
  check_shape(f, {kAny, kAny}, "RoI pooling: features [T, C]");
  if (length < 1) throw Error("RoI pooling: a region has at least one bin");
  const std::int64_t rows = f.size(0), count = static_cast<std::int64_t>(rois.size());
  // Level l, row t: maximum over rows t .. t + 2^l - 1. A bin is the maximum of two such stretches that overlap.
  Index first, second;
  int levels = 1;
  for (const auto& roi : rois) {
    if (roi.first < 0 || roi.end > rows || roi.count() < 1)
      throw Error("RoI pooling: a region must hold at least one row of the sequence");
    for (std::int64_t k = 0; k < length; ++k) {
      const std::int64_t n = roi.count(), from = roi.first + k * n / length,
                         to = roi.first + ((k + 1) * n + length - 1) / length;
      const int level = std::bit_width(static_cast<std::uint64_t>(to - from)) - 1;
      levels = std::max(levels, level + 1);
      first.push_back(level * rows + from), second.push_back(level * rows + to - (std::int64_t{1} << level));
    }
  }
  std::vector<at::Tensor> table = {f};
  for (int l = 1; l < levels; ++l) {
    const std::int64_t step = std::int64_t{1} << (l - 1);
    const auto& below = table.back();
    // The last rows of a level are never asked for; they keep the level below.
    table.push_back(at::cat({at::maximum(below.narrow(0, 0, rows - step), below.narrow(0, step, rows - step)),
                             below.narrow(0, rows - step, step)}));
  }
  const auto all = table.size() == 1 ? f : at::cat(table);
  const auto bins =
      at::maximum(all.index_select(0, index_tensor(first, f)), all.index_select(0, index_tensor(second, f)));  // [M P,
                                                                                                               // C]
  return bins.view({count, length, f.size(1)}).transpose(1, 2);
}

}  // namespace tal
