#include "libtal/nn/winograd_rows.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/Parallel.h>

#include <vector>

#include "libtal/nn/own_gradients.h"
#include "libtal/nn/vector.h"

namespace tal {
namespace {

constexpr std::int64_t kOut = 4, kProducts = 6;  // results and products of a tile
constexpr std::int64_t kTilesAtOnce = 4;         // of a task

// A tile's rows first .. first + 5 of a sequence -> what the products take, t `plane` floats apart.
TAL_VECTOR_CLONES
void rows_to_products(const float* x, const float* zero, float* to, std::int64_t T, std::int64_t tiles, std::int64_t C,
                      std::int64_t plane, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t b = i / tiles, first = i % tiles * kOut - 1;
    const auto row = [&](std::int64_t t) { return t >= 0 && t < T ? x + (b * T + t) * C : zero; };
    const float *x0 = row(first), *x1 = row(first + 1), *x2 = row(first + 2), *x3 = row(first + 3),
                *x4 = row(first + 4), *x5 = row(first + 5);
    float* __restrict u = to + i * C;
    for (std::int64_t c = 0; c < C; ++c) {
      const float a = x0[c], d = x1[c], e = x2[c], f = x3[c], g = x4[c], h = x5[c];
      u[c] = 2 * (a + g) + 3 * (d - f) - 4 * e;
      u[plane + c] = 2 * (d - g) + 5 * e + f;
      u[2 * plane + c] = 2 * (d + g) + e - 5 * f;
      u[3 * plane + c] = f - d + 2 * (g - e);
      u[4 * plane + c] = e - g + 2 * (f - d);
      u[5 * plane + c] = 2 * (d + h) + 3 * (e - g) - 4 * f;
    }
  }
}

// Products -> the four results of each tile.
TAL_VECTOR_CLONES
void products_to_rows(const float* from, const float* bias, float* spare, float* y, std::int64_t T, std::int64_t tiles,
                      std::int64_t C, std::int64_t plane, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t b = i / tiles, first = i % tiles * kOut;
    const auto row = [&](std::int64_t t) { return t < T ? y + (b * T + t) * C : spare; };
    float* __restrict y0 = row(first);
    float *y1 = row(first + 1), *y2 = row(first + 2), *y3 = row(first + 3);
    const float* p = from + i * C;
    for (std::int64_t c = 0; c < C; ++c) {
      const float p1 = p[plane + c], p2 = p[2 * plane + c], p3 = p[3 * plane + c], p4 = p[4 * plane + c];
      const float sum = p1 + p2 + bias[c], difference = p1 - p2 + bias[c];
      y0[c] = p[c] + sum + p3 + p4;
      y1[c] = difference + 2 * p3 - 0.5f * p4;
      y2[c] = sum + 4 * p3 + 0.25f * p4;
      y3[c] = difference + 8 * p3 - 0.125f * p4 + p[5 * plane + c];
    }
  }
}

// The transpose of that, for gradients of results.
TAL_VECTOR_CLONES
void results_to_products(const float* g, const float* zero, float* to, std::int64_t T, std::int64_t tiles,
                         std::int64_t C, std::int64_t plane, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const std::int64_t b = i / tiles, first = i % tiles * kOut;
    const auto row = [&](std::int64_t t) { return t < T ? g + (b * T + t) * C : zero; };
    const float *g0 = row(first), *g1 = row(first + 1), *g2 = row(first + 2), *g3 = row(first + 3);
    float* __restrict v = to + i * C;
    for (std::int64_t c = 0; c < C; ++c) {
      const float even = g0[c] + g2[c], odd = g1[c] + g3[c];
      v[c] = g0[c];
      v[plane + c] = even + odd;
      v[2 * plane + c] = even - odd;
      v[3 * plane + c] = g0[c] + 2 * g1[c] + 4 * g2[c] + 8 * g3[c];
      v[4 * plane + c] = g0[c] - 0.5f * g1[c] + 0.25f * g2[c] - 0.125f * g3[c];
      v[5 * plane + c] = g3[c];
    }
  }
}

// Taps [n][3] -> what the products take, [6][n].
TAL_VECTOR_CLONES
void taps_to_products(const float* w, float* to, std::int64_t n, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const float a = w[3 * i], b = w[3 * i + 1], c = w[3 * i + 2];
    to[i] = a / 2;
    to[n + i] = (a + b + c) / 6;
    to[2 * n + i] = (a - b + c) / 6;
    to[3 * n + i] = (a + 2 * b + 4 * c) / 30;
    to[4 * n + i] = (16 * a - 8 * b + 4 * c) / 15;
    to[5 * n + i] = c / 2;
  }
}

