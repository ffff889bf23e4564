#include "libtal/nn/blockwise_attention.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>
#include <vector>

#include "libtal/nn/device.h"
#include "libtal/nn/own_gradients.h"
#include "libtal/nn/panel_product.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

// ---- float on the CPU: keys and values are laid out once for the registers. A block of queries goes through the keys
// a lot at a time, whose scores stay in the second cache; the sums so far are scaled when a larger score comes (Milakov
// and Gimelshein, "Online normalizer calculation for softmax", 2018).

constexpr std::int64_t kRows = 2 * kWholeRows;  // queries of a block
constexpr std::int64_t kKeys = 480;             // of a lot: 92 kB of scores
static_assert(kKeys % kWholeRows == 0 && kKeys % kWidth == 0, "only the last lot has rows or columns over");

// A block of queries: scores [kRows + kSpare, kKeys], sums [kRows + kSpare, width].
struct Block {
  const float* queries;                    // [kRows + kSpare, depth]
  const float* keys;                       // panels of the lots, one behind the other: [depth, keys of the lot] each
  const float* values;                     // so too: [keys of the lot, width]
  float *scores, *sums, *normalizers;      // normalizers [count]: logarithms of the sums of the exponentials
  std::int64_t count, used, depth, width;  // queries; keys; width: whole vectors
};

// Largest value so far and sum of the exponentials, of a query.
struct Softmax {
  float largest = -std::numeric_limits<float>::infinity(), sum = 0;
};

// Scores -> exponentials, less the largest; columns: whole vectors, -infinity where there is no key.
template <class B>
TAL_INLINE void exponentials(float* row, std::int64_t columns, float* sums, std::int64_t width, Softmax& softmax) {
  typedef typename B::type Vector;
  Vector most = Vector{} + softmax.largest;
  for (std::int64_t c = 0; c < columns; c += kFloats<B>) {
    const Vector& value = at<B>(row + c);
    most = value > most ? value : most;
  }
  float largest = most[0];
  for (std::int64_t k = 1; k < kFloats<B>; ++k) largest = std::max(largest, most[k]);
  if (largest > softmax.largest) {
    const float scale = std::exp(softmax.largest - largest);
    for (std::int64_t c = 0; c < width; c += kFloats<B>) at<B>(sums + c) = at<B>(sums + c) * scale;
    softmax.largest = largest, softmax.sum *= scale;
  }
  Vector total{};
  for (std::int64_t c = 0; c < columns; c += kFloats<B>) {
    Vector value = at<B>(row + c) - softmax.largest;
    exponential<B>(value);
    at<B>(row + c) = value;
    total += value;
  }
  for (std::int64_t k = 0; k < kFloats<B>; ++k) softmax.sum += total[k];
}

template <class B>
TAL_INLINE void attend_block(const Block& b) {
  Softmax softmax[kRows];
  std::fill_n(b.sums, (b.count + kSpare) * b.width, 0.0f);
  for (std::int64_t first = 0; first < b.used; first += kKeys) {
    const std::int64_t used = std::min(kKeys, b.used - first), columns = whole_vectors(used);
    multiply_by<B>(b.queries, b.depth, 0, {b.keys + first * b.depth, 1, b.depth, columns}, b.scores, b.count);
    for (std::int64_t r = 0; r < b.count; ++r) {
      float* row = b.scores + r * columns;
      std::fill(row + used, row + columns, -std::numeric_limits<float>::infinity());
      exponentials<B>(row, columns, b.sums + r * b.width, b.width, softmax[r]);
    }
    add_product_by<B>(b.scores, {columns, 1}, {b.values + first * b.width, 1, used, b.width}, b.sums, b.count);
  }
  for (std::int64_t r = 0; r < b.count; ++r) {
    for (std::int64_t c = 0; c < b.width; c += kFloats<B>)
      at<B>(b.sums + r * b.width + c) = at<B>(b.sums + r * b.width + c) * (1 / softmax[r].sum);
    b.normalizers[r] = softmax[r].largest + std::log(softmax[r].sum);
  }
}

