#include "libtal/nn/winograd.h"

#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/nn/panel_product.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

constexpr std::int64_t kTile = 4, kReach = 6, kPoints = kReach * kReach;
// Evaluation at 0, +-kA, +-kB, infinity.
constexpr double kA = 0.75, kB = 1.5, kA2 = kA * kA, kB2 = kB * kB;

// B^T d.
template <class V>
TAL_INLINE void to_points(const V* d, V* out, std::int64_t step) {
  constexpr float product = static_cast<float>(kA2 * kB2), sum = static_cast<float>(kA2 + kB2);
  const V even_a = d[4] - static_cast<float>(kB2) * d[2],
          odd_a = static_cast<float>(kA) * d[3] - static_cast<float>(kA * kB2) * d[1];
  const V even_b = d[4] - static_cast<float>(kA2) * d[2],
          odd_b = static_cast<float>(kB) * d[3] - static_cast<float>(kB * kA2) * d[1];
  out[0] = product * d[0] - sum * d[2] + d[4];
  out[step] = even_a + odd_a;
  out[2 * step] = even_a - odd_a;
  out[3 * step] = even_b + odd_b;
  out[4 * step] = even_b - odd_b;
  out[5 * step] = product * d[1] - sum * d[3] + d[5];
}

// A^T m.
template <class V>
TAL_INLINE void from_points(const V* m, V* out, std::int64_t step) {
  const V sum_a = m[1] + m[2], difference_a = m[1] - m[2], sum_b = m[3] + m[4], difference_b = m[3] - m[4];
  out[0] = m[0] + sum_a + sum_b;
  out[step] = static_cast<float>(kA) * difference_a + static_cast<float>(kB) * difference_b;
  out[2 * step] = static_cast<float>(kA2) * sum_a + static_cast<float>(kB2) * sum_b;
  out[3 * step] = static_cast<float>(kA * kA2) * difference_a + static_cast<float>(kB * kB2) * difference_b + m[5];
}

// The pixels of a picture and their tiles.
struct Plane {
  std::int64_t height, width;
  const std::int32_t* rows = nullptr;  // [H, W]: where a pixel lies, -1: nowhere; nullptr: row by row
  const float* outside = nullptr;      // values of pixels that lie nowhere
  std::int64_t down() const { return (height + kTile - 1) / kTile; }
  std::int64_t across() const { return (width + kTile - 1) / kTile; }
  std::int64_t tiles() const { return down() * across(); }
  std::int64_t row(std::int64_t y, std::int64_t x) const { return rows ? rows[y * width + x] : y * width + x; }
};

// Rows of points: point k of row r at values + k * stride + r * channels.
struct PointRows {
  float* values;
  std::int64_t stride, channels;
};

// One tile of a frame [pixels, channels] -> row `row` of the points. `zeros`: as many as a pixel has channels.
template <class S>
TAL_INLINE void transform_tile(const float* frame, const Plane& plane, std::int64_t channels, std::int64_t tile,
                               const float* zeros, const PointRows& to, std::int64_t row) {
  typedef typename S::type Vector;
  const std::int64_t top = tile / plane.across() * kTile - 1, left = tile % plane.across() * kTile - 1;
  const float* pixels[kPoints];
  for (std::int64_t i = 0; i < kReach; ++i)
    for (std::int64_t j = 0; j < kReach; ++j) {
      const std::int64_t y = top + i, x = left + j;
      const bool inside = y >= 0 && y < plane.height && x >= 0 && x < plane.width;
      const std::int64_t pixel = inside ? plane.row(y, x) : 0;
      pixels[i * kReach + j] = !inside ? zeros : pixel < 0 ? plane.outside : frame + pixel * channels;
    }
  float* out = to.values + row * to.channels;
  for (std::int64_t c = 0; c < channels; c += kFloats<S>) {
    Vector column[kReach], half[kPoints], done[kReach];
#pragma GCC unroll 6
    for (std::int64_t j = 0; j < kReach; ++j) {
#pragma GCC unroll 6
      for (std::int64_t i = 0; i < kReach; ++i) load<S>(column[i], pixels[i * kReach + j] + c, channels - c);
      to_points(column, half + j, kReach);
    }
#pragma GCC unroll 6
    for (std::int64_t i = 0; i < kReach; ++i) {
      to_points(half + i * kReach, done, 1);
#pragma GCC unroll 6
      for (std::int64_t j = 0; j < kReach; ++j) at<S>(out + (i * kReach + j) * to.stride + c) = done[j];
    }
  }
}

