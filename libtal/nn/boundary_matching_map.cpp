#include "libtal/nn/boundary_matching_map.h"

#include <ATen/ATen.h>
#include <ATen/autocast_mode.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <cstring>
#include <tuple>

#include "libtal/nn/device.h"
#include "libtal/nn/device_constants.h"
#include "libtal/nn/own_gradients.h"
#include "libtal/nn/shapes.h"
#include "libtal/nn/winograd.h"

namespace tal {
namespace {

using TableKey = std::tuple<std::int64_t, std::int64_t, bool>;  // durations, rows, whether validity is asked for

// positions() [L] or valid() [D, T] where the layers compute: both depend on the map's size alone.
at::Tensor on_device(const BoundaryMatchingTable& table, const at::Device& device, bool valid) {
  const auto& own = valid ? table.valid() : table.positions();
  if (device.is_cpu()) return own;
  static auto& constants = lasting_constants<TableKey>();
  return constants.get({table.spec().durations, table.spec().rows, valid}, device, [&] { return own; });
}
at::Tensor positions_on(const BoundaryMatchingTable& table, const at::Device& device) {
  return on_device(table, device, /*valid=*/false);
}

}  // namespace

at::Tensor valid_proposals(const BoundaryMatchingTable& table, const at::Device& device) {
  return on_device(table, device, /*valid=*/true);
}

at::Tensor proposals_to_map(const at::Tensor& packed, const BoundaryMatchingTable& table, double fill) {
  check_shape(packed, {kAny, table.proposals(), kAny}, "proposal map: features [B, L, C]");
  const auto& spec = table.spec();
  const auto dense = at::full({packed.size(0), spec.durations * spec.rows, packed.size(2)}, fill, packed.options());
  const auto filled = dense.index_copy(1, positions_on(table, packed.device()), packed);
  return filled.view({packed.size(0), spec.durations, spec.rows, packed.size(2)}).permute({0, 3, 1, 2});
}

at::Tensor map_to_proposals(const at::Tensor& map, const BoundaryMatchingTable& table) {
  check_shape(map, {kAny, kAny, table.spec().durations, table.spec().rows}, "proposal map: maps [B, C, D, T]");
  return map.flatten(2).index_select(2, positions_on(table, map.device())).transpose(1, 2);
}

namespace {

constexpr std::int64_t kTaps = 9, kChunk = 256;  // proposals whose neighbourhoods are laid out side by side: 1.2 MB for
                                                 // 128 channels

// The proposal of every entry of the map [D, T], -1 where there is none.
at::Tensor map_rows(const BoundaryMatchingTable& table) {
  const auto& spec = table.spec();
  auto rows = at::full({spec.durations * spec.rows}, -1, at::kInt);
  rows.index_copy_(0, table.positions(), at::arange(table.proposals(), at::kInt));
  return rows.view({spec.durations, spec.rows});
}

// Neighbour (dj, di) of every proposal, tap by tap: its number, kOutside (in the map, not valid) or kBeyond (outside
// the map). rows: map_rows().
enum : std::int32_t { kOutside = -1, kBeyond = -2 };
std::vector<std::int32_t> neighbours_of(const at::Tensor& rows) {
  const auto proposal = rows.accessor<std::int32_t, 2>();
  std::vector<std::int32_t> result;
  for (std::int64_t j = 0; j < rows.size(0); ++j)
    for (std::int64_t i = 0; i < rows.size(1); ++i)
      for (std::int64_t dj = -1; dj <= 1 && proposal[j][i] >= 0; ++dj)
        for (std::int64_t di = -1; di <= 1; ++di) {
          const std::int64_t nj = j + dj, ni = i + di;
          const bool inside = nj >= 0 && nj < rows.size(0) && ni >= 0 && ni < rows.size(1);
          result.push_back(inside ? proposal[nj][ni] : kBeyond);  // -1 is kOutside
        }
  return result;
}

// columns [count, 9 C]: the neighbourhoods of proposals first .. first + count - 1 of one sample [L, C]. outside [C].
void lay_out(const at::Tensor& sample, const at::Tensor& outside, const std::int32_t* neighbours, std::int64_t first,
             std::int64_t count, const at::Tensor& columns) {
  const std::size_t bytes = static_cast<std::size_t>(sample.size(1)) * sample.element_size();
  const char* from = static_cast<const char*>(sample.const_data_ptr());
  const void* fill = outside.const_data_ptr();
  char* to = static_cast<char*>(columns.data_ptr());
  for (std::int64_t e = first * kTaps; e < (first + count) * kTaps; ++e, to += bytes) {
    if (neighbours[e] >= 0) std::memcpy(to, from + static_cast<std::size_t>(neighbours[e]) * bytes, bytes);
    else if (neighbours[e] == kOutside) std::memcpy(to, fill, bytes);
    else std::memset(to, 0, bytes);
  }
}

// [B, L, C] -> [B, L, O] with matrix [9 C, O].
at::Tensor convolve_laid_out(const at::Tensor& packed, const at::Tensor& matrix, const at::Tensor& bias,
                             const at::Tensor& outside, const std::vector<std::int32_t>& neighbours) {
  const std::int64_t batch = packed.size(0), count = packed.size(1), chunks = (count + kChunk - 1) / kChunk;
  auto y = at::empty({batch, count, matrix.size(1)}, packed.options());
  at::parallel_for(0, batch * chunks, 1, [&](std::int64_t begin, std::int64_t end) {
    const at::NoGradGuard guard;
    auto columns = at::empty({kChunk, matrix.size(0)}, packed.options());
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t b = task / chunks, first = task % chunks * kChunk, size = std::min(kChunk, count - first);
      lay_out(packed[b], outside, neighbours.data(), first, size, columns);
      auto to = y[b].narrow(0, first, size);
      at::addmm_out(to, bias, columns.narrow(0, 0, size), matrix);
    }
  });
  return y;
}

at::Tensor matrix_of(const at::Tensor& weight) {
  return weight.permute({2, 3, 1, 0}).reshape({kTaps * weight.size(1), weight.size(0)});
}

// [B, L, C] -> [B, L, O]; rows as map_rows() gives them.
at::Tensor convolve(const at::Tensor& packed, const at::Tensor& weight, const at::Tensor& bias,
                    const at::Tensor& outside, const at::Tensor& rows) {
  if (WinogradFilters::pay(weight)) return WinogradFilters(weight).convolve_packed(packed, rows, outside, bias);
  return convolve_laid_out(packed, matrix_of(weight), bias, outside, neighbours_of(rows));
}

std::vector<at::Tensor> convolution_gradients(const Backward& known) {
  const auto& saved = known.saved;
  const auto &packed = saved[0], &weight = saved[1], &outside = saved[2], &rows = saved[3];
  const auto dy = known.upstream.contiguous();
  const std::int64_t channels = packed.size(2), count = packed.size(1);
  at::Tensor d_packed, d_weight, d_bias, d_outside;
  if (known.wanted[0]) {
    // The same convolution with the filter turned round; no gradient comes from entries that are not valid.
    const auto turned = weight.flip({2, 3}).transpose(0, 1);
    d_packed = convolve(dy, turned, at::zeros({channels}, dy.options()), at::zeros({dy.size(2)}, dy.options()), rows);
  }
  const auto neighbours = known.wanted[1] || known.wanted[3] ? neighbours_of(rows) : std::vector<std::int32_t>();
  if (!neighbours.empty()) {
    auto gradient = at::zeros({kTaps * channels, dy.size(2)}, dy.options());
    auto columns = at::empty({4 * kChunk, kTaps * channels}, dy.options());
    for (std::int64_t b = 0; b < packed.size(0); ++b)
      for (std::int64_t first = 0; first < count; first += 4 * kChunk) {
        const std::int64_t size = std::min(4 * kChunk, count - first);
        at::parallel_for(0, size, kChunk, [&](std::int64_t begin, std::int64_t end) {
          lay_out(packed[b], outside, neighbours.data(), first + begin, end - begin,
                  columns.narrow(0, begin, end - begin));
        });
        gradient.addmm_(columns.narrow(0, 0, size).t(), dy[b].narrow(0, first, size));
      }
    d_weight = gradient.view({3, 3, channels, dy.size(2)}).permute({3, 2, 0, 1}).contiguous();
  }
  if (known.wanted[2]) d_bias = dy.flatten(0, 1).sum(0);
  if (known.wanted[3]) {
    // [L, 9]
    const auto beside = (at::tensor(neighbours, at::kInt).view({count, kTaps}) == kOutside).to(dy.scalar_type());
    const auto sums = at::matmul(beside.t(), dy.sum(0));  // [9, O]: gradients that such neighbours get
    d_outside = at::einsum("to,oct->c", {sums, weight.flatten(2)});
  }
  return {d_packed, d_weight, d_bias, d_outside};
}

}  // namespace

