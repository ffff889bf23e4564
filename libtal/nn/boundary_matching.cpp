#include "libtal/nn/boundary_matching.h"

#include <ATen/ATen.h>
#include <ATen/Context.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <deque>
#include <map>
#include <mutex>
#include <utility>

#include "libtal/base/error.h"
#include "libtal/nn/boundary_matching_cuda.h"
#include "libtal/nn/device.h"
#include "libtal/nn/device_constants.h"
#include "libtal/nn/own_gradients.h"
#include "libtal/nn/shapes.h"
#include "libtal/nn/vector.h"

namespace tal {

BoundaryMatchingTable::BoundaryMatchingTable(const BoundaryMatchingSpec& spec) : spec_(spec) {
  const auto [rows, durations, samples, per_bin, widen, truncate] = spec;
  if (rows < 1 || durations < 1 || samples < 1 || per_bin < 1 || !(widen >= 0))
    throw Error(
        "boundary matching: rows, durations, samples and points per sample must be at least 1, the widening at least "
        "0");
  if (durations > rows)
    throw Error("boundary matching: longest proposal of " + std::to_string(durations) + " rows, but only " +
                std::to_string(rows) + " rows");
  valid_ = at::zeros({durations, rows}, at::kBool);
  std::vector<std::int64_t> positions;
  first_.push_back(0);
  for (std::int64_t j = 0; j < durations; ++j) {
    for (std::int64_t i = 0; i + j < rows; ++i) positions.push_back(j * rows + i);
    first_.push_back(static_cast<std::int64_t>(positions.size()));
  }
  proposals_ = first_.back();
  positions_ = at::tensor(positions, at::kLong);
  valid_.view(-1).index_fill_(0, positions_, true);

  const std::int64_t points = samples * per_bin;
  const double share = 1.0 / static_cast<double>(per_bin);
  for (std::int64_t j = 0; j < durations; ++j) {
    const double length = static_cast<double>(j + 1), from = -widen * length,
                 to = static_cast<double>(j) + widen * length;
    const double step = points > 1 ? (to - from) / static_cast<double>(points - 1) : 0;
    for (std::int64_t n = 0; n < samples; ++n) {
      std::map<std::int64_t, double> row_weight;
      for (std::int64_t m = n * per_bin; m < (n + 1) * per_bin; ++m) {
        const double x = from + step * static_cast<double>(m), row = std::floor(x);
        row_weight[static_cast<std::int64_t>(row)] += (1 - (x - row)) * share;
        row_weight[static_cast<std::int64_t>(row) + 1] += (x - row) * share;
      }
      Taps taps{static_cast<std::int32_t>(row_weight.begin()->first), static_cast<std::int32_t>(weights_.size()), 0};
      const std::int64_t last = row_weight.rbegin()->first;
      for (std::int64_t row = row_weight.begin()->first; row <= last; ++row)
        weights_.push_back(row_weight.count(row) ? row_weight[row] : 0);
      while (weights_.size() > static_cast<std::size_t>(taps.begin) + 1 && weights_.back() == 0) weights_.pop_back();
      taps.count = static_cast<std::int32_t>(weights_.size()) - taps.begin;
      taps_.push_back(taps);
    }
  }
  weights32_.assign(weights_.begin(), weights_.end());
  if (truncate) add_extras();
}

void BoundaryMatchingTable::add_extras() {
  const std::int64_t points = spec_.samples * spec_.per_bin;
  for (std::int64_t j = 0; j < spec_.durations; ++j)
    for (std::int64_t i = 0; i + j < spec_.rows; ++i) {
      const double widened = spec_.widen * static_cast<double>(j + 1), from = static_cast<double>(i) - widened,
                   to = static_cast<double>(i + j) + widened;
      const double step = points > 1 ? (to - from) / static_cast<double>(points - 1) : 0;
      extra_begin_.push_back(extras_.size());
      for (std::int64_t m = 0; m < points; ++m)
        if (const double x = from + step * static_cast<double>(m); x > -1 && x < 0)  // row 0 has 1 + x already
          extras_.push_back({static_cast<std::int32_t>(m / spec_.per_bin), -x / static_cast<double>(spec_.per_bin)});
    }
  extra_begin_.push_back(extras_.size());
}

at::Tensor BoundaryMatchingTable::mask() const {
  const auto [rows, durations, samples, per_bin, widen, truncate] = spec_;
  auto mask = at::zeros({rows, samples, durations, rows}, at::kDouble);
  auto m = mask.accessor<double, 4>();
  for (std::int64_t j = 0; j < durations; ++j)
    for (std::int64_t n = 0; n < samples; ++n) {
      const Taps& t = taps(j, n);
      for (std::int64_t i = 0; i + j < rows; ++i)
        for (std::int64_t k = 0; k < t.count; ++k)
          if (const std::int64_t row = i + t.offset + k; row >= 0 && row < rows)
            m[row][n][j][i] += weights_[static_cast<std::size_t>(t.begin + k)];
    }
  const auto position = positions_.accessor<std::int64_t, 1>();
  if (truncate)
    for (std::int64_t p = 0; p < proposals_; ++p)
      for (const Extra& e : extras(p)) m[0][e.sample][position[p] / rows][position[p] % rows] += e.weight;
  return mask;
}

std::shared_ptr<const BoundaryMatchingTable> boundary_matching_table(const BoundaryMatchingSpec& spec) {
  static std::mutex mutex;
  static std::deque<std::shared_ptr<const BoundaryMatchingTable>> tables;  // few: one for each length that a model
                                                                           // works at
  const std::lock_guard lock(mutex);
  for (const auto& table : tables)
    if (table->spec() == spec) return table;
  tables.push_back(std::make_shared<const BoundaryMatchingTable>(spec));
  return tables.back();
}

namespace {

// Filters are worked on in blocks of two 64-byte vectors: a block of G, [T, N, block], stays in the L2 cache while all
// proposals read it, and eight proposals or rows of a block are summed up in registers.
constexpr int kVectors = 2, kColumns = 8;
template <class S>
constexpr std::int64_t kBlock = kVectors * 64 / static_cast<std::int64_t>(sizeof(S));

template <class S>
struct Vector;
template <>
struct Vector<float> {
  typedef float type __attribute__((vector_size(64), may_alias));
};
template <>
struct Vector<double> {
  typedef double type __attribute__((vector_size(64), may_alias));
};

// kColumns (or one) sums of a block of filters.
template <class S, int kWidth>
struct Sums {
  using V = typename Vector<S>::type;
  V value[kWidth][kVectors] = {};