// What is done to a tile of the result. bias: whole vectors; add: as the frame, or nullptr.
struct Finish {
  const float* bias;
  const float* add;
  bool relu;
};
// Row `row` of the points -> the tile of a frame [pixels, channels] of the result.
template <class S>
TAL_INLINE void finish_tile(const PointRows& from, std::int64_t row, const Finish& finish, const Plane& plane,
                            std::int64_t channels, std::int64_t tile, float* frame) {
  typedef typename S::type Vector;
  const std::int64_t top = tile / plane.across() * kTile, left = tile % plane.across() * kTile;
  const std::int64_t down = std::min(kTile, plane.height - top), across = std::min(kTile, plane.width - left);
  const float* in = from.values + row * from.channels;
  for (std::int64_t c = 0; c < channels; c += kFloats<S>) {
    Vector column[kReach], half[kTile * kReach], done[kTile];
#pragma GCC unroll 6
    for (std::int64_t j = 0; j < kReach; ++j) {
#pragma GCC unroll 6
      for (std::int64_t i = 0; i < kReach; ++i) column[i] = at<S>(in + (i * kReach + j) * from.stride + c);
      from_points(column, half + j, kReach);
    }
    const Vector bias = at<S>(finish.bias + c);
    for (std::int64_t i = 0; i < down; ++i) {
      from_points(half + i * kReach, done, 1);
      for (std::int64_t j = 0; j < across; ++j) {
        const std::int64_t pixel = plane.row(top + i, left + j), place = pixel * channels + c;
        if (pixel < 0) continue;
        Vector value = done[j] + bias;
        if (finish.add) {
          Vector more;
          load<S>(more, finish.add + place, channels - c);
          value += more;
        }
        if (finish.relu) value = value < 0 ? Vector{} : value;  // NaN stays
        store<S>(frame + place, value, channels - c);
      }
    }
  }
}

// The three steps for one instruction set.
struct Kernels {
  void (*transform)(const float* frame, const Plane& plane, std::int64_t channels, std::int64_t tile,
                    const float* zeros, const PointRows& to, std::int64_t row);
  void (*multiply)(const float* rows, std::int64_t stride, std::int64_t hop, const Panels& filters, float* sums,
                   std::int64_t count);
  void (*finish)(const PointRows& from, std::int64_t row, const Finish& finish, const Plane& plane,
                 std::int64_t channels, std::int64_t tile, float* frame);
};
#define TAL_KERNELS(NAME, BLOCK, TARGET)                                                                         \
  TARGET void transform_##NAME(const float* frame, const Plane& plane, std::int64_t channels, std::int64_t tile, \
                               const float* zeros, const PointRows& to, std::int64_t row) {                      \
    transform_tile<BLOCK>(frame, plane, channels, tile, zeros, to, row);                                         \
  }                                                                                                              \
  TARGET void multiply_##NAME(const float* rows, std::int64_t stride, std::int64_t hop, const Panels& filters,   \
                              float* sums, std::int64_t count) {                                                 \
    multiply_by<BLOCK>(rows, stride, hop, filters, sums, count);                                                 \
  }                                                                                                              \
  TARGET void finish_##NAME(const PointRows& from, std::int64_t row, const Finish& finish, const Plane& plane,   \
                            std::int64_t channels, std::int64_t tile, float* frame) {                            \
    finish_tile<BLOCK>(from, row, finish, plane, channels, tile, frame);                                         \
  }                                                                                                              \
  constexpr Kernels kernels_##NAME{transform_##NAME, multiply_##NAME, finish_##NAME};

TAL_KERNELS(128, Block128, )
TAL_KERNELS(256, Block256, TAL_TARGET_256)
TAL_KERNELS(512, Block512, TAL_TARGET_512)
#undef TAL_KERNELS

// The points of `kWidth` filters: weights [9] x kWidth, output by output, to 36 x kWidth.
TAL_VECTOR_CLONES void filter_to_points(const double (*weights)[kWidth], float (*points)[kWidth]) {
  constexpr double f0 = kA2 * kB2, fa = 2 * kA2 * (kA2 - kB2), fb = 2 * kB2 * (kB2 - kA2);
  constexpr double g[kReach][3] = {{1 / f0, 0, 0},
                                   {1 / fa, kA / fa, kA2 / fa},
                                   {1 / fa, -kA / fa, kA2 / fa},
                                   {1 / fb, kB / fb, kB2 / fb},
                                   {1 / fb, -kB / fb, kB2 / fb},
                                   {0, 0, 1}};
  double half[kReach][3][kWidth];
  for (std::int64_t i = 0; i < kReach; ++i)
    for (std::int64_t x = 0; x < 3; ++x)
      for (std::int64_t o = 0; o < kWidth; ++o)
        half[i][x][o] = g[i][0] * weights[x][o] + g[i][1] * weights[3 + x][o] + g[i][2] * weights[6 + x][o];
  for (std::int64_t i = 0; i < kReach; ++i)
    for (std::int64_t j = 0; j < kReach; ++j)
      for (std::int64_t o = 0; o < kWidth; ++o)
        points[i * kReach + j][o] =
            static_cast<float>(g[j][0] * half[i][0][o] + g[j][1] * half[i][1][o] + g[j][2] * half[i][2][o]);
}

