#include "libtal/nn/linear.h"

#include <torch/csrc/autograd/functions/utils.h>
#include <torch/torch.h>

#include <ATen/autocast_mode.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/nn/panel_product.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

constexpr std::int64_t kRows = 2 * kWholeRows;  // of a block
constexpr std::int64_t kLeastRows = 256;  // of a sample, so that its values do not depend on the batch; for fewer,
                                          // laying out the matrix does not pay

struct Block {
  const float* rows;
  Panels weight;
  const float* bias;  // [columns], or null
  float* sums;        // [count + kSpare, columns]
  std::int64_t count;
  bool relu;
};

template <class B>
TAL_INLINE void linear_block(const Block& b) {
  typedef typename B::type Vector;
  multiply_by<B>(b.rows, b.weight.depth, 0, b.weight, b.sums, b.count);
  if (!b.bias && !b.relu) return;
  for (std::int64_t r = 0; r < b.count; ++r)
    for (std::int64_t c = 0; c < b.weight.columns; c += kFloats<B>) {
      Vector value = at<B>(b.sums + r * b.weight.columns + c);
      if (b.bias) value += at<B>(b.bias + c);
      if (b.relu) value = value < 0 ? Vector{} : value;  // NaN stays
      at<B>(b.sums + r * b.weight.columns + c) = value;
    }
}
void linear_128(const Block& b) { linear_block<Block128>(b); }
TAL_TARGET_256 void linear_256(const Block& b) { linear_block<Block256>(b); }
TAL_TARGET_512 void linear_512(const Block& b) { linear_block<Block512>(b); }

bool pays(const at::Tensor& x, const at::Tensor& weight) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && weight.scalar_type() == at::kFloat &&
         weight.size(0) % kWidth == 0 && x.dim() > 1 && x.size(-2) >= kLeastRows &&
         !at::autocast::is_autocast_enabled(at::kCPU);
}

at::Tensor linear_in_panels(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool relu) {
  const std::int64_t depth = weight.size(1), columns = weight.size(0), count = x.numel() / depth,
                     blocks = (count + kRows - 1) / kRows;
  const auto rows = x.contiguous(), panels = panels_of(weight.t()), shift = bias.defined() ? bias.contiguous() : bias;
  auto shape = x.sizes().vec();
  shape.back() = columns;
  auto y = at::empty(shape, x.options());
  const auto run = of_vectors(linear_128, linear_256, linear_512);
  const float *from = rows.const_data_ptr<float>(), *add = shift.defined() ? shift.const_data_ptr<float>() : nullptr;
  float* to = y.data_ptr<float>();
  const Panels matrix{panels.const_data_ptr<float>(), 1, depth, columns};
  at::parallel_for(0, blocks, 1, [&](std::int64_t begin, std::int64_t end) {
    for (std::int64_t block = begin; block < end; ++block) {
      const std::int64_t first = block * kRows, size = std::min(kRows, count - first);
      if (size == kRows) {
        run({from + first * depth, matrix, add, to + first * columns, size, relu});
        continue;
      }
      // Registers hold some rows more than the last block has.
      std::vector<float> last(static_cast<std::size_t>((kRows + kSpare) * depth)),
          sums(static_cast<std::size_t>((kRows + kSpare) * columns));
      std::copy_n(from + first * depth, size * depth, last.data());
      run({last.data(), matrix, add, sums.data(), size, relu});
      std::copy_n(sums.data(), size * columns, to + first * columns);
    }
  });
  return y;
}

}  // namespace

at::Tensor linear(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias, bool relu) {
  check_shape(weight, {kAny, kAny, kAxes}, "linear layer: weights [O, C, 1 ...]");
  if (weight.numel() != weight.size(0) * weight.size(1))
    throw Error("linear layer: weights [O, C, 1 ...] must be those of one tap");
  check_shape(x, {kAxes, weight.size(1)}, "linear layer: rows [..., C]");
  if (bias.defined()) check_shape(bias, {weight.size(0)}, "linear layer: bias [O]");
  const auto matrix = weight.flatten(1);
  if (!torch::autograd::compute_requires_grad(x, matrix, bias) && pays(x, matrix))
    return linear_in_panels(x, matrix, bias, relu);
  const auto y = at::linear(x, matrix, bias.defined() ? std::optional<at::Tensor>(bias) : std::nullopt);
  return relu ? y.relu() : y;
}

}  // namespace tal
