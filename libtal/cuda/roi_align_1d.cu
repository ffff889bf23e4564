// CUDA twin of libtal/nn/roi_align_1d.cpp. Compiled without fused multiply-adds: where a point lies must not differ
// from the CPU's double arithmetic.
#include <cmath>

#include "libtal/cuda/launch.h"

namespace tal::cuda {
namespace {

// floor(levels - 1 + log2 length) clamped to 0 .. levels - 1, without the rounding of a logarithm.
TAL_KERNEL inline std::int32_t level_of(double length, std::int32_t levels) {
  if (!(length > 0)) return 0;
  int exponent = 0;
  (void)frexp(length, &exponent);  // length = m 2^exponent, m in [1/2, 1)
  const std::int32_t level = exponent + levels - 2;
  return level < 0 ? 0 : level < levels ? level : levels - 1;
}

// One thread a point.
struct Points {
  TalRoiSizes sizes;
  const double *segments, *level_rows;
  const std::int64_t* level_begin;
  std::int32_t levels;
  TalRoiPoint* points;

  std::int64_t count() const { return sizes.clips * sizes.segments * sizes.rows * sizes.sampling; }

  TAL_KERNEL void operator()(const Index& at) const {
    const std::int64_t id = static_cast<std::int64_t>(at.x) * kThreads + at.thread,
                       per_segment = sizes.rows * sizes.sampling;
    const std::int64_t segment = id / per_segment, m = id % per_segment, clip = segment / sizes.segments;
    if (clip >= sizes.clips) return;
    const double centre = segments[2 * segment], length = segments[2 * segment + 1];
    const std::int32_t level = level_of(length, levels);
    const double rows = level_rows[level];
    const double start = centre - length / 2 - length / 5, end = centre + length / 2 + length / 5;
    const double fraction = (static_cast<double>(m) + 0.5) / static_cast<double>(per_segment);
    const double x = rows * (start + (end - start) * fraction) - 0.5;
    const double inside = x >= -1 && x <= rows ? 1 : 0;
    const double place = fmin(fmax(x, 0.0), rows - 1), low = floor(place), upper = (place - low) * inside;
    const std::int64_t first = clip * sizes.clip_rows + level_begin[level];
    points[id] = {static_cast<std::int32_t>(first + static_cast<std::int64_t>(low)),
                  static_cast<std::int32_t>(first + static_cast<std::int64_t>(fmin(low + 1, rows - 1))),
                  static_cast<float>((inside - upper) / static_cast<double>(sizes.sampling)),
                  static_cast<float>(upper / static_cast<double>(sizes.sampling))};
  }
};

// One block a row of the result and 128 channels.
struct Forward {
  TalRoiSizes sizes;
  const float* values;
  const TalRoiPoint* points;
  float* y;

  TAL_KERNEL void operator()(const Index& at) const {
    const std::int64_t c = static_cast<std::int64_t>(at.y) * kThreads + at.thread;
    if (c >= sizes.channels) return;
    const TalRoiPoint* own = points + at.x * sizes.sampling;
    float sum = 0;
    for (std::int64_t m = 0; m < sizes.sampling; ++m)
      sum += own[m].lower * values[own[m].row * sizes.channels + c] +
             own[m].upper * values[own[m].next * sizes.channels + c];
    y[at.x * sizes.channels + c] = sum;
  }
};

// One block a row of the pyramid and 128 channels: of its clip's segments those whose points lie around the row are
// gone through. A segment's points are in the order of time (or against it), so that its first and last tell where it
// lies.
struct Backward {
  TalRoiSizes sizes;
  const TalRoiPoint* points;
  const float* dy;
  float* dvalues;

  TAL_KERNEL void operator()(const Index& at) const {
    const std::int64_t c = static_cast<std::int64_t>(at.y) * kThreads + at.thread, row = at.x,
                       clip = row / sizes.clip_rows;
    if (c >= sizes.channels) return;
    const std::int64_t per_segment = sizes.rows * sizes.sampling;
    float sum = 0;
    for (std::int64_t segment = clip * sizes.segments; segment < (clip + 1) * sizes.segments; ++segment) {
      const TalRoiPoint* own = points + segment * per_segment;
      const TalRoiPoint first = own[0], last = own[per_segment - 1];
      if ((first.row > row && last.row > row) || (first.next < row && last.next < row)) continue;
      const float* upstream = dy + segment * sizes.rows * sizes.channels + c;
      for (std::int64_t r = 0; r < sizes.rows; ++r, own += sizes.sampling) {
        float weight = 0;
        for (std::int64_t m = 0; m < sizes.sampling; ++m)
          weight += (own[m].row == row ? own[m].lower : 0) + (own[m].next == row ? own[m].upper : 0);
        if (weight != 0) sum += weight * upstream[r * sizes.channels];
      }
    }
    dvalues[row * sizes.channels + c] = sum;
  }
};

}  // namespace
}  // namespace tal::cuda

std::int32_t tal_cuda_roi_points(TalCudaQueue queue, const TalRoiSizes* sizes, const double* segments,
                                 std::int32_t levels, const double* level_rows, const std::int64_t* level_begin,
                                 TalRoiPoint* points) {
  const tal::cuda::Points body{*sizes, segments, level_rows, level_begin, levels, points};
  return tal::cuda::launch(queue, {tal::cuda::blocks_of(body.count(), tal::cuda::kThreads), 1}, body);
}

std::int32_t tal_cuda_roi_forward(TalCudaQueue queue, const TalRoiSizes* sizes, const float* values,
                                  const TalRoiPoint* points, float* y) {
  const tal::cuda::Forward body{*sizes, values, points, y};
  return tal::cuda::launch(
      queue, {sizes->clips * sizes->segments * sizes->rows, tal::cuda::blocks_of(sizes->channels, tal::cuda::kThreads)},
      body);
}

std::int32_t tal_cuda_roi_backward(TalCudaQueue queue, const TalRoiSizes* sizes, const TalRoiPoint* points,
                                   const float* dy, float* dvalues) {
  const tal::cuda::Backward body{*sizes, points, dy, dvalues};
  return tal::cuda::launch(
      queue, {sizes->clips * sizes->clip_rows, tal::cuda::blocks_of(sizes->channels, tal::cuda::kThreads)}, body);
}