// At most so many frames of a tile follow each other: the filters' reach over time is computed again at the seams.
constexpr std::int64_t kFrames = 8;
// Rows that are multiplied at a time: as many as leave their points in the second cache, within what the products need
// to be fast.
std::int64_t rows_at_a_time(std::int64_t in, std::int64_t out) {
  return std::clamp<std::int64_t>(1500000 / (kPoints * (in + out) * static_cast<std::int64_t>(sizeof(float))), 64, 128);
}

// [36, rows, channels]; the points of a row lie a vector further apart than a power of two, which would put them all
// into one set of the cache.
at::Tensor point_rows(std::int64_t rows, std::int64_t channels) {
  return at::empty({kPoints, rows * channels + kWidth}, at::kFloat)
      .narrow(1, 0, rows * channels)
      .unflatten(1, {rows, channels});
}

std::vector<std::int64_t> tiles_with_pixels(const Plane& plane) {
  std::vector<std::int64_t> tiles;
  for (std::int64_t tile = 0; tile < plane.tiles(); ++tile) {
    const std::int64_t top = tile / plane.across() * kTile, left = tile % plane.across() * kTile;
    bool any = false;
    for (std::int64_t y = top; y < std::min(top + kTile, plane.height); ++y)
      for (std::int64_t x = left; x < std::min(left + kTile, plane.width); ++x) any = any || plane.row(y, x) >= 0;
    if (any) tiles.push_back(tile);
  }
  return tiles;
}

}  // namespace

bool WinogradFilters::pay(const at::Tensor& weight) {
  return weight.is_cpu() && weight.scalar_type() == at::kFloat && weight.size(0) >= kWidth &&
         weight.size(1) >= kWidth && vector_bytes() > 16;
}

WinogradFilters::WinogradFilters(const at::Tensor& weight) {
  const bool video = weight.defined() && weight.dim() == 5;
  if (video) check_shape(weight, {kAny, kAny, at_least(1), 3, 3}, "Winograd: filters [O, C, K, 3, 3]");
  else check_shape(weight, {kAny, kAny, 3, 3}, "Winograd: filters [O, C, 3, 3]");
  check_float_on_cpu(weight, "Winograd: filters");
  in_ = weight.size(1), out_ = weight.size(0), frames_ = video ? weight.size(2) : 1;
  if (frames_ % 2 == 0)
    throw Error("Winograd: filters [O, C, K, 3, 3] must have an odd number of frames K, not " +
                std::to_string(frames_));
  const at::NoGradGuard guard;
  const auto w = weight.detach().reshape({out_, in_, frames_ * 9}).contiguous();
  const float* from = w.const_data_ptr<float>();
  const std::int64_t panels = whole_vectors(out_) / kWidth;
  points_ = at::empty({kPoints, panels, frames_, in_, kWidth}, at::kFloat);
  float* to = points_.data_ptr<float>();
  at::parallel_for(0, panels * frames_, 1, [&](std::int64_t begin, std::int64_t end) {
    double weights[9][kWidth];
    float points[kPoints][kWidth];
    for (std::int64_t task = begin; task < end; ++task)
      for (std::int64_t c = 0; c < in_; ++c) {
        const std::int64_t first = task / frames_ * kWidth, k = task % frames_;
        for (std::int64_t o = 0; o < kWidth; ++o)
          for (std::int64_t x = 0; x < 9; ++x)
            weights[x][o] =
                first + o < out_ ? static_cast<double>(from[((first + o) * in_ + c) * frames_ * 9 + k * 9 + x]) : 0;
        filter_to_points(weights, points);
        for (std::int64_t p = 0; p < kPoints; ++p)
          std::memcpy(to + ((p * panels * frames_ + task) * in_ + c) * kWidth, points[p], sizeof points[p]);
      }
  });
}