  // value[t] += weight * src[(row + t) * stride ..]; rows outside [0, rows) give nothing.
  TAL_INLINE void add(S weight, const S* src, std::int64_t stride, std::int64_t row, std::int64_t rows) {
    if (row >= 0 && row + kWidth <= rows) {
#pragma GCC unroll 8
      for (int t = 0; t < kWidth; ++t) add_one(t, weight, src + (row + t) * stride);
    } else if (row > -kWidth && row < rows) {
#pragma GCC unroll 8
      for (int t = 0; t < kWidth; ++t)
        if (row + t >= 0 && row + t < rows) add_one(t, weight, src + (row + t) * stride);
    }
  }
  TAL_INLINE void add_one(int t, S weight, const S* src) {
    const V* from = reinterpret_cast<const V*>(src);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) value[t][v] += weight * from[v];
  }
};

// `count` <= kBlock values.
template <class S>
TAL_INLINE void copy_values(S* to, const S* from, std::int64_t count) {
  if (count == kBlock<S>)
    std::memcpy(to, from, sizeof(S) * static_cast<std::size_t>(kBlock<S>));  // a constant size is two moves
  else std::memcpy(to, from, sizeof(S) * static_cast<std::size_t>(count));
}

// One block of filters: G or its gradient, row tau and sample n at g + tau * stride + n * kBlock.
template <class S>
struct Block {
  const BoundaryMatchingTable& table;
  S* g;
  std::int64_t stride;
  std::int64_t used;  // filters of the block, kBlock but in the last one
};

// A block's filters in [L, O]: values + p * stride.
template <class S, class Pointer>
struct Columns {
  Pointer values;
  std::int64_t stride;
};

// Proposals (j, i .. i + kWidth - 1).
template <class S, int kWidth>
TAL_INLINE void forward_columns(const Block<S>& block, const Columns<S, S*>& out, const S* bias, bool relu,
                                std::int64_t j, std::int64_t i) {
  const BoundaryMatchingTable& table = block.table;
  const S* weights = table.weights(S());
  Sums<S, kWidth> sums;
  for (std::int64_t n = 0; n < table.spec().samples; ++n) {
    const auto taps = table.taps(j, n);
    for (std::int32_t k = 0; k < taps.count; ++k)
      sums.add(weights[taps.begin + k], block.g + n * kBlock<S>, block.stride, i + taps.offset + k, table.spec().rows);
  }
  if (table.spec().truncate) {
#pragma GCC unroll 8
    for (int t = 0; t < kWidth; ++t)
      for (const auto& e : table.extras(table.first(j) + i + t))
        sums.add_one(t, static_cast<S>(e.weight), block.g + e.sample * kBlock<S>);
  }
  using V = typename Vector<S>::type;
  const V* offset = reinterpret_cast<const V*>(bias);
  const V zero = {};
  S* y = out.values + (table.first(j) + i) * out.stride;
#pragma GCC unroll 8
  for (int t = 0; t < kWidth; ++t) {
    V value[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      value[v] = sums.value[t][v] + offset[v];
      if (relu) value[v] = value[v] > zero ? value[v] : zero;
    }
    copy_values(y + t * out.stride, reinterpret_cast<const S*>(value), block.used);
  }
}

// Start rows are the outer loop: the rows of G that (j, i) and (j + 1, i) read are nearly the same and stay in the L1
// cache. The last columns of a duration are computed with the ones before them again, which is faster than one by one.
// bias: kBlock values.
template <class S>
TAL_INLINE void forward_block(const Block<S>& block, const Columns<S, S*>& out, const S* bias, bool relu) {
  const std::int64_t rows = block.table.spec().rows, durations = block.table.spec().durations;
  for (std::int64_t i = 0; i < rows; i += kColumns)
    for (std::int64_t j = 0; j < std::min(durations, rows - i); ++j) {
      if (const std::int64_t columns = rows - j; columns >= kColumns)
        forward_columns<S, kColumns>(block, out, bias, relu, j, std::min(i, columns - kColumns));
      else
        for (std::int64_t c = i; c < columns; ++c) forward_columns<S, 1>(block, out, bias, relu, j, c);
    }
}

// dG of rows row .. row + kWidth - 1 and sample n from dy [L, kBlock].
template <class S, int kWidth>
TAL_INLINE void backward_rows(const Block<S>& block, const S* dy, std::int64_t n, std::int64_t row) {
  const BoundaryMatchingTable& table = block.table;
  const S* weights = table.weights(S());
  Sums<S, kWidth> sums;
  for (std::int64_t j = 0; j < table.spec().durations; ++j) {
    const auto taps = table.taps(j, n);
    for (std::int32_t k = 0; k < taps.count; ++k)
      sums.add(weights[taps.begin + k], dy + table.first(j) * kBlock<S>, kBlock<S>, row - taps.offset - k,
               table.spec().rows - j);
  }
#pragma GCC unroll 8
  for (int t = 0; t < kWidth; ++t)
    std::memcpy(block.g + (row + t) * block.stride + n * kBlock<S>, sums.value[t], sizeof sums.value[t]);
}

// dy: the block's upstream gradient; zero where y (when given) is not positive. bias: kBlock sums to add to. local: [L,
// kBlock] aligned.
template <class S>
TAL_INLINE void backward_block(const Block<S>& block, const Columns<S, const S*>& dy, const S* y, S* bias, S* local) {
  using V = typename Vector<S>::type;
  const std::int64_t rows = block.table.spec().rows, count = block.table.proposals();
  const V zero = {};
  V sum[kVectors] = {};
  for (std::int64_t p = 0; p < count; ++p) {
    V value[kVectors] = {}, output[kVectors] = {};
    copy_values(reinterpret_cast<S*>(value), dy.values + p * dy.stride, block.used);
    if (y) copy_values(reinterpret_cast<S*>(output), y + p * dy.stride, block.used);
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) {
      if (y) value[v] = output[v] > zero ? value[v] : zero;
      sum[v] += value[v];
    }
    std::memcpy(local + p * kBlock<S>, value, sizeof value);
  }
  std::memcpy(bias, sum, sizeof sum);
  for (std::int64_t n = 0; n < block.table.spec().samples; ++n) {
    std::int64_t row = 0;
    for (; row + kColumns <= rows; row += kColumns) backward_rows<S, kColumns>(block, local, n, row);
    for (; row < rows; ++row) backward_rows<S, 1>(block, local, n, row);
  }
  if (!block.table.spec().truncate) return;
  for (std::int64_t p = 0; p < count; ++p)
    for (const auto& e : block.table.extras(p))
      for (std::int64_t l = 0; l < kBlock<S>; ++l)
        block.g[e.sample * kBlock<S> + l] += static_cast<S>(e.weight) * local[p * kBlock<S> + l];
}

