#include "libtal/nn/row_convolution.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>

#include "libtal/nn/own_gradients.h"
#include "libtal/nn/shapes.h"
#include "libtal/nn/vector.h"
#include "libtal/nn/winograd_rows.h"

namespace tal {
namespace {

std::int64_t rows_after(std::int64_t rows, std::int64_t stride) { return (rows + stride - 1) / stride; }

constexpr std::int64_t kRowsAtOnce = 16;  // of a task: much more than its start costs

// ---- all channels ----

// [B, T, C] -> [B T', k C]: what each row of the result sees.
at::Tensor windows_of(const at::Tensor& x, std::int64_t kernel, std::int64_t stride) {
  const auto B = x.size(0), T = x.size(1), C = x.size(2), out = rows_after(T, stride);
  const auto padded = at::constant_pad_nd(x, {0, 0, kernel / 2, kernel / 2 + stride});  // a row beyond the last one
  const auto row = padded.size(1) * C;
  return padded.as_strided({B, out, kernel * C}, {row, stride * C, 1}).reshape({B * out, kernel * C});
}

std::vector<at::Tensor> row_convolution_gradients(const Backward& known, std::int64_t stride) {
  // Under autocast the rows come in another type than the weights.
  const auto &rows_in = known.saved[0], &weight = known.saved[1];
  const auto x = rows_in.to(weight.scalar_type());
  const auto B = x.size(0), T = x.size(1), C = x.size(2), O = weight.size(0), k = weight.size(2),
             out = rows_after(T, stride);
  const auto g = known.upstream.to(x.scalar_type()).reshape({B * out, O});
  at::Tensor of_x, of_weight, of_bias;
  if (known.wanted[1])
    of_weight = g.t().mm(windows_of(x.contiguous(), k, stride)).reshape({O, k, C}).permute({0, 2, 1}).contiguous();
  if (known.wanted[2]) of_bias = g.sum(0);
  if (known.wanted[0]) {
    const auto taps = weight.permute({0, 2, 1}).reshape({O, k * C});
    const auto parts = g.mm(taps).reshape({B, out, k, C});
    auto padded = at::zeros({B, (out - 1) * stride + k, C}, x.options());  // from row -(k / 2) of x on
    for (std::int64_t j = 0; j < k; ++j)
      padded.slice(1, j, j + (out - 1) * stride + 1, stride).add_(parts.select(2, j));
    const auto rows = std::min(T, padded.size(1) - k / 2);
    of_x = padded.slice(1, k / 2, k / 2 + rows);
    if (rows < T) of_x = at::constant_pad_nd(of_x, {0, 0, 0, T - rows});
    of_x = of_x.to(rows_in.scalar_type());
  }
  return {of_x, of_weight, of_bias};
}

Operation convolve_windows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride) {
  const auto taps = weight.permute({0, 2, 1}).reshape({weight.size(0), -1});  // [O, k C]
  const auto windows = windows_of(x.contiguous(), weight.size(2), stride);
  return {at::linear(windows, taps, bias).reshape({x.size(0), -1, weight.size(0)}),
          {x, weight},
          [stride](const Backward& known) { return row_convolution_gradients(known, stride); }};
}

// ---- every channel by itself ----

// For rows [begin, end) of all B T' results. weight [k, C].
TAL_VECTOR_CLONES
void depthwise_forward(const float* x, const float* weight, const float* bias, float* y, std::int64_t T,
                       std::int64_t out, std::int64_t C, std::int64_t k, std::int64_t stride, std::int64_t begin,
                       std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t b = i / out, first = i % out * stride - k / 2;
    float* to = y + i * C;
    if (bias) std::memcpy(to, bias, sizeof(float) * static_cast<std::size_t>(C));
    else std::memset(to, 0, sizeof(float) * static_cast<std::size_t>(C));
    for (std::int64_t j = std::max<std::int64_t>(0, -first); j < k && first + j < T; ++j) {
      const float *from = x + (b * T + first + j) * C, *w = weight + j * C;
      for (std::int64_t c = 0; c < C; ++c) to[c] += w[c] * from[c];
    }
  }
}

