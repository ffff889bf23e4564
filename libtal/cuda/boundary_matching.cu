// CUDA twin of libtal/nn/boundary_matching.cpp: the sparse sums. A thread sums up kColumns neighbouring proposals (or
// rows of the gradient) of one filter; the threads of a block are neighbouring filters, so that every read and write of
// a warp is one piece of memory. The order of every sum is fixed.
#include "libtal/cuda/launch.h"

namespace tal::cuda {
namespace {

constexpr int kColumns = 8;

struct Taps {
  std::int32_t offset, begin, count;
};
TAL_KERNEL inline Taps taps_of(const TalMatchingTable& table, std::int32_t j, std::int32_t n) {
  const std::int32_t* taps = table.taps + (static_cast<std::int64_t>(j) * table.samples + n) * 3;
  return {taps[0], taps[1], taps[2]};
}
// Number of proposal (j, 0); j = D: of all.
TAL_KERNEL inline std::int64_t first_of(const TalMatchingTable& table, std::int64_t j) {
  return j * table.rows - j * (j - 1) / 2;
}

struct Sums {
  float value[kColumns] = {};

  // value[t] += weight * src[(row + t) * stride]; rows outside [0, rows) give nothing.
  TAL_KERNEL void add(float weight, const float* src, std::int64_t stride, std::int32_t row, std::int32_t rows) {
    src += row * stride;
    if (row >= 0 && row + kColumns <= rows) {
      TAL_UNROLL
      for (int t = 0; t < kColumns; ++t) value[t] += weight * src[t * stride];
    } else if (row > -kColumns && row < rows) {
      TAL_UNROLL
      for (int t = 0; t < kColumns; ++t)
        if (row + t >= 0 && row + t < rows) value[t] += weight * src[t * stride];
    }
  }
};

// Proposals (j, i .. i + kColumns - 1) of one sample of the batch. Durations are the fastest in the grid: (j, i) and (j
// + 1, i) read nearly the same rows.
struct Forward {
  TalMatchingTable table;
  const float *g, *bias;
  float* y;
  std::int64_t filters;
  bool relu;

  Grid grid(std::int64_t batch) const {
    return {batch * blocks_of(table.rows, kColumns) * table.durations, blocks_of(filters, kThreads)};
  }

  TAL_KERNEL void operator()(const Index& at) const {
    const auto tiles = static_cast<std::uint32_t>((table.rows + kColumns - 1) / kColumns),
               durations = static_cast<std::uint32_t>(table.durations);
    const auto j = static_cast<std::int32_t>(at.x % durations),
               i = static_cast<std::int32_t>(at.x / durations % tiles) * kColumns;
    const std::int64_t b = at.x / durations / tiles, o = static_cast<std::int64_t>(at.y) * kThreads + at.thread;
    const std::int32_t columns = table.rows - j - i;  // proposals that are left
    if (columns <= 0 || o >= filters) return;
    const std::int64_t stride = table.samples * filters, proposal = first_of(table, j) + i;
    const float* rows = g + b * table.rows * stride + o;  // row tau, sample n: rows[tau * stride + n * filters]
    Sums sums;
    for (std::int32_t n = 0; n < table.samples; ++n) {
      const Taps taps = taps_of(table, j, n);
      for (std::int32_t k = 0; k < taps.count; ++k)
        sums.add(table.weights[taps.begin + k], rows + n * filters, stride, i + taps.offset + k, table.rows);
    }
    float* to = y + (b * first_of(table, table.durations) + proposal) * filters + o;
    TAL_UNROLL
    for (int t = 0; t < kColumns; ++t) {
      if (t >= columns) continue;
      float sum = sums.value[t];
      if (table.proposal_begin)
        for (std::int32_t e = table.proposal_begin[proposal + t]; e < table.proposal_begin[proposal + t + 1]; ++e)
          sum += table.extra_weight[e] * rows[table.extra_sample[e] * filters];
      sum += bias[o];
      to[t * filters] = relu && !(sum > 0) ? 0 : sum;
    }
  }
};

// Rows row .. row + kColumns - 1 of dg for sample n: what Forward read is gathered, so that nobody adds to what another
// thread writes.
struct Backward {
  TalMatchingTable table;
  const float* dy;
  float* dg;
  std::int64_t filters;

  Grid grid(std::int64_t batch) const {
    return {batch * blocks_of(table.rows, kColumns) * table.samples, blocks_of(filters, kThreads)};
  }

  TAL_KERNEL void operator()(const Index& at) const {
    const auto tiles = static_cast<std::uint32_t>((table.rows + kColumns - 1) / kColumns),
               samples = static_cast<std::uint32_t>(table.samples);
    const auto n = static_cast<std::int32_t>(at.x % samples),
               row = static_cast<std::int32_t>(at.x / samples % tiles) * kColumns;
    const std::int64_t b = at.x / samples / tiles, o = static_cast<std::int64_t>(at.y) * kThreads + at.thread;
    if (o >= filters) return;
    const float* proposals = dy + b * first_of(table, table.durations) * filters + o;
    Sums sums;
    for (std::int32_t j = 0; j < table.durations; ++j) {
      const Taps taps = taps_of(table, j, n);
      for (std::int32_t k = 0; k < taps.count; ++k)
        sums.add(table.weights[taps.begin + k], proposals + first_of(table, j) * filters, filters,
                 row - taps.offset - k, table.rows - j);
    }
    if (table.sample_begin && row == 0)
      for (std::int32_t e = table.sample_begin[n]; e < table.sample_begin[n + 1]; ++e)
        sums.value[0] += table.extra_weight_by_sample[e] * proposals[table.extra_proposal[e] * filters];
    float* to = dg + ((b * table.rows + row) * table.samples + n) * filters + o;
    TAL_UNROLL
    for (int t = 0; t < kColumns; ++t)
      if (row + t < table.rows) to[t * table.samples * filters] = sums.value[t];
  }
};

}  // namespace
}  // namespace tal::cuda

std::int32_t tal_cuda_matching_forward(TalCudaQueue queue, const TalMatchingTable* table, const float* g,
                                       const float* bias, float* y, std::int64_t batch, std::int64_t filters,
                                       std::int32_t relu) {
  const tal::cuda::Forward body{*table, g, bias, y, filters, relu != 0};
  return tal::cuda::launch(queue, body.grid(batch), body);
}

std::int32_t tal_cuda_matching_backward(TalCudaQueue queue, const TalMatchingTable* table, const float* dy, float* dg,
                                        std::int64_t batch, std::int64_t filters) {
  const tal::cuda::Backward body{*table, dy, dg, filters};
  return tal::cuda::launch(queue, body.grid(batch), body);
}