// The same code for each instruction set; the processor's best is taken at run time.
TAL_VECTOR_CLONES void forward_block_of(const Block<float>& block, const Columns<float, float*>& out, const float* bias,
                                        bool relu) {
  forward_block(block, out, bias, relu);
}
TAL_VECTOR_CLONES void forward_block_of(const Block<double>& block, const Columns<double, double*>& out,
                                        const double* bias, bool relu) {
  forward_block(block, out, bias, relu);
}
TAL_VECTOR_CLONES void backward_block_of(const Block<float>& block, const Columns<float, const float*>& dy,
                                         const float* y, float* bias, float* local) {
  backward_block(block, dy, y, bias, local);
}
TAL_VECTOR_CLONES void backward_block_of(const Block<double>& block, const Columns<double, const double*>& dy,
                                         const double* y, double* bias, double* local) {
  backward_block(block, dy, y, bias, local);
}

// W [O, C, N] of one block of filters <-> [C, N * kBlock]: filters innermost. Filters that fill up the last block are
// 0. Done block by block into memory that stays in the L2 cache: all at once, moving the weights would take longer than
// all sums.
template <class S>
void pack_block(const S* weight, std::int64_t used, std::int64_t channels, std::int64_t samples, S* packed) {
  if (used < kBlock<S>) std::fill_n(packed, channels * samples * kBlock<S>, S(0));
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t o = 0; o < used; ++o) {
      const S* from = weight + (o * channels + c) * samples;
      S* to = packed + c * samples * kBlock<S> + o;
      for (std::int64_t n = 0; n < samples; ++n) to[n * kBlock<S>] = from[n];
    }
}
template <class S>
void unpack_block(const S* packed, std::int64_t used, std::int64_t channels, std::int64_t samples, S* weight) {
  for (std::int64_t c = 0; c < channels; ++c)
    for (std::int64_t o = 0; o < used; ++o) {
      const S* from = packed + c * samples * kBlock<S> + o;
      S* to = weight + (o * channels + c) * samples;
      for (std::int64_t n = 0; n < samples; ++n) to[n] = from[n * kBlock<S>];
    }
}