// The transpose of that, for gradients of taps.
TAL_VECTOR_CLONES
void products_to_taps(const float* from, float* w, std::int64_t n, std::int64_t begin, std::int64_t end) {
  for (std::int64_t i = begin; i < end; ++i) {
    const float p1 = from[n + i] / 6, p2 = from[2 * n + i] / 6, p3 = from[3 * n + i] / 30, p4 = from[4 * n + i] / 15;
    w[3 * i] = from[i] / 2 + p1 + p2 + p3 + 16 * p4;
    w[3 * i + 1] = p1 - p2 + 2 * p3 - 8 * p4;
    w[3 * i + 2] = p1 + p2 + 4 * p3 + 4 * p4 + from[5 * n + i] / 2;
  }
}

std::int64_t tiles_of(std::int64_t rows) { return (rows + kOut - 1) / kOut; }

using RowsKernel = void (*)(const float*, const float*, float*, std::int64_t, std::int64_t, std::int64_t, std::int64_t,
                            std::int64_t, std::int64_t);

// x [B, T, C] -> [6, B tiles, C]
at::Tensor products_of(const at::Tensor& x, RowsKernel kernel) {
  const auto B = x.size(0), T = x.size(1), C = x.size(2), tiles = tiles_of(T);
  auto out = at::empty({kProducts, B * tiles, C}, x.options());
  const auto zero = at::zeros({C}, x.options());
  const float *from = x.const_data_ptr<float>(), *zeros = zero.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, B * tiles, kTilesAtOnce, [&](std::int64_t begin, std::int64_t end) {
    kernel(from, zeros, to, T, tiles, C, B * tiles * C, begin, end);
  });
  return out;
}

// weight [O, C, 3] -> [6, O, C]
at::Tensor products_of_taps(const at::Tensor& weight) {
  const auto n = weight.size(0) * weight.size(1);
  auto out = at::empty({kProducts, weight.size(0), weight.size(1)}, weight.options());
  const float* from = weight.const_data_ptr<float>();
  float* to = out.data_ptr<float>();
  at::parallel_for(0, n, 1 << 14,
                   [&](std::int64_t begin, std::int64_t end) { taps_to_products(from, to, n, begin, end); });
  return out;
}

// x [B, T, C] and weight [O, C, 3], contiguous -> [B, T, O]
at::Tensor convolve(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const auto B = x.size(0), T = x.size(1), O = weight.size(0), tiles = tiles_of(T);
  const auto products = at::bmm(products_of(x, rows_to_products), products_of_taps(weight).transpose(1, 2));
  auto y = at::empty({B, T, O}, x.options());
  const auto shift = bias.defined() ? bias.contiguous() : at::zeros({O}, x.options());
  const float *from = products.const_data_ptr<float>(), *s = shift.const_data_ptr<float>();
  float* to = y.data_ptr<float>();
  at::parallel_for(0, B * tiles, kTilesAtOnce, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> spare(static_cast<std::size_t>(O));
    products_to_rows(from, s, spare.data(), to, T, tiles, O, B * tiles * O, begin, end);
  });
  return y;
}

std::vector<at::Tensor> winograd_gradients(const Backward& known) {
  const auto &x = known.saved[0], &weight = known.saved[1];
  const auto g = known.upstream.to(at::kFloat).contiguous();
  at::Tensor of_x, of_weight, of_bias;
  if (known.wanted[0]) of_x = convolve(g, weight.flip(2).transpose(0, 1).contiguous(), at::Tensor());
  if (known.wanted[1]) {
    const auto products = at::bmm(products_of(g, results_to_products).transpose(1, 2), products_of(x, rows_to_products))
                              .contiguous();  // [6, O, C]
    of_weight = at::empty(weight.sizes(), weight.options());
    const auto n = weight.size(0) * weight.size(1);
    const float* from = products.const_data_ptr<float>();
    float* to = of_weight.data_ptr<float>();
    at::parallel_for(0, n, 1 << 14,
                     [&](std::int64_t begin, std::int64_t end) { products_to_taps(from, to, n, begin, end); });
  }
  if (known.wanted[2]) of_bias = g.sum(at::IntArrayRef({0, 1}));
  return {of_x, of_weight, of_bias};
}

}  // namespace

bool winograd_pays(const at::Tensor& x, const at::Tensor& weight) {
  // Below, transforming the taps and the rows takes longer than the products that are saved.
  constexpr std::int64_t kRows = 128, kChannels = 32;
  return x.is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat && weight.size(2) == 3 &&
         !at::autocast::is_autocast_enabled(at::kCPU) && x.size(0) * x.size(1) >= kRows && x.size(2) >= kChannels &&
         weight.size(0) >= kChannels;
}

at::Tensor winograd_rows(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return with_gradients({x, weight, bias}, [&] {
    const auto rows = x.contiguous();
    return Operation{convolve(rows, weight.contiguous(), bias), {rows, weight}, winograd_gradients};
  });
}

}  // namespace tal
