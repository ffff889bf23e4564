#include "libtal/nn/window_attention.h"

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

// One sequence and head in memory: row t of q at q + t * stride.
struct Shape {
  std::int64_t T, d, stride, window;
};

TAL_INLINE float dot(const float* a, const float* b, std::int64_t d) {
  float lanes[16] = {};  // sums side by side, in one order whatever the vectors are
  std::int64_t c = 0;
  for (; c + 16 <= d; c += 16)
    for (int l = 0; l < 16; ++l) lanes[l] += a[c + l] * b[c + l];
  for (int l = 0; c < d; ++c, ++l) lanes[l] += a[c] * b[c];
  for (int step = 8; step; step /= 2)
    for (int l = 0; l < step; ++l) lanes[l] += lanes[l + step];
  return lanes[0];
}

// Rows [begin, end) of the result; weights: [T, window], the softmax, for the backward pass. length: rows of the
// sequence. bias [window] or nullptr.
TAL_VECTOR_CLONES
void attend(const Shape& s, const float* q, const float* k, const float* v, const float* bias, std::int64_t length,
            float scale, float* out, float* weights, std::int64_t begin, std::int64_t end) {
  const std::int64_t half = s.window / 2;
  for (std::int64_t t = begin; t < end; ++t) {
    float *to = out + t * s.stride, *w = weights + t * s.window;
    std::memset(to, 0, sizeof(float) * static_cast<std::size_t>(s.d));
    std::memset(w, 0, sizeof(float) * static_cast<std::size_t>(s.window));
    if (t >= length) continue;
    const std::int64_t first = std::max<std::int64_t>(0, t - half), last = std::min(length - 1, t + half);
    float most = -std::numeric_limits<float>::infinity();
    for (std::int64_t j = first; j <= last; ++j) {
      const std::int64_t place = j - t + half;
      w[place] = scale * dot(q + t * s.stride, k + j * s.stride, s.d) + (bias ? bias[place] : 0.0f);
      most = std::max(most, w[place]);
    }
    float sum = 0;
    for (std::int64_t j = first; j <= last; ++j) sum += w[j - t + half] = std::exp(w[j - t + half] - most);
    for (std::int64_t j = first; j <= last; ++j) {
      const float p = w[j - t + half] /= sum;
      const float* from = v + j * s.stride;
      for (std::int64_t c = 0; c < s.d; ++c) to[c] += p * from[c];
    }
  }
}

// Gradients of one sequence and head; gq, gk, gv rows are zero at the start. gb [window] or nullptr.
TAL_VECTOR_CLONES
void attend_backward(const Shape& s, const float* q, const float* k, const float* v, const float* weights,
                     const float* g, std::int64_t length, float scale, float* gq, float* gk, float* gv, float* gb,
                     float* score) {
  const std::int64_t half = s.window / 2;
  for (std::int64_t t = 0; t < length; ++t) {
    const std::int64_t first = std::max<std::int64_t>(0, t - half), last = std::min(length - 1, t + half);
    const float *up = g + t * s.stride, *w = weights + t * s.window, *own = q + t * s.stride;
    float mean = 0;
    for (std::int64_t j = first; j <= last; ++j) {
      const float p = w[j - t + half];
      const float of_weight = dot(up, v + j * s.stride, s.d);
      score[j - t + half] = of_weight;
      mean += p * of_weight;
      float* to = gv + j * s.stride;
      for (std::int64_t c = 0; c < s.d; ++c) to[c] += p * up[c];
    }
    float* to_q = gq + t * s.stride;
    for (std::int64_t j = first; j <= last; ++j) {
      const float of_score = w[j - t + half] * (score[j - t + half] - mean);
      if (gb) gb[j - t + half] += of_score;
      const float scaled = of_score * scale;
      const float* other = k + j * s.stride;
      float* to_k = gk + j * s.stride;
      for (std::int64_t c = 0; c < s.d; ++c) to_q[c] += scaled * other[c], to_k[c] += scaled * own[c];
    }
  }
}

std::vector<at::Tensor> attention_gradients(const Backward& known, const std::vector<std::int64_t>& lengths,
                                            float scale) {
  const auto& saved = known.saved;
  const auto &q = saved[0], &k = saved[1], &v = saved[2], &weights = saved[3];
  const auto g = known.upstream.to(at::kFloat).contiguous();
  const bool biased = known.wanted[3];
  const auto B = q.size(0), T = q.size(1), E = q.size(2), heads = weights.size(1), window = weights.size(3);
  const Shape shape{T, E / heads, E, window};
  auto gq = at::zeros_like(q), gk = at::zeros_like(k), gv = at::zeros_like(v);
  auto gb = at::zeros({B, heads, window}, q.options());
  const float *pq = q.const_data_ptr<float>(), *pk = k.const_data_ptr<float>(), *pv = v.const_data_ptr<float>(),
              *pw = weights.const_data_ptr<float>(), *pg = g.const_data_ptr<float>();
  float *oq = gq.data_ptr<float>(), *ok = gk.data_ptr<float>(), *ov = gv.data_ptr<float>(), *ob = gb.data_ptr<float>();
  at::parallel_for(0, B * heads, 1, [&](std::int64_t begin, std::int64_t end) {
    std::vector<float> score(static_cast<std::size_t>(window));
    for (std::int64_t s = begin; s < end; ++s) {
      const std::int64_t b = s / heads, h = s % heads, at = b * T * E + h * shape.d;
      attend_backward(shape, pq + at, pk + at, pv + at, pw + s * T * window, pg + at,
                      lengths[static_cast<std::size_t>(b)], scale, oq + at, ok + at, ov + at,
                      biased ? ob + s * window : nullptr, score.data());
    }
  });
  return {gq, gk, gv, biased ? gb.sum(0) : at::Tensor()};
}