struct Sizes {
  std::int64_t batch, channels, rows, filters, samples, proposals, block, blocks, width;
  std::int64_t used(std::int64_t number) const {
    return std::min(block, filters - number * block);
  }  // filters of a block
};
template <class S>
Sizes sizes_of(const at::Tensor& features, const at::Tensor& weight, const BoundaryMatchingTable& table) {
  const std::int64_t blocks = (weight.size(0) + kBlock<S> - 1) / kBlock<S>;
  return {features.size(0), features.size(1), features.size(2),
          weight.size(0),   weight.size(2),   table.proposals(),
          kBlock<S>,        blocks,           weight.size(2) * kBlock<S>};
}

template <class S>
at::Tensor forward(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& bias,
                   const BoundaryMatchingTable& table, bool relu) {
  const Sizes s = sizes_of<S>(features, weight, table);
  const auto offsets = at::constant_pad_nd(bias, {0, s.blocks * s.block - s.filters});
  const auto by_row = features.transpose(1, 2);  // [B, T, C]
  auto y = at::empty({s.batch, s.proposals, s.filters}, features.options());
  S* out = y.data_ptr<S>();
  at::parallel_for(0, s.blocks * s.batch, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard guard;
    auto packed = at::empty({s.channels, s.width}, features.options()),
         g = at::empty({s.rows, s.width}, features.options());
    for (std::int64_t task = begin, held = -1; task < end; ++task) {
      const std::int64_t block = task / s.batch, b = task % s.batch, first = block * s.block;
      if (block != held)
        pack_block(weight.const_data_ptr<S>() + first * s.channels * s.samples, s.used(block), s.channels, s.samples,
                   packed.data_ptr<S>());
      held = block;
      at::mm_out(g, by_row[b], packed);
      forward_block_of(Block<S>{table, g.data_ptr<S>(), s.width, s.used(block)},
                       {out + b * s.proposals * s.filters + first, s.filters}, offsets.const_data_ptr<S>() + first,
                       relu);
    }
  });
  return y;
}