// Gradient of rows [begin, end) of all B T inputs.
TAL_VECTOR_CLONES
void depthwise_backward(const float* g, const float* weight, float* gx, std::int64_t T, std::int64_t out,
                        std::int64_t C, std::int64_t k, std::int64_t stride, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t b = i / T, t = i % T;
    float* to = gx + i * C;
    std::memset(to, 0, sizeof(float) * static_cast<std::size_t>(C));
    for (std::int64_t j = 0; j < k; ++j) {  // t = o stride - k / 2 + j
      const std::int64_t o = t + k / 2 - j;
      if (o < 0 || o % stride || o / stride >= out) continue;
      const float *from = g + (b * out + o / stride) * C, *w = weight + j * C;
      for (std::int64_t c = 0; c < C; ++c) to[c] += w[c] * from[c];
    }
  }
}

// Gradient of the taps of channels [begin, end): sums over all rows in their order.
TAL_VECTOR_CLONES
void depthwise_weights(const float* g, const float* x, float* gw, std::int64_t B, std::int64_t T, std::int64_t out,
                       std::int64_t C, std::int64_t k, std::int64_t stride, std::int64_t begin, std::int64_t end) {
  for (std::int64_t j = 0; j < k; ++j)
    std::memset(gw + j * C + begin, 0, sizeof(float) * static_cast<std::size_t>(end - begin));
  for (std::int64_t b = 0; b < B; ++b)
    for (std::int64_t o = 0; o < out; ++o) {
      const float* up = g + (b * out + o) * C;
      const std::int64_t first = o * stride - k / 2;
      for (std::int64_t j = std::max<std::int64_t>(0, -first); j < k && first + j < T; ++j) {
        const float* from = x + (b * T + first + j) * C;
        float* to = gw + j * C;
        for (std::int64_t c = begin; c < end; ++c) to[c] += up[c] * from[c];
      }
    }
}

std::vector<at::Tensor> depthwise_gradients(const Backward& known, std::int64_t stride) {
  const auto &x = known.saved[0], &taps = known.saved[1];
  const auto g = known.upstream.to(at::kFloat).contiguous();
  const auto B = x.size(0), T = x.size(1), C = x.size(2), k = taps.size(0), out = g.size(1);
  at::Tensor of_x, of_weight, of_bias;
  const float *up = g.const_data_ptr<float>(), *from = x.const_data_ptr<float>(), *w = taps.const_data_ptr<float>();
  if (known.wanted[0]) {
    of_x = at::empty_like(x);
    float* to = of_x.data_ptr<float>();
    at::parallel_for(0, B * T, kRowsAtOnce, [&](std::int64_t begin, std::int64_t end) {
      depthwise_backward(up, w, to, T, out, C, k, stride, begin, end);
    });
  }
  if (known.wanted[1]) {
    auto sums = at::empty({k, C}, x.options());
    float* to = sums.data_ptr<float>();
    at::parallel_for(0, C, 64, [&](std::int64_t begin, std::int64_t end) {
      depthwise_weights(up, from, to, B, T, out, C, k, stride, begin, end);
    });
    of_weight = sums.t().unsqueeze(1).contiguous();
  }
  if (known.wanted[2]) of_bias = g.sum(at::IntArrayRef({0, 1}));
  return {of_x, of_weight, of_bias};
}

Operation convolve_depthwise(const at::Tensor& input, const at::Tensor& weight, const at::Tensor& bias,
                             std::int64_t stride) {
  const auto x = input.contiguous(), taps = weight.squeeze(1).t().contiguous();  // [k, C]
  const auto B = x.size(0), T = x.size(1), C = x.size(2), k = taps.size(0), out = rows_after(T, stride);
  auto y = at::empty({B, out, C}, x.options());
  const auto shift = bias.defined() ? bias.contiguous() : at::Tensor();
  const float *from = x.const_data_ptr<float>(), *w = taps.const_data_ptr<float>(),
              *s = shift.defined() ? shift.const_data_ptr<float>() : nullptr;
  float* to = y.data_ptr<float>();
  at::parallel_for(0, B * out, kRowsAtOnce, [&](std::int64_t begin, std::int64_t end) {
    depthwise_forward(from, w, s, to, T, out, C, k, stride, begin, end);
  });
  return {y, {x, taps}, [stride](const Backward& known) { return depthwise_gradients(known, stride); }};
}

// ---- pooling ----

// choice: which of the three rows, [B, T', C].
TAL_VECTOR_CLONES
void pool_forward(const float* x, float* y, std::int8_t* choice, std::int64_t T, std::int64_t out, std::int64_t C,
                  std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t b = i / out, t = 2 * (i % out);
    const float* middle = x + (b * T + t) * C;
    const float *before = t > 0 ? middle - C : middle, *after = t + 1 < T ? middle + C : middle;
    float* to = y + i * C;
    std::int8_t* which = choice + i * C;
    for (std::int64_t c = 0; c < C; ++c) {
      float best = before[c];
      std::int8_t at = t > 0 ? 0 : 1;
      if (middle[c] > best || middle[c] != middle[c]) best = middle[c], at = 1;
      if (after[c] > best || after[c] != after[c]) best = after[c], at = 2;
      to[c] = best, which[c] = at;
    }
  }
}