Operation attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                    const at::Tensor& position_bias, const std::vector<std::int64_t>& lengths, std::int64_t heads,
                    std::int64_t window, double scale) {
  const auto q = queries.contiguous(), k = keys.contiguous(), v = values.contiguous();
  const auto bias = position_bias.defined() ? position_bias.contiguous() : at::Tensor();
  const auto B = q.size(0), T = q.size(1), E = q.size(2);
  const Shape shape{T, E / heads, E, window};
  auto out = at::empty_like(q);
  auto weights = at::empty({B, heads, T, window}, q.options());
  const float *pq = q.const_data_ptr<float>(), *pk = k.const_data_ptr<float>(), *pv = v.const_data_ptr<float>(),
              *pb = bias.defined() ? bias.const_data_ptr<float>() : nullptr;
  float *po = out.data_ptr<float>(), *pw = weights.data_ptr<float>();
  const auto f = static_cast<float>(scale);
  at::parallel_for(0, B * heads * T, 32, [&](std::int64_t begin, std::int64_t end) {
    while (begin < end) {
      const std::int64_t sequence = begin / T, first = begin % T, stop = std::min(T, first + end - begin),
                         b = sequence / heads, h = sequence % heads, at = b * T * E + h * shape.d;
      attend(shape, pq + at, pk + at, pv + at, pb ? pb + h * window : nullptr, lengths[static_cast<std::size_t>(b)], f,
             po + at, pw + sequence * T * window, first, stop);
      begin += stop - first;
    }
  });
  return {
      out, {q, k, v, weights}, [lengths, f](const Backward& known) { return attention_gradients(known, lengths, f); }};
}

}  // namespace

at::Tensor window_attention_reference(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                                      const at::Tensor& bias, const std::vector<std::int64_t>& lengths,
                                      std::int64_t heads, std::int64_t window, double scale) {
  const auto B = q.size(0), T = q.size(1), E = q.size(2), half = window / 2;
  const auto split = [&](const at::Tensor& x) { return x.reshape({B, T, heads, E / heads}).transpose(1, 2); };
  auto scores = (split(q) * scale).matmul(split(k).transpose(2, 3));  // [B, H, T, T]
  const auto t = at::arange(T, q.options().dtype(at::kLong));
  const auto place = t.unsqueeze(0) - t.unsqueeze(1) + half;  // of row j in the window of row t
  const auto valid = t.unsqueeze(0) < at::tensor(lengths, at::kLong).to(q.device()).unsqueeze(1);  // [B, T]
  auto hidden = valid.logical_not().reshape({B, 1, 1, T});
  if (window > 1) {
    hidden = hidden.logical_or((place < 0).logical_or(place >= window));
    if (bias.defined()) scores = scores + bias.index({at::indexing::Slice(), place.clamp(0, window - 1)}).unsqueeze(0);
  }
  const auto rows = valid.reshape({B, 1, T, 1});  // the others see all, so that no softmax is empty, and count nothing
  const auto weights =
      scores.masked_fill(hidden.logical_and(rows), -std::numeric_limits<double>::infinity()).softmax(-1);
  const auto out = at::where(rows, weights, at::zeros({}, weights.options())).matmul(split(v));
  return out.transpose(1, 2).reshape({B, T, E});
}

at::Tensor window_attention(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v, const at::Tensor& bias,
                            const std::vector<std::int64_t>& lengths, std::int64_t heads, std::int64_t window,
                            double scale) {
  check_shape(q, {at_least(1), at_least(1), multiple_of(heads)}, "attention: queries [B, T, H d]");
  check_same_shape(k, q, "attention: keys [B, T, H d]");
  check_same_shape(v, q, "attention: values [B, T, H d]");
  if (window <= 1 || !q.is_cpu() || q.scalar_type() != at::kFloat)
    return window_attention_reference(q, k, v, bias, lengths, heads, window, scale);
  return with_gradients({q, k, v, bias}, [&] { return attention(q, k, v, bias, lengths, heads, window, scale); });
}

}  // namespace tal