struct Gradients {
  at::Tensor features, weight, bias;
};
struct Needs {
  bool features, weight, bias;
};

// y: the layer's output when it had a ReLU, else undefined. Sums over the batch lie inside a block and those over the
// blocks are made in the end, in their order: the result does not depend on who did what.
template <class S>
Gradients backward(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& y,
                   const at::Tensor& upstream, const BoundaryMatchingTable& table, Needs needs) {
  const Sizes s = sizes_of<S>(features, weight, table);
  const auto dy = upstream.contiguous();
  Gradients result;
  if (needs.weight) result.weight = at::empty_like(weight);
  auto parts = needs.features ? at::empty({s.blocks, s.batch, s.channels, s.rows}, features.options()) : at::Tensor();
  auto bias_sums = at::zeros({s.batch, s.blocks * s.block}, weight.options());
  at::parallel_for(0, s.blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard guard;
    auto packed = at::empty({s.channels, s.width}, features.options()), packed_gradient = at::empty_like(packed);
    auto g = at::empty({s.rows, s.width}, features.options()),
         local = at::empty({s.proposals, s.block}, features.options());
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block * s.block, at = first * s.channels * s.samples;
      if (needs.features)
        pack_block(weight.const_data_ptr<S>() + at, s.used(block), s.channels, s.samples, packed.data_ptr<S>());
      for (std::int64_t b = 0; b < s.batch; ++b) {
        const std::int64_t from = b * s.proposals * s.filters + first;
        backward_block_of(Block<S>{table, g.data_ptr<S>(), s.width, s.used(block)},
                          {dy.const_data_ptr<S>() + from, s.filters},
                          y.defined() ? y.const_data_ptr<S>() + from : nullptr,
                          bias_sums.data_ptr<S>() + b * s.blocks * s.block + first, local.data_ptr<S>());
        if (needs.features) {
          auto to = parts[block][b];
          at::mm_out(to, packed, g.t());
        }
        if (needs.weight && b == 0) at::mm_out(packed_gradient, features[b], g);
        else if (needs.weight) packed_gradient.addmm_(features[b], g);
      }
      if (needs.weight)
        unpack_block(packed_gradient.const_data_ptr<S>(), s.used(block), s.channels, s.samples,
                     result.weight.data_ptr<S>() + at);
    }
  });
  if (needs.features) result.features = parts.sum(0);
  if (needs.bias) result.bias = bias_sums.sum(0).slice(0, 0, s.filters).clone();
  return result;
}