void pool_backward(const float* g, const std::int8_t* choice, float* gx, std::int64_t T, std::int64_t out,
                   std::int64_t C, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t b = i / T, t = i % T;
    float* to = gx + i * C;
    std::memset(to, 0, sizeof(float) * static_cast<std::size_t>(C));
    // Row t is the middle one of result t / 2, or the last of (t - 1) / 2 and the first of (t + 1) / 2.
    const auto take = [&](std::int64_t o, std::int8_t place) {
      if (o >= out) return;
      const float* up = g + (b * out + o) * C;
      const std::int8_t* which = choice + (b * out + o) * C;
      for (std::int64_t c = 0; c < C; ++c) to[c] += which[c] == place ? up[c] : 0.0f;
    };
    if (t % 2 == 0) take(t / 2, 1);
    else take(t / 2, 2), take(t / 2 + 1, 0);
  }
}

std::vector<at::Tensor> pool_gradients(const Backward& known, std::int64_t T) {
  const auto& choice = known.saved[0];
  const auto g = known.upstream.contiguous();
  const auto B = g.size(0), out = g.size(1), C = g.size(2);
  auto of_x = at::empty({B, T, C}, g.options());
  const float* up = g.const_data_ptr<float>();
  const auto* which = choice.const_data_ptr<std::int8_t>();
  float* to = of_x.data_ptr<float>();
  at::parallel_for(0, B * T, kRowsAtOnce,
                   [&](std::int64_t begin, std::int64_t end) { pool_backward(up, which, to, T, out, C, begin, end); });
  return {of_x};
}

Operation pool(const at::Tensor& input) {
  const auto x = input.contiguous();
  const auto B = x.size(0), T = x.size(1), C = x.size(2), out = rows_after(T, 2);
  auto y = at::empty({B, out, C}, x.options());
  const auto choice = at::empty({B, out, C}, x.options().dtype(at::kChar));
  const float* from = x.const_data_ptr<float>();
  float* to = y.data_ptr<float>();
  auto* which = choice.data_ptr<std::int8_t>();
  at::parallel_for(0, B * out, kRowsAtOnce,
                   [&](std::int64_t begin, std::int64_t end) { pool_forward(from, to, which, T, out, C, begin, end); });
  return {y, {choice}, [T](const Backward& known) { return pool_gradients(known, T); }};
}

bool float_on_cpu(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

}  // namespace

at::Tensor row_convolution(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride) {
  check_shape(x, {kAny, at_least(1), at_least(1)}, "row convolution: rows [B, T, C]");
  check_shape(weight, {kAny, x.size(2), at_least(1)}, "row convolution: weights [O, C, k]");
  if (weight.size(2) == 1 && stride == 1) return at::linear(x, weight.squeeze(2), bias);
  if (stride == 1 && winograd_pays(x, weight)) return winograd_rows(x, weight, bias);
  return with_gradients({x, weight, bias}, [&] { return convolve_windows(x, weight, bias, stride); });
}

at::Tensor depthwise_rows_reference(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias,
                                    std::int64_t stride) {
  return at::conv1d(x.transpose(1, 2), weight, bias, stride, weight.size(2) / 2, 1, x.size(2)).transpose(1, 2);
}

at::Tensor depthwise_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, std::int64_t stride) {
  check_shape(x, {kAny, at_least(1), at_least(1)}, "depthwise convolution: rows [B, T, C]");
  check_shape(weight, {x.size(2), 1, at_least(1)}, "depthwise convolution: weights [C, 1, k]");
  if (!float_on_cpu(x) || weight.scalar_type() != at::kFloat) return depthwise_rows_reference(x, weight, bias, stride);
  return with_gradients({x, weight, bias}, [&] { return convolve_depthwise(x, weight, bias, stride); });
}

at::Tensor max_pool_rows(const at::Tensor& x) {
  check_shape(x, {kAny, at_least(1), at_least(1)}, "pooling: rows [B, T, C]");
  if (!float_on_cpu(x)) return at::max_pool1d(x.transpose(1, 2), 3, 2, 1).transpose(1, 2);
  return with_gradients({x}, [&] { return pool(x); });
}

}  // namespace tal
