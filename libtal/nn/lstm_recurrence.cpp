#include "libtal/nn/lstm_recurrence.h"

#include <algorithm>
#include <vector>

#include "libtal/base/error.h"
#include "libtal/nn/shapes.h"
#include "libtal/nn/vector.h"

namespace tal {
namespace {

constexpr std::int64_t kUnits = 16, kGates = 4, kColumns = kUnits * kGates;  // of a block
constexpr std::int64_t kSpare = 6;                                           // most sequences beyond the last one

// One step of a block of units.
struct Step {
  const float* weight;        // [H, 4, 16]
  const float* const* input;  // of every sequence: its gates' input at this block, [4, 16]
  const float* before;        // states before the step, [count + kSpare, stride]
  float* cell;                // at this block, [count + kSpare, stride]
  float* after;               // at this block, [count + kSpare, stride]
  float* gates;               // room for [count + kSpare, 4, 16]
  std::int64_t hidden, stride, count;
  bool first;  // the states before are zero
};

template <class S>
TAL_INLINE void logistic(typename S::type& x) {
  x = -x;
  exponential<S>(x);
  x = 1.0f / (1.0f + x);
}
template <class S>
TAL_INLINE void hyperbolic_tangent(typename S::type& x) {
  x = x * 2.0f;
  exponential<S>(x);
  x = 1.0f - 2.0f / (1.0f + x);
}

// gates += states x weights of units k .. k + depth - 1, kRows sequences at a time; a vector of each gate stays in
// registers.
template <class S, int kRows>
TAL_INLINE void add_products(const Step& s, std::int64_t k, std::int64_t depth) {
  typedef typename S::type Vector;
  for (std::int64_t n = 0; n < s.count; n += kRows)
    for (std::int64_t u = 0; u < kUnits; u += kFloats<S>) {
      Vector gate[kRows][kGates];
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
        for (int g = 0; g < kGates; ++g)
          gate[r][g] = at<S>((k == 0 ? s.input[n + r] : s.gates + (n + r) * kColumns) + g * kUnits + u);
      // The next block's input, which the gathering of rows hides from the processor's own look ahead.
      if (k == 0 && u == 0) {
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
          for (int g = 0; g < kGates; ++g) __builtin_prefetch(s.input[n + r] + kColumns + g * kUnits);
      }
      const float *state = s.before + n * s.stride + k, *weights = s.weight + k * kColumns + u;
      for (std::int64_t j = 0; j < depth; ++j) {
        Vector weight[kGates];
#pragma GCC unroll 4
        for (int g = 0; g < kGates; ++g) weight[g] = at<S>(weights + j * kColumns + g * kUnits);
#pragma GCC unroll 8
        for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
          for (int g = 0; g < kGates; ++g) gate[r][g] += state[r * s.stride + j] * weight[g];
      }
#pragma GCC unroll 8
      for (int r = 0; r < kRows; ++r)
#pragma GCC unroll 4
        for (int g = 0; g < kGates; ++g) at<S>(s.gates + (n + r) * kColumns + g * kUnits + u) = gate[r][g];
    }
}

constexpr std::int64_t kDepth = 128;  // units whose weights stay in the first cache

template <class S, int kRows>
TAL_INLINE void step_block(const Step& s) {
  typedef typename S::type Vector;
  for (std::int64_t k = 0; k < s.hidden && !s.first; k += kDepth)
    add_products<S, kRows>(s, k, std::min(kDepth, s.hidden - k));
  for (std::int64_t n = 0; n < s.count; ++n) {
    const float* gates = s.first ? s.input[n] : s.gates + n * kColumns;
    for (std::int64_t u = 0; u < kUnits; u += kFloats<S>) {
      Vector i = at<S>(gates + u), f = at<S>(gates + kUnits + u), g = at<S>(gates + 2 * kUnits + u),
             o = at<S>(gates + 3 * kUnits + u);
      logistic<S>(i), logistic<S>(f), hyperbolic_tangent<S>(g), logistic<S>(o);
      const std::int64_t place = n * s.stride + u;
      Vector cell = i * g;
      if (!s.first) cell += f * at<S>(s.cell + place);
      at<S>(s.cell + place) = cell;
      hyperbolic_tangent<S>(cell);
      at<S>(s.after + place) = o * cell;
    }
  }
}

// As many sums as the registers of a processor hold.
void step_128(const Step& s) { step_block<Vector16, 2>(s); }
TAL_TARGET_256 void step_256(const Step& s) { step_block<Vector32, 3>(s); }
TAL_TARGET_512 void step_512(const Step& s) { step_block<Vector64, 6>(s); }

}  // namespace

LstmRecurrence::LstmRecurrence(const at::Tensor& w_hh) {
  check_shape(w_hh, {kAny, kAny}, "LSTM: recurrent weights [4 H, H]");
  hidden_ = w_hh.size(1), blocks_ = (hidden_ + kUnits - 1) / kUnits;
  check_shape(w_hh, {kGates * hidden_, hidden_}, "LSTM: recurrent weights [4 H, H]");
  check_float_on_cpu(w_hh, "LSTM: recurrent weights");
  const at::NoGradGuard guard;
  weight_ = arranged(w_hh).view({blocks_, kColumns, hidden_}).transpose(1, 2).contiguous();
}

at::Tensor LstmRecurrence::arranged(const at::Tensor& weight) const {
  check_shape(weight, {kGates * hidden_, kAxes}, "LSTM: weights to arrange [4 H, ...]");
  const auto by_gate = weight.detach().reshape({kGates, hidden_, -1});
  auto padded = at::zeros({kGates, blocks_ * kUnits, by_gate.size(2)}, by_gate.options());
  padded.narrow(1, 0, hidden_).copy_(by_gate);
  auto rows = padded.view({kGates, blocks_, kUnits, -1}).transpose(0, 1).reshape({blocks_ * kColumns, -1});
  return weight.dim() == 1 ? rows.squeeze(1) : rows;
}

void LstmRecurrence::run(const at::Tensor& input, const at::Tensor& steps, std::int64_t first, std::int64_t count,
                         bool backward, const at::Tensor& out, std::int64_t column) const {
  check_shape(input, {kAny, blocks_ * kColumns}, "LSTM: the gates' input [W, 4 H']");
  check_float_on_cpu(input, "LSTM: the gates' input");
  check_shape(steps, {kAny, at_least(first + count)}, "LSTM: steps [L, N]");
  if (steps.scalar_type() != at::kLong || first < 0)
    throw Error("LSTM: steps must be int64, of sequences from the first on");
  check_shape(out, {steps.size(1), steps.size(0), at_least(column + hidden_)}, "LSTM: states [N, L, S]");
  check_float_on_cpu(out, "LSTM: states");
  if (!input.is_contiguous() || !steps.is_contiguous() || !out.is_contiguous())
    throw Error("LSTM: input, steps and states must be contiguous");
  if (count == 0) return;
  const std::int64_t length = steps.size(0), stride = blocks_ * kUnits + kUnits, sequences = steps.size(1);  // not a
                                                                                                             // power of
                                                                                                             // two:
                                                                                                             // those
                                                                                                             // share
                                                                                                             // sets of
                                                                                                             // the
                                                                                                             // cache
  const auto room = static_cast<std::size_t>((count + kSpare) * stride);
  std::vector<float> before(room), after(room), cell(room),
      gates(static_cast<std::size_t>((count + kSpare) * kColumns));
  std::vector<const float*> inputs(static_cast<std::size_t>(count + kSpare)), here(inputs.size());
  const float* from = input.const_data_ptr<float>();
  const auto step = of_vectors(step_128, step_256, step_512);
  for (std::int64_t done = 0; done < length; ++done) {
    const std::int64_t k = backward ? length - 1 - done : done;
    const std::int64_t* rows = steps.const_data_ptr<std::int64_t>() + k * sequences + first;
    for (std::int64_t n = 0; n < count + kSpare; ++n)
      inputs[static_cast<std::size_t>(n)] = from + rows[std::min(n, count - 1)] * blocks_ * kColumns;
    for (std::int64_t b = 0; b < blocks_; ++b) {
      for (std::size_t n = 0; n < inputs.size(); ++n) here[n] = inputs[n] + b * kColumns;
      step({weight_.const_data_ptr<float>() + b * hidden_ * kColumns, here.data(), before.data(),
            cell.data() + b * kUnits, after.data() + b * kUnits, gates.data(), hidden_, stride, count, done == 0});
    }
    float* to = out.data_ptr<float>() + (first * length + k) * out.size(2) + column;
    for (std::int64_t n = 0; n < count; ++n, to += length * out.size(2))
      std::copy_n(after.data() + n * stride, hidden_, to);
    before.swap(after);
  }
}

}  // namespace tal