Operation sampled_sums(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& bias,
                       const BoundaryMatchingTable& table, bool relu) {
  const bool wide = features.scalar_type() == at::kDouble;
  const auto y =
      wide ? forward<double>(features, weight, bias, table, relu) : forward<float>(features, weight, bias, table, relu);
  return {y,
          {features, weight, relu ? y : at::Tensor()},
          [wide, spec = table.spec()](const Backward& known) -> std::vector<at::Tensor> {
            const auto same = boundary_matching_table(spec);
            const Needs needs{known.wanted[0], known.wanted[1], known.wanted[2]};
            const auto& s = known.saved;
            const auto result = wide ? backward<double>(s[0], s[1], s[2], known.upstream, *same, needs)
                                     : backward<float>(s[0], s[1], s[2], known.upstream, *same, needs);
            return {result.features, result.weight, result.bias};
          }};
}

void check_inputs(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& bias,
                  const BoundaryMatchingSpec& spec) {
  check_shape(features, {kAny, kAny, spec.rows}, "boundary matching: features [B, C, T]");
  if (weight.defined() && weight.dim() == 5)
    check_shape(weight, {kAny, features.size(1), spec.samples, 1, 1}, "boundary matching: weight [O, C, N, 1, 1]");
  else check_shape(weight, {kAny, features.size(1), spec.samples}, "boundary matching: weight [O, C, N]");
  if (bias.defined()) check_shape(bias, {weight.size(0)}, "boundary matching: bias [O]");
}

using MatrixKey = std::pair<BoundaryMatchingSpec, at::ScalarType>;

// M as a sparse [L, T N] on the processor.
at::Tensor sparse_matrix(const BoundaryMatchingTable& table, at::ScalarType type) {
  const auto& spec = table.spec();
  std::vector<std::int64_t> proposal, column;
  std::vector<double> weight;
  const auto add = [&](std::int64_t p, std::int64_t row, std::int64_t n, double w) {
    proposal.push_back(p), column.push_back(row * spec.samples + n), weight.push_back(w);
  };
  for (std::int64_t j = 0; j < spec.durations; ++j)
    for (std::int64_t i = 0; i + j < spec.rows; ++i)
      for (std::int64_t n = 0; n < spec.samples; ++n) {
        const auto taps = table.taps(j, n);
        for (std::int32_t k = 0; k < taps.count; ++k)
          if (const std::int64_t row = i + taps.offset + k; row >= 0 && row < spec.rows)
            add(table.first(j) + i, row, n, table.weights(0.0)[taps.begin + k]);
      }
  if (spec.truncate)
    for (std::int64_t p = 0; p < table.proposals(); ++p)
      for (const auto& e : table.extras(p)) add(p, 0, e.sample, e.weight);
  const auto indices = at::stack({at::tensor(proposal, at::kLong), at::tensor(column, at::kLong)});
  const auto values = at::tensor(weight, at::kDouble).to(type);
  return at::sparse_coo_tensor(indices, values, {table.proposals(), spec.rows * spec.samples}).coalesce();
}

}  // namespace

