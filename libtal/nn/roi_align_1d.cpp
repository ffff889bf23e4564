#include "libtal/nn/roi_align_1d.h"

#include "libtal/base/error.h"
#include "libtal/nn/device_constants.h"
#include "libtal/nn/roi_align_1d_cuda.h"
#include "libtal/nn/shapes.h"

namespace tal {

PyramidRows::PyramidRows(const std::vector<at::Tensor>& levels) {
  if (levels.empty()) throw Error("RoIAlign: a pyramid has at least one level");
  for (const auto& level : levels) check_shape(level, {kAny, kAny, at_least(1)}, "RoIAlign: a level [B, C, T]");
  clips = levels.front().size(0);
  for (const auto& level : levels)
    check_shape(level, {clips, levels.front().size(1), kAny}, "RoIAlign: a level [B, C, T]");
  std::vector<at::Tensor> rows;
  std::vector<double> length;
  std::vector<std::int64_t> begin;
  std::int64_t total = 0;
  for (const auto& level : levels) {
    rows.push_back(level.transpose(1, 2));  // [B, T_k, C]
    lengths.push_back(level.size(2));
    length.push_back(static_cast<double>(level.size(2)));
    begin.push_back(total);
    total += level.size(2);
  }
  const auto table = [&](bool begins) {
    const auto make = [&] { return begins ? at::tensor(begin, at::kLong) : at::tensor(length, at::kDouble); };
    const auto device = levels.front().device();
    static auto& constants = lasting_constants<std::pair<std::vector<std::int64_t>, bool>>();
    return device.is_cpu() ? make() : constants.get({lengths, begins}, device, make);
  };
  values = at::cat(rows, 1).flatten(0, 1);
  if (at::isReducedFloatingType(values.scalar_type())) values = values.to(at::kFloat);
  length_table = table(/*begins=*/false);
  begin_table = table(/*begins=*/true);
}

at::Tensor pyramid_levels(const at::Tensor& lengths, std::int64_t levels) {
  // length = m 2^e with m in [1/2, 1): floor(log2 length) = e - 1, without the rounding of a logarithm.
  const auto exponent = std::get<1>(at::frexp(lengths.detach())).to(at::kLong);
  const auto level = (exponent + (levels - 2)).clamp(0, levels - 1);
  return at::where(lengths.detach() > 0, level, at::zeros_like(level));
}

at::Tensor roi_align_1d(const PyramidRows& pyramid, const at::Tensor& segments, std::int64_t rows,
                        std::int64_t sampling) {
  check_shape(segments, {pyramid.clips, kAny, 2}, "RoIAlign: segments [B, N, 2]");
  if (rows < 1 || sampling < 1) throw Error("RoIAlign: a segment has at least one row of at least one point");
  const CudaKernels* kernels =
      pyramid.values.is_cuda() && pyramid.values.scalar_type() != at::kDouble ? cuda_kernels() : nullptr;
  return kernels ? roi_align_1d_by(*kernels, pyramid, segments, rows, sampling)
                 : roi_align_1d_operations(pyramid, segments, rows, sampling);
}

at::Tensor roi_align_1d_operations(const PyramidRows& pyramid, const at::Tensor& segments, std::int64_t rows,
                                   std::int64_t sampling) {
  const std::int64_t clips = segments.size(0), count = segments.size(1), points = rows * sampling;
  const auto device = segments.device();
  const auto whole = segments.detach().to(at::kDouble);  // positions in double: their rounding decides on rows
  const auto centre = whole.select(2, 0).unsqueeze(2), length = whole.select(2, 1).unsqueeze(2);  // [B, N, 1]
  const auto level = pyramid_levels(length, static_cast<std::int64_t>(pyramid.lengths.size()));
  const auto size = at::take(pyramid.length_table, level);  // [B, N, 1]
  const auto start = centre - length / 2 - length / 5, end = centre + length / 2 + length / 5;
  const auto fraction = (at::arange(points, at::dtype(at::kDouble).device(device)) + 0.5) / static_cast<double>(points);
  const auto x = size * (start + (end - start) * fraction) - 0.5;  // [B, N, points]

  const auto inside = at::logical_and(x >= -1, x <= size).to(at::kDouble);
  const auto place = at::minimum(x.clamp_min(0), size - 1);
  const auto low = place.floor();
  const auto upper = (place - low) * inside;  // weight of the next row
  const auto lower = inside - upper;
  const std::int64_t rows_of_clip = pyramid.values.size(0) / clips;
  const auto first = at::take(pyramid.begin_table, level) +
                     at::arange(clips, at::dtype(at::kLong).device(device)).view({clips, 1, 1}) * rows_of_clip;
  const auto row = first + low.to(at::kLong);
  const auto next = first + at::minimum(low + 1, size - 1).to(at::kLong);

  // Each output row is a bag of 2 sampling weighted rows.
  const auto index = at::stack({row, next}, 3).view(-1);
  const auto weight =
      (at::stack({lower, upper}, 3) / static_cast<double>(sampling)).view(-1).to(pyramid.values.scalar_type());
  const auto offsets = at::arange(0, index.size(0), 2 * sampling, at::dtype(at::kLong).device(device));
  const auto bags = std::get<0>(at::embedding_bag(pyramid.values, index, offsets, /*scale_grad_by_freq=*/false,
                                                  /*mode: sum*/ 0, /*sparse=*/false, weight));
  return bags.view({clips, count, rows, pyramid.values.size(1)});
}

}  // namespace tal