// Gradients by a block of queries. A lot's probabilities P and the gradients D of its scores stay in the second cache;
// those of keys and values are added up.
struct BackwardBlock {
  const float *queries, *upstream;              // [kRows + kSpare, depth], [kRows + kSpare, values]
  const float *query_panels, *upstream_panels;  // of the same rows, kRows of them, zeros behind the last
  const float *keys, *values;         // panels of the lots: [depth, keys of the lot], [values, keys of the lot]
  const float* key_rows;              // [keys of the lot, depth]
  const float *normalizers, *deltas;  // [count]; deltas: upstream . output
  float *probabilities, *d_scores;    // [kRows + kSpare, kKeys]
  float* d_queries;                   // [kRows + kSpare, whole depth]
  float *d_keys, *d_values;           // [used + kSpare, whole depth], [used + kSpare, whole values]
  std::int64_t count, used, depth, width;
};

template <class B>
TAL_INLINE void attend_backward_block(const BackwardBlock& b) {
  typedef typename B::type Vector;
  const std::int64_t deep = whole_vectors(b.depth), wide = whole_vectors(b.width);
  std::fill_n(b.d_queries, (kRows + kSpare) * deep, 0.0f);
  for (std::int64_t first = 0; first < b.used; first += kKeys) {
    const std::int64_t used = std::min(kKeys, b.used - first), columns = whole_vectors(used);
    multiply_by<B>(b.queries, b.depth, 0, {b.keys + first * b.depth, 1, b.depth, columns}, b.probabilities, b.count);
    multiply_by<B>(b.upstream, b.width, 0, {b.values + first * b.width, 1, b.width, columns}, b.d_scores, b.count);
    for (std::int64_t r = 0; r < b.count; ++r)
      for (std::int64_t c = 0; c < columns; c += kFloats<B>) {
        float *p = b.probabilities + r * columns + c, *d = b.d_scores + r * columns + c;
        Vector value = at<B>(p) - b.normalizers[r];
        exponential<B>(value);
        at<B>(p) = value;
        at<B>(d) = value * (at<B>(d) - b.deltas[r]);
      }
    for (float* matrix : {b.probabilities, b.d_scores})
      std::fill(matrix + b.count * columns, matrix + kRows * columns, 0.0f);
    add_product_by<B>(b.d_scores, {columns, 1}, {b.key_rows + first * deep, 1, used, deep}, b.d_queries, b.count);
    add_product_by<B>(b.d_scores, {1, columns}, {b.query_panels, 1, kRows, deep}, b.d_keys + first * deep, used);
    add_product_by<B>(b.probabilities, {1, columns}, {b.upstream_panels, 1, kRows, wide}, b.d_values + first * wide,
                      used);
  }
}

void attend_128(const Block& b) { attend_block<Block128>(b); }
TAL_TARGET_256 void attend_256(const Block& b) { attend_block<Block256>(b); }
TAL_TARGET_512 void attend_512(const Block& b) { attend_block<Block512>(b); }
void attend_backward_128(const BackwardBlock& b) { attend_backward_block<Block128>(b); }
TAL_TARGET_256 void attend_backward_256(const BackwardBlock& b) { attend_backward_block<Block256>(b); }
TAL_TARGET_512 void attend_backward_512(const BackwardBlock& b) { attend_backward_block<Block512>(b); }

// matrix [rows, columns] -> panels of each kKeys rows, one behind the other.
at::Tensor panels_of_lots(const at::Tensor& matrix) {
  std::vector<at::Tensor> lots;
  for (const auto& lot : matrix.split(kKeys)) lots.push_back(panels_of(lot).flatten());
  return at::cat(lots);
}

std::vector<float> room(std::int64_t rows, std::int64_t columns) {
  return std::vector<float>(static_cast<std::size_t>((rows + kSpare) * columns));
}