namespace {

// Whether M as a matrix with its zeros, of which the products are tensor cores', is sooner through than its sums: in
// coarse numbers, and where it is not too large.
bool multiplies_densely(const at::Tensor& features, const BoundaryMatchingTable& table) {
  constexpr std::int64_t kMost = 64 << 20;  // numbers
  const auto type = features.scalar_type();
  const bool coarse = at::isReducedFloatingType(computed_type(features)) ||
                      (type == at::kFloat && at::globalContext().allowTF32CuBLAS());
  return features.is_cuda() && type != at::kDouble && coarse &&
         table.proposals() * table.spec().rows * table.spec().samples <= kMost;
}

}  // namespace

at::Tensor boundary_matching(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& bias,
                             const BoundaryMatchingTable& table, bool relu) {
  check_inputs(features, weight, bias, table.spec());
  if (multiplies_densely(features, table)) return boundary_matching_dense(features, weight, bias, table, relu);
  const OwnPrecision own;
  if (at::isReducedFloatingType(features.scalar_type()))
    return boundary_matching(features.to(weight.scalar_type()), weight, bias, table, relu);
  const auto type = features.scalar_type();
  if ((type != at::kFloat && type != at::kDouble) || weight.scalar_type() != type)
    throw Error("boundary matching: features and weight must both be float or double");
  if (!features.device().is_cpu()) {
    const CudaKernels* kernels = kernels_for(features);
    return kernels ? boundary_matching_by(*kernels, features, weight, bias, table, relu)
                   : boundary_matching_products(features, weight, bias, table, relu);
  }
  const auto offsets =
      bias.defined() ? bias.contiguous() : at::zeros({weight.size(0)}, weight.options().requires_grad(false));
  const auto rows = features.contiguous(), filters = weight.flatten(2).contiguous();
  return with_gradients({rows, filters, offsets}, [&] { return sampled_sums(rows, filters, offsets, table, relu); });
}

at::Tensor boundary_matching_products(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& bias,
                                      const BoundaryMatchingTable& table, bool relu) {
  check_inputs(features, weight, bias, table.spec());
  const std::int64_t batch = features.size(0), filters = weight.size(0);
  // [B, T, C] [C, N O] -> [B, T N, O] -> [T N, B O]
  const auto g = at::matmul(features.transpose(1, 2), weight.flatten(2).permute({1, 2, 0}).flatten(1))
                     .view({batch, -1, filters})
                     .permute({1, 0, 2})
                     .flatten(1);
  static auto& matrices = lasting_constants<MatrixKey>();
  const auto matrix = matrices.get({table.spec(), features.scalar_type()}, features.device(),
                                   [&] { return sparse_matrix(table, features.scalar_type()); });
  auto y = at::mm(matrix, g).view({-1, batch, filters}).transpose(0, 1);
  if (bias.defined()) y = y + bias;
  return relu ? y.relu() : y;
}

at::Tensor boundary_matching_dense(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& bias,
                                   const BoundaryMatchingTable& table, bool relu) {
  check_inputs(features, weight, bias, table.spec());
  const std::int64_t batch = features.size(0), filters = weight.size(0);
  const auto type = computed_type(features);
  static auto& matrices = lasting_constants<MatrixKey>();
  const auto matrix = matrices.get({table.spec(), type}, features.device(), [&] {
    const auto wide = type == at::kDouble ? at::kDouble : at::kFloat;
    return sparse_matrix(table, wide).to_dense().to(type);  // [L, T N]
  });
  const auto own = weight.flatten(2).permute({1, 2, 0}).flatten(1);  // [C, N O]
  const auto g = at::matmul(features.to(own.scalar_type()).transpose(1, 2), own).view({batch, -1, filters});
  auto y = at::bmm(matrix.expand({batch, -1, -1}), g.to(type));  // [B, L, T N] [B, T N, O]
  if (bias.defined()) y = y + bias.to(y.scalar_type());
  return relu ? y.relu() : y;
}

}  // namespace tal
