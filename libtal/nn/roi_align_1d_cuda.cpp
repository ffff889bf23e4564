#include "libtal/nn/roi_align_1d_cuda.h"

#include <ATen/ATen.h>

#include <limits>

#include "libtal/base/error.h"
#include "libtal/nn/own_gradients.h"

namespace tal {
namespace {

// values [B clip_rows, C], points [B, N, R M, 4] int32 (TalRoiPoint) -> [B, N, R, C].
Operation weighted_rows(const CudaKernels& kernels, const TalRoiSizes& s, const at::Tensor& values,
                        const at::Tensor& points) {
  auto y = at::empty({s.clips, s.segments, s.rows, s.channels}, values.options());
  kernels.check(kernels.roi_forward(queue_of(values), &s, values.const_data_ptr<float>(),
                                    static_cast<const TalRoiPoint*>(points.const_data_ptr()), y.data_ptr<float>()),
                "RoIAlign");
  return {y, {points}, [kernels = &kernels, s](const Backward& known) -> std::vector<at::Tensor> {  // live for ever
            const auto dy = known.upstream.contiguous();
            auto gradient = at::empty({s.clips * s.clip_rows, s.channels}, dy.options());
            kernels->check(kernels->roi_backward(queue_of(dy), &s,
                                                 static_cast<const TalRoiPoint*>(known.saved[0].const_data_ptr()),
                                                 dy.const_data_ptr<float>(), gradient.data_ptr<float>()),
                           "RoIAlign's gradient");
            return {gradient};
          }};
}

}  // namespace

at::Tensor roi_align_1d_by(const CudaKernels& kernels, const PyramidRows& pyramid, const at::Tensor& segments,
                           std::int64_t rows, std::int64_t sampling) {
  const auto values = pyramid.values.to(at::kFloat).contiguous();
  if (values.size(0) > std::numeric_limits<std::int32_t>::max()) throw Error("RoIAlign: more than 2^31 rows");
  const std::int64_t clips = segments.size(0), count = segments.size(1);
  const TalRoiSizes s{clips, count, rows, sampling, values.size(0) / clips, values.size(1)};
  const auto whole = segments.detach().to(at::kDouble).contiguous();  // positions in double: their rounding decides on
                                                                      // rows
  auto points = at::empty({clips, count, rows * sampling, 4}, whole.options().dtype(at::kInt));
  static_assert(sizeof(TalRoiPoint) == 4 * sizeof(std::int32_t));
  kernels.check(kernels.roi_points(queue_of(values), &s, whole.const_data_ptr<double>(),
                                   static_cast<std::int32_t>(pyramid.lengths.size()),
                                   pyramid.length_table.const_data_ptr<double>(),
                                   pyramid.begin_table.const_data_ptr<std::int64_t>(),
                                   static_cast<TalRoiPoint*>(points.mutable_data_ptr())),
                "RoIAlign's points");
  return with_gradients({values}, [&] { return weighted_rows(kernels, s, values, points); })
      .to(pyramid.values.scalar_type());
}

}  // namespace tal