// The output, and the logarithm of each query's sum of exponentials [B, N].
std::pair<at::Tensor, at::Tensor> attend_in_panels(const at::Tensor& queries, const at::Tensor& keys,
                                                   const at::Tensor& values) {
  const std::int64_t batch = queries.size(0), count = queries.size(1), blocks = (count + kRows - 1) / kRows,
                     depth = queries.size(2), width = values.size(2), used = keys.size(1);
  const std::int64_t wide = whole_vectors(width);
  auto out = at::empty({batch, count, width}, values.options()),
       normalizers = at::empty({batch, count}, values.options());
  const auto attend = of_vectors(attend_128, attend_256, attend_512);
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto key_panels = panels_of(keys[b].t()), value_panels = panels_of_lots(values[b]);  // panels of keys in a
                                                                                               // lot are some of all
                                                                                               // panels
    const float* from = queries.const_data_ptr<float>() + b * count * depth;
    float *to = out.data_ptr<float>() + b * count * width, *normalizer = normalizers.data_ptr<float>() + b * count;
    at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
      auto block = room(kRows, depth), scores = room(kRows, kKeys), sums = room(kRows, wide);
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t first = task * kRows, size = std::min(kRows, count - first);
        std::copy_n(from + first * depth, size * depth, block.data());
        attend({block.data(), key_panels.const_data_ptr<float>(), value_panels.const_data_ptr<float>(), scores.data(),
                sums.data(), normalizer + first, size, used, depth, wide});
        for (std::int64_t r = 0; r < size; ++r) std::copy_n(sums.data() + r * wide, width, to + (first + r) * width);
      }
    });
  }
  return {out, normalizers};
}

std::vector<at::Tensor> backward_in_panels(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values,
                                           const at::Tensor& out, const at::Tensor& normalizers, const at::Tensor& dy) {
  const std::int64_t batch = queries.size(0), count = queries.size(1), blocks = (count + kRows - 1) / kRows,
                     depth = queries.size(2), width = values.size(2), used = keys.size(1);
  const std::int64_t deep = whole_vectors(depth), wide = whole_vectors(width),
                     parts = std::min<std::int64_t>(at::get_num_threads(), blocks);
  auto d_queries = at::empty_like(queries), d_keys = at::empty_like(keys), d_values = at::empty_like(values);
  const auto attend = of_vectors(attend_backward_128, attend_backward_256, attend_backward_512);
  const auto deltas = (dy * out).sum(2).contiguous();  // [B, N]
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto key_panels = panels_of(keys[b].t()), value_panels = panels_of(values[b].t()),
               key_rows = panels_of_lots(keys[b]);
    // Each part adds up on its own, so that the sums depend on the number of threads alone.
    auto part_keys = at::zeros({parts, used + kSpare, deep}, keys.options()),
         part_values = at::zeros({parts, used + kSpare, wide}, values.options());
    at::parallel_for(0, parts, 1, [&](std::int64_t begin, std::int64_t end) {
      const at::NoGradGuard guard;
      auto block = room(kRows, depth), upstream = room(kRows, width), probabilities = room(kRows, kKeys),
           d_scores = room(kRows, kKeys), sums = room(kRows, deep);
      for (std::int64_t part = begin; part < end; ++part)
        for (std::int64_t task = part * blocks / parts; task < (part + 1) * blocks / parts; ++task) {
          const std::int64_t first = task * kRows, size = std::min(kRows, count - first), at = b * count + first;
          const auto rows = [&](const at::Tensor& all, std::vector<float>& to, std::int64_t columns) {
            std::fill(std::copy_n(all.const_data_ptr<float>() + at * columns, size * columns, to.begin()), to.end(),
                      0.0f);
            return panels_of(at::from_blob(to.data(), {kRows, columns}, at::kFloat));
          };
          const auto query_panels = rows(queries, block, depth), upstream_panels = rows(dy, upstream, width);
          attend({block.data(), upstream.data(), query_panels.const_data_ptr<float>(),
                  upstream_panels.const_data_ptr<float>(), key_panels.const_data_ptr<float>(),
                  value_panels.const_data_ptr<float>(), key_rows.const_data_ptr<float>(),
                  normalizers.const_data_ptr<float>() + at, deltas.const_data_ptr<float>() + at, probabilities.data(),
                  d_scores.data(), sums.data(), part_keys[part].data_ptr<float>(), part_values[part].data_ptr<float>(),
                  size, used, depth, width});
          for (std::int64_t r = 0; r < size; ++r)
            std::copy_n(sums.data() + r * deep, depth, d_queries.data_ptr<float>() + (at + r) * depth);
        }
    });
    d_keys[b].copy_(part_keys.sum(0).narrow(0, 0, used).narrow(1, 0, depth));
    d_values[b].copy_(part_values.sum(0).narrow(0, 0, used).narrow(1, 0, width));
  }
  return {d_queries, d_keys, d_values};
}

// ---- any type and device.

// Blocks of queries of the plain form; 64 x 5,050 scores are 1.3 MB.
constexpr std::int64_t kQueries = 64;