at::Tensor convolve_proposals(const at::Tensor& packed, const at::Tensor& weight, const at::Tensor& bias,
                              const at::Tensor& outside, const BoundaryMatchingTable& table) {
  check_shape(packed, {kAny, table.proposals(), kAny}, "proposal map: features [B, L, C]");
  check_shape(weight, {kAny, packed.size(2), 3, 3}, "proposal map: weight [O, C, 3, 3]");
  check_shape(bias, {weight.size(0)}, "proposal map: bias [O]");
  check_shape(outside, {packed.size(2)}, "proposal map: values outside [C]");
  if (!packed.device().is_cpu()) {  // in the type that other convolutions there compute in
    const auto map = at::where(valid_proposals(table, packed.device()), proposals_to_map(packed, table),
                               outside.to(packed.scalar_type()).view({1, -1, 1, 1}));
    return map_to_proposals(at::autocast::is_autocast_enabled(packed.device().type())
                                ? at::conv2d(map, weight, bias, 1, 1)
                                : at::conv2d(map.to(weight.scalar_type()), weight, bias, 1, 1),
                            table);
  }
  const OwnPrecision own;
  if (packed.scalar_type() != weight.scalar_type())
    return convolve_proposals(packed.to(weight.scalar_type()), weight, bias, outside.to(weight.scalar_type()), table);
  const auto features = packed.contiguous(), around = outside.contiguous();
  return with_gradients({features, weight, bias, around}, [&] {
    const auto rows = map_rows(table);
    return Operation{
        convolve(features, weight, bias, around, rows), {features, weight, around, rows}, convolution_gradients};
  });
}

}  // namespace tal
