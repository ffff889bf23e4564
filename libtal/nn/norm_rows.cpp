#include "libtal/nn/norm_rows.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "libtal/nn/own_gradients.h"
#include "libtal/nn/shapes.h"
#include "libtal/nn/vector.h"

namespace tal {
namespace {

constexpr std::int64_t kLanes = 16;        // sums run side by side, whatever the processor's vectors are
constexpr std::int64_t kRowsAtOnce = 16;   // of a task
constexpr std::int64_t kRowsOfPart = 256;  // whose gradients of weight and bias are summed before the others

TAL_INLINE float sum_of(const float* lanes) {
  float sum = 0;
  for (std::int64_t k = 0; k < kLanes; ++k) sum += lanes[k];
  return sum;
}

struct Rows {
  const float *x, *weight, *bias;
  const std::uint8_t* kinds;  // or null
  std::int64_t C;
  float eps, floor;  // floor: the least value of a result
  RowKind kind(std::int64_t i) const { return kinds ? static_cast<RowKind>(kinds[i]) : kRowInside; }
};

// means and scales: 1 / sqrt(variance + eps), of each row.
TAL_VECTOR_CLONES
void norm_forward(const Rows& rows, float* y, float* means, float* scales, std::int64_t begin, std::int64_t end) {
  const std::int64_t C = rows.C, whole = C / kLanes * kLanes;
  const float *weight = rows.weight, *bias = rows.bias, floor = rows.floor;
  for (std::int64_t i = begin; i < end; ++i) {
    const float* x = rows.x + i * C;
    float* __restrict to = y + i * C;
    if (rows.kind(i) != kRowInside) {
      const bool zeros = rows.kind(i) == kRowOfZeros;
      for (std::int64_t c = 0; c < C; ++c) to[c] = zeros ? std::max(bias[c], floor) : 0.0f;
      means[i] = scales[i] = 0;
      continue;
    }
    float lanes[kLanes] = {};
    for (std::int64_t c = 0; c < whole; c += kLanes)
      for (std::int64_t k = 0; k < kLanes; ++k) lanes[k] += x[c + k];
    for (std::int64_t c = whole; c < C; ++c) lanes[c - whole] += x[c];
    const float mean = sum_of(lanes) / static_cast<float>(C);
    float squares[kLanes] = {};
    for (std::int64_t c = 0; c < whole; c += kLanes)
      for (std::int64_t k = 0; k < kLanes; ++k) squares[k] += (x[c + k] - mean) * (x[c + k] - mean);
    for (std::int64_t c = whole; c < C; ++c) squares[c - whole] += (x[c] - mean) * (x[c] - mean);
    const float scale = 1 / std::sqrt(sum_of(squares) / static_cast<float>(C) + rows.eps);
    for (std::int64_t c = 0; c < C; ++c) {
      const float value = (x[c] - mean) * scale * weight[c] + bias[c];
      to[c] = value > floor || value != value ? value : floor;
    }
    means[i] = mean, scales[i] = scale;
  }
}

// gx of rows [begin, end); adds to gradients [C] of weight and bias.
TAL_VECTOR_CLONES
void norm_backward(const Rows& rows, const float* means, const float* scales, const float* g, float* gx,
                   float* __restrict of_weight, float* __restrict of_bias, std::int64_t begin, std::int64_t end) {
  const std::int64_t C = rows.C, whole = C / kLanes * kLanes;
  const float *weight = rows.weight, *bias = rows.bias, floor = rows.floor;
  for (std::int64_t i = begin; i < end; ++i) {
    const float *x = rows.x + i * C, *up = g + i * C;
    float* __restrict to = gx + i * C;
    if (rows.kind(i) != kRowInside) {
      std::memset(to, 0, sizeof(float) * static_cast<std::size_t>(C));
      if (rows.kind(i) == kRowOfZeros)
        for (std::int64_t c = 0; c < C; ++c) of_bias[c] += bias[c] > floor ? up[c] : 0.0f;
      continue;
    }
    const float mean = means[i], scale = scales[i];
    // to: the gradient before the scaling; its mean, and that with the normed row.
    for (std::int64_t c = 0; c < C; ++c) {
      const float normed = (x[c] - mean) * scale;
      const float passed = normed * weight[c] + bias[c] > floor ? up[c] : 0.0f;
      of_weight[c] += passed * normed, of_bias[c] += passed;
      to[c] = passed * weight[c];
    }
    float plain[kLanes] = {}, along[kLanes] = {};
    for (std::int64_t c = 0; c < whole; c += kLanes)
      for (std::int64_t k = 0; k < kLanes; ++k) plain[k] += to[c + k], along[k] += to[c + k] * (x[c + k] - mean);
    for (std::int64_t c = whole; c < C; ++c) plain[c - whole] += to[c], along[c - whole] += to[c] * (x[c] - mean);
    const float n = static_cast<float>(C), p = sum_of(plain) / n, a = sum_of(along) / n * scale * scale;
    for (std::int64_t c = 0; c < C; ++c) to[c] = (to[c] - p - (x[c] - mean) * a) * scale;
  }
}

Rows rows_of(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& kinds, double eps,
             bool relu) {
  return {x.const_data_ptr<float>(),
          weight.const_data_ptr<float>(),
          bias.const_data_ptr<float>(),
          kinds.defined() ? kinds.const_data_ptr<std::uint8_t>() : nullptr,
          x.size(2),
          static_cast<float>(eps),
          relu ? 0.0f : -std::numeric_limits<float>::infinity()};
}

std::vector<at::Tensor> norm_gradients(const Backward& known, double eps, bool relu) {
  const auto& saved = known.saved;
  const auto &x = saved[0], &weight = saved[1], &bias = saved[2], &kinds = saved[3];
  const auto g = known.upstream.to(at::kFloat).contiguous();
  const auto C = x.size(2), n = x.size(0) * x.size(1), parts = (n + kRowsOfPart - 1) / kRowsOfPart;
  auto of_x = at::empty_like(x), sums = at::zeros({parts, 2, C}, x.options());
  const Rows rows = rows_of(x, weight, bias, kinds, eps, relu);
  const float *means = saved[4].const_data_ptr<float>(), *scales = saved[5].const_data_ptr<float>(),
              *up = g.const_data_ptr<float>();
  float *to = of_x.data_ptr<float>(), *sum = sums.data_ptr<float>();
  at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t part = begin; part < end; ++part)
      norm_backward(rows, means, scales, up, to, sum + 2 * part * C, sum + (2 * part + 1) * C, part * kRowsOfPart,
                    std::min(n, (part + 1) * kRowsOfPart));
  });
  const auto both = sums.sum(0);  // [2, C]
  return {of_x, both[0], both[1]};
}