at::Tensor attend(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  const std::int64_t batch = queries.size(0), count = queries.size(1), blocks = (count + kQueries - 1) / kQueries;
  auto out = at::empty({batch, count, values.size(2)}, values.options());
  at::parallel_for(0, batch * blocks, queries.device().is_cpu() ? 1 : batch * blocks,
                   [&](std::int64_t begin, std::int64_t end) {
                     const at::NoGradGuard guard;
                     auto scores = at::empty({kQueries, keys.size(1)}, queries.options());
                     for (std::int64_t task = begin; task < end; ++task) {
                       const std::int64_t b = task / blocks, first = task % blocks * kQueries,
                                          size = std::min(kQueries, count - first);
                       auto block = scores.narrow(0, 0, size), to = out[b].narrow(0, first, size);
                       at::mm_out(block, queries[b].narrow(0, first, size), keys[b].t());
                       at::_softmax_out(block, block, 1, false);
                       at::mm_out(to, block, values[b]);
                     }
                   });
  return out;
}

std::vector<at::Tensor> attention_gradients(const Backward& known) {
  const auto& saved = known.saved;
  const auto &queries = saved[0], &keys = saved[1], &values = saved[2], &out = saved[3];
  const auto dy = known.upstream.contiguous();
  if (saved[4].defined()) return backward_in_panels(queries, keys, values, out, saved[4], dy);
  auto d_queries = at::empty_like(queries), d_keys = at::zeros_like(keys), d_values = at::zeros_like(values);
  const std::int64_t count = queries.size(1), step = 8 * kQueries;
  for (std::int64_t b = 0; b < queries.size(0); ++b)
    for (std::int64_t first = 0; first < count; first += step) {
      const std::int64_t size = std::min(step, count - first);
      const auto q = queries[b].narrow(0, first, size), g = dy[b].narrow(0, first, size);
      const auto p = at::mm(q, keys[b].t()).softmax(1);
      d_values[b].addmm_(p.t(), g);
      // d score = p (g . value - g . out)
      const auto d_score = at::mm(g, values[b].t()).sub_((g * out[b].narrow(0, first, size)).sum(1, true)).mul_(p);
      d_queries[b].narrow(0, first, size).copy_(at::mm(d_score, keys[b]));
      d_keys[b].addmm_(d_score.t(), q);
    }
  return {d_queries, d_keys, d_values};
}

Operation attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  const bool in_panels = queries.device().is_cpu() && queries.scalar_type() == at::kFloat;
  const auto [out, normalizers] =
      in_panels ? attend_in_panels(queries, keys, values) : std::pair(attend(queries, keys, values), at::Tensor());
  return {out, {queries, keys, values, out, normalizers}, attention_gradients};
}

// ---- CUDA: LibTorch's fused attention, whose kernels take columns by eights; columns of zeros change no product.

at::Tensor by_eights(const at::Tensor& rows) {
  const std::int64_t rest = rows.size(2) % 8;
  return (rest ? at::constant_pad_nd(rows, {0, 8 - rest}) : rows).unsqueeze(1);  // [B, 1 head, N, C]
}

void check_inputs(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  check_shape(queries, {kAny, kAny, kAny}, "attention: queries [B, Q, C]");
  check_shape(keys, {queries.size(0), kAny, queries.size(2)}, "attention: keys [B, K, C]");
  check_shape(values, {queries.size(0), keys.size(1), kAny}, "attention: values [B, K, V]");
}

}  // namespace

at::Tensor fused_attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  check_inputs(queries, keys, values);
  const auto all = at::scaled_dot_product_attention(by_eights(queries), by_eights(keys), by_eights(values), {}, 0,
                                                    /*is_causal=*/false, /*scale=*/1.0);
  return all.squeeze(1).narrow(2, 0, values.size(2));
}

at::Tensor blockwise_attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  check_inputs(queries, keys, values);
  if (queries.is_cuda()) return fused_attention(queries, keys, values);
  const OwnPrecision own;
  const auto whole = [](const at::Tensor& t) {
    return (at::isReducedFloatingType(t.scalar_type()) ? t.to(at::kFloat) : t).contiguous();
  };
  const auto q = whole(queries), k = whole(keys), v = whole(values);
  return with_gradients({q, k, v}, [&] { return attention(q, k, v); });
}

}  // namespace tal