// Frames [clips, length, pixels, C], contiguous.
struct WinogradFilters::Work {
  const float* from;
  float* to;
  const float* add;  // as `to`, or nullptr
  at::Tensor bias;
  bool relu;
  std::int64_t clips, length, height, width;
  const at::Tensor *rows = nullptr, *outside = nullptr;  // of packed pixels, of which there are
  std::int64_t pixels = height * width;
};

struct WinogradFilters::Plan {
  Plan(const Work& work, const WinogradFilters& filters);

  // Of tile p, counted over all clips.
  std::int64_t clip(std::int64_t p) const { return p / each; }
  std::int64_t tile(std::int64_t p) const { return plane.rows ? tiles[static_cast<std::size_t>(p % each)] : p % each; }

  Plane plane;
  std::vector<std::int64_t> tiles;                           // of packed pixels: those that hold any
  std::int64_t each, columns;                                // tiles of a frame, of all clips' frames side by side
  std::int64_t in, out;                                      // channels with the room behind them
  std::int64_t frames = 0, width = 0, spans = 0, tasks = 0;  // a task: `width` tiles of up to `frames` frames
  at::Tensor bias;                                           // [out]
  std::vector<float> zeros;                                  // a pixel around the picture
  Kernels kernels = of_vectors(kernels_128, kernels_256, kernels_512);
};

WinogradFilters::Plan::Plan(const Work& work, const WinogradFilters& filters)
    : plane{work.height, work.width}, zeros(static_cast<std::size_t>(filters.in_)) {
  if (work.rows) {
    plane.rows = work.rows->const_data_ptr<std::int32_t>(), plane.outside = work.outside->const_data_ptr<float>();
    tiles = tiles_with_pixels(plane);
  }
  each = work.rows ? static_cast<std::int64_t>(tiles.size()) : plane.tiles(), columns = work.clips * each;
  // Rows of points that are a power of two long would share the sets of the cache too.
  in = whole_vectors(filters.in_) + (filters.in_ % 256 == 0 ? kWidth : 0), out = whole_vectors(filters.out_);
  bias = at::zeros({out}, at::kFloat);
  if (work.bias.defined()) bias.narrow(0, 0, filters.out_).copy_(work.bias);
  if (columns == 0 || work.length == 0) return;
  const std::int64_t threads = at::get_num_threads(), rows = rows_at_a_time(in, out);
  frames = std::min(work.length, kFrames);
  width = std::min(std::max<std::int64_t>(1, rows / frames), (columns + threads - 1) / threads);
  spans = (work.length + frames - 1) / frames, tasks = (columns + width - 1) / width * spans;
}

struct WinogradFilters::Room {
  Room(const Plan& plan, std::int64_t reach)
      : inputs(point_rows((plan.frames + reach) * plan.width + kSpare, plan.in)),
        outputs(point_rows(plan.frames * plan.width + kSpare, plan.out)),
        a{inputs.data_ptr<float>(), inputs.stride(0), plan.in},
        b{outputs.data_ptr<float>(), outputs.stride(0), plan.out} {}

  // Zeros in rows [first, end) of the inputs.
  void clear(std::int64_t first, std::int64_t end) {
    for (std::int64_t k = 0; k < kPoints && first < end; ++k)
      std::fill_n(a.values + k * a.stride + first * a.channels, (end - first) * a.channels, 0.0f);
  }

  at::Tensor inputs, outputs;
  PointRows a, b;          // of inputs, outputs
  std::int64_t ready = 0;  // rows of the inputs that hold numbers
};

// A row of points: a tile of a frame; the frames that the filters reach over lie before and behind the task's own.
void WinogradFilters::run_task(const Work& work, const Plan& plan, std::int64_t task, Room& room) const {
  const std::int64_t first = task / plan.spans * plan.width, many = std::min(plan.width, plan.columns - first);
  const std::int64_t start = task % plan.spans * plan.frames, span = std::min(plan.frames, work.length - start);
  const std::int64_t frame_in = work.pixels * in_, frame_out = work.pixels * out_;
  for (std::int64_t f = 0; f < span + frames_ - 1; ++f) {
    const std::int64_t t = start + f - frames_ / 2;
    if (t < 0 || t >= work.length) {
      room.clear(f * many, (f + 1) * many);
      continue;
    }
    for (std::int64_t p = 0; p < many; ++p) {
      const float* frame = work.from + (plan.clip(first + p) * work.length + t) * frame_in;
      plan.kernels.transform(frame, plan.plane, in_, plan.tile(first + p), plan.zeros.data(), room.a, f * many + p);
    }
  }
  const std::int64_t used = (span + frames_ - 1) * many;
  room.clear(std::max(room.ready, used), used + kSpare);  // multiplied, not used
  room.ready = std::max(room.ready, used + kSpare);
  for (std::int64_t k = 0; k < kPoints; ++k) {
    const Panels filters{points_.const_data_ptr<float>() + k * points_.stride(0), frames_, in_, plan.out};
    plan.kernels.multiply(room.a.values + k * room.a.stride, plan.in, many, filters, room.b.values + k * room.b.stride,
                          span * many);
  }
  const float* bias = plan.bias.const_data_ptr<float>();
  for (std::int64_t f = 0; f < span; ++f)
    for (std::int64_t p = 0; p < many; ++p) {
      const std::int64_t at = (plan.clip(first + p) * work.length + start + f) * frame_out;
      const Finish finish{bias, work.add ? work.add + at : nullptr, work.relu};
      plan.kernels.finish(room.b, f * many + p, finish, plan.plane, out_, plan.tile(first + p), work.to + at);
    }
}