Operation norm(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias, const at::Tensor& kinds,
               double eps, bool relu) {
  const auto x = input.contiguous();
  const auto n = x.size(0) * x.size(1);
  auto y = at::empty_like(x), means = at::empty({n}, x.options()), scales = at::empty({n}, x.options());
  const Rows rows = rows_of(x, weight, bias, kinds, eps, relu);
  float *to = y.data_ptr<float>(), *m = means.data_ptr<float>(), *s = scales.data_ptr<float>();
  at::parallel_for(0, n, kRowsAtOnce,
                   [&](std::int64_t begin, std::int64_t end) { norm_forward(rows, to, m, s, begin, end); });
  return {y, {x, weight, bias, kinds, means, scales}, [eps, relu](const Backward& known) {
            return norm_gradients(known, eps, relu);
          }};
}

}  // namespace

at::Tensor norm_rows_reference(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                               const at::Tensor& kinds, bool relu) {
  const auto is = [&](RowKind kind) { return (kinds == static_cast<int>(kind)).unsqueeze(2); };
  const auto seen = kinds.defined() ? x.masked_fill(is(kRowOfZeros), 0) : x;
  auto y = at::layer_norm(seen, {x.size(2)}, weight, bias, eps);
  if (relu) y = at::relu(y);
  return kinds.defined() ? y.masked_fill(is(kRowOutside), 0) : y;
}

at::Tensor norm_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, double eps,
                     const at::Tensor& kinds, bool relu) {
  check_shape(x, {kAny, kAny, at_least(1)}, "norm of rows: rows [B, T, C]");
  check_shape(weight, {x.size(2)}, "norm of rows: weight [C]");
  check_shape(bias, {x.size(2)}, "norm of rows: bias [C]");
  if (kinds.defined()) check_shape(kinds, {x.size(0), x.size(1)}, "norm of rows: kinds [B, T]");
  if (!x.is_cpu() || x.scalar_type() != at::kFloat || weight.scalar_type() != at::kFloat)
    return norm_rows_reference(x, weight, bias, eps, kinds, relu);
  return with_gradients({x, weight, bias}, [&] { return norm(x, weight, bias, kinds, eps, relu); });
}

}  // namespace tal
