#include "libtal/nn/blockwise_attention.h"

#include <torch/torch.h>

#include <ATen/Parallel.h>

#include <algorithm>
#include <limits>
#include <vector>

#include "libtal/nn/device.h"
#include "libtal/nn/panel_product.h"

namespace tal {
namespace {

// ---- float on the CPU: keys and values are laid out once for the registers, a block of scores stays in the second cache.

constexpr std::int64_t kRows = 48;  // queries of a block; with 5,050 keys 1 MB of scores

// A block of queries: scores [kRows + kSpare, keys.columns], sums [kRows + kSpare, values.columns].
struct Block {
  const float* queries;  // [kRows + kSpare, keys.depth]
  Panels keys, values;
  float *scores, *sums;
  std::int64_t count, used;  // queries; keys (keys.columns may be more)
};

template <class B>
TAL_INLINE void attend_block(const Block& b) {
  typedef typename B::type Vector;
  multiply_by<B>(b.queries, b.keys.depth, 0, b.keys, b.scores, b.count);
  float scale[kRows];
  for (std::int64_t r = 0; r < b.count; ++r) {
    float* row = b.scores + r * b.keys.columns;
    const std::int64_t whole = b.used / kFloats<B> * kFloats<B>;
    Vector most = Vector{} - std::numeric_limits<float>::infinity();
    for (std::int64_t c = 0; c < whole; c += kFloats<B>) {
      const Vector& value = at<B>(row + c);
      most = value > most ? value : most;
    }
    float largest = -std::numeric_limits<float>::infinity();
    for (std::int64_t k = 0; k < kFloats<B>; ++k) largest = std::max(largest, most[k]);
    for (std::int64_t c = whole; c < b.used; ++c) largest = std::max(largest, row[c]);
    Vector total{};
    // The last vector has columns beyond the keys, which count nothing.
    for (std::int64_t c = b.used; c < b.keys.columns; ++c) row[c] = -std::numeric_limits<float>::infinity();
    for (std::int64_t c = 0; c < b.keys.columns; c += kFloats<B>) {
      Vector value = at<B>(row + c) - largest;
      exponential<B>(value);
      at<B>(row + c) = value;
      total += value;
    }
    float sum = 0;
    for (std::int64_t k = 0; k < kFloats<B>; ++k) sum += total[k];
    scale[r] = 1 / sum;
  }
  multiply_by<B>(b.scores, b.keys.columns, 0, b.values, b.sums, b.count);
  for (std::int64_t r = 0; r < b.count; ++r)
    for (std::int64_t c = 0; c < b.values.columns; c += kFloats<B>) at<B>(b.sums + r * b.values.columns + c) = at<B>(b.sums + r * b.values.columns + c) * scale[r];
}

void attend_128(const Block& b) { attend_block<Block128>(b); }
TAL_TARGET_256 void attend_256(const Block& b) { attend_block<Block256>(b); }
TAL_TARGET_512 void attend_512(const Block& b) { attend_block<Block512>(b); }

// matrix [depth, columns] -> [columns / kWidth, depth, kWidth], zeros behind the last column.
at::Tensor panels_of(const at::Tensor& matrix) {
  const std::int64_t depth = matrix.size(0), columns = matrix.size(1), panels = whole_vectors(columns) / kWidth;
  auto padded = at::zeros({depth, panels * kWidth}, matrix.options());
  padded.narrow(1, 0, columns).copy_(matrix);
  return padded.view({depth, panels, kWidth}).transpose(0, 1).contiguous();
}

at::Tensor attend_in_panels(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  const std::int64_t batch = queries.size(0), count = queries.size(1), blocks = (count + kRows - 1) / kRows, depth = queries.size(2), width = values.size(2), used = keys.size(1);
  auto out = at::empty({batch, count, width}, values.options());
  const auto attend = of_vectors(attend_128, attend_256, attend_512);
  for (std::int64_t b = 0; b < batch; ++b) {
    const auto key_panels = panels_of(keys[b].t()), value_panels = panels_of(values[b]);
    const Panels k{key_panels.const_data_ptr<float>(), 1, depth, whole_vectors(used)}, v{value_panels.const_data_ptr<float>(), 1, used, whole_vectors(width)};
    const float* from = queries.const_data_ptr<float>() + b * count * depth;
    float* to = out.data_ptr<float>() + b * count * width;
    at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
      const auto room = [](std::int64_t columns) { return std::vector<float>(static_cast<std::size_t>((kRows + kSpare) * columns)); };
      auto block = room(depth), scores = room(k.columns), sums = room(v.columns);
      for (std::int64_t task = begin; task < end; ++task) {
        const std::int64_t first = task * kRows, size = std::min(kRows, count - first);
        std::copy_n(from + first * depth, size * depth, block.data());
        attend({block.data(), k, v, scores.data(), sums.data(), size, used});
        for (std::int64_t r = 0; r < size; ++r) std::copy_n(sums.data() + r * v.columns, width, to + (first + r) * width);
      }
    });
  }
  return out;
}

// ---- any type and device.

// Blocks of queries of the plain form; 64 x 5,050 scores are 1.3 MB.
constexpr std::int64_t kQueries = 64;

at::Tensor attend(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  const std::int64_t batch = queries.size(0), count = queries.size(1), blocks = (count + kQueries - 1) / kQueries;
  auto out = at::empty({batch, count, values.size(2)}, values.options());
  at::parallel_for(0, batch * blocks, queries.device().is_cpu() ? 1 : batch * blocks, [&](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard guard;
    auto scores = at::empty({kQueries, keys.size(1)}, queries.options());
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t b = task / blocks, first = task % blocks * kQueries, size = std::min(kQueries, count - first);
      auto block = scores.narrow(0, 0, size), to = out[b].narrow(0, first, size);
      at::mm_out(block, queries[b].narrow(0, first, size), keys[b].t());
      at::_softmax_out(block, block, 1, false);
      at::mm_out(to, block, values[b]);
    }
  });
  return out;
}

class BlockwiseAttention : public torch::autograd::Function<BlockwiseAttention> {
 public:
  static at::Tensor forward(torch::autograd::AutogradContext* ctx, const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
    const auto out = queries.device().is_cpu() && queries.scalar_type() == at::kFloat ? attend_in_panels(queries, keys, values) : attend(queries, keys, values);
    ctx->save_for_backward({queries, keys, values, out});
    return out;
  }

  static torch::autograd::variable_list backward(torch::autograd::AutogradContext* ctx, torch::autograd::variable_list upstream) {
    const auto saved = ctx->get_saved_variables();
    const auto &queries = saved[0], &keys = saved[1], &values = saved[2], &out = saved[3];
    const auto dy = upstream[0].contiguous();
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
};

}  // namespace

at::Tensor blockwise_attention(const at::Tensor& queries, const at::Tensor& keys, const at::Tensor& values) {
  TORCH_CHECK(queries.dim() == 3 && keys.dim() == 3 && values.dim() == 3 && queries.size(2) == keys.size(2) && keys.size(1) == values.size(1),
              "attention: queries ", queries.sizes(), ", keys ", keys.sizes(), " and values ", values.sizes(), " do not fit together");
  const OwnPrecision own;
  const auto whole = [](const at::Tensor& t) { return (at::isReducedFloatingType(t.scalar_type()) ? t.to(at::kFloat) : t).contiguous(); };
  return BlockwiseAttention::apply(whole(queries), whole(keys), whole(values));
}

}  // namespace tal