void WinogradFilters::run(const Work& work) const {
  const Plan plan(work, *this);
  at::parallel_for(0, plan.tasks, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard guard;
    Room room(plan, frames_ - 1);
    for (std::int64_t task = begin; task < end; ++task) run_task(work, plan, task, room);
  });
}

at::Tensor WinogradFilters::convolve(const at::Tensor& x, const at::Tensor& bias, const Epilogue& then) const {
  const bool video = frames_ > 1 || (x.defined() && x.dim() == 5);
  if (video) check_shape(x, {kAny, in_, kAny, kAny, kAny}, "Winograd: input [B, C, T, H, W]");
  else check_shape(x, {kAny, in_, kAny, kAny}, "Winograd: input [B, C, H, W]");
  check_float_on_cpu(x, "Winograd: the input");
  if (bias.defined()) check_shape(bias, {out_}, "Winograd: bias [O]");
  const at::NoGradGuard guard;
  const auto format = video ? at::MemoryFormat::ChannelsLast3d : at::MemoryFormat::ChannelsLast;
  const auto pixels = x.contiguous(format);
  auto sizes = x.sizes().vec();
  sizes[1] = out_;
  auto result = at::empty(sizes, x.options().memory_format(format));
  at::Tensor add;
  if (then.add.defined()) {
    check_same_shape(then.add, result, "Winograd: what is added to the result");
    check_float_on_cpu(then.add, "Winograd: what is added to the result");
    add = then.add.contiguous(format);
  }
  // Where no filter reaches over frames, each is a picture of its own.
  const std::int64_t frames = video ? x.size(2) : 1, length = frames_ > 1 ? frames : 1;
  run({pixels.const_data_ptr<float>(), result.data_ptr<float>(), add.defined() ? add.const_data_ptr<float>() : nullptr,
       bias, then.relu, x.size(0) * (frames / std::max<std::int64_t>(1, length)), length, x.size(-2), x.size(-1)});
  return result;
}

at::Tensor WinogradFilters::convolve_packed(const at::Tensor& x, const at::Tensor& rows, const at::Tensor& outside,
                                            const at::Tensor& bias) const {
  if (frames_ != 1) throw Error("Winograd: filters over frames cannot convolve packed pixels");
  check_shape(x, {kAny, kAny, in_}, "Winograd: packed pixels [B, L, C]");
  check_float_on_cpu(x, "Winograd: packed pixels");
  check_shape(rows, {kAny, kAny}, "Winograd: rows of pixels [H, W]");
  if (rows.scalar_type() != at::kInt || !rows.is_contiguous() || !rows.is_cpu())
    throw Error("Winograd: rows of pixels must be int32 on the CPU, contiguous");
  check_shape(outside, {in_}, "Winograd: values outside [C]");
  check_float_on_cpu(outside, "Winograd: values outside");
  if (bias.defined()) check_shape(bias, {out_}, "Winograd: bias [O]");
  const at::NoGradGuard guard;
  if (rows.numel() > 0) {
    const auto [least, most] = at::aminmax(rows);
    if (least.item<std::int32_t>() < -1 || most.item<std::int32_t>() >= x.size(1))
      throw Error("Winograd: a pixel lies in none of the " + std::to_string(x.size(1)) + " rows");
  }
  const auto pixels = x.contiguous(), around = outside.contiguous();
  auto result = at::zeros({x.size(0), x.size(1), out_}, x.options());
  Work work{pixels.const_data_ptr<float>(),
            result.data_ptr<float>(),
            nullptr,
            bias,
            false,
            x.size(0),
            1,
            rows.size(0),
            rows.size(1),
            &rows,
            &around};
  work.pixels = x.size(1);
  run(work);
  return result;
}

}  // namespace tal
