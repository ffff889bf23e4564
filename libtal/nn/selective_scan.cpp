#include "libtal/nn/selective_scan.h"

#include <ATen/ATen.h>
#include <ATen/Parallel.h>

#include <algorithm>
#include <vector>

#include "libtal/nn/device.h"
#include "libtal/nn/own_gradients.h"
#include "libtal/nn/selective_scan_cuda.h"
#include "libtal/nn/shapes.h"
#include "libtal/nn/vector.h"

namespace tal {
namespace {

void check_scan(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                const at::Tensor& C, const at::Tensor& D, const at::Tensor& z, const at::Tensor& delta_bias) {
  check_shape(u, {kAny, kAny, kAny}, "scan: input [B, D, L]");
  check_same_shape(delta, u, "scan: steps [B, D, L]");
  check_shape(A, {u.size(1), at_least(1)}, "scan: A [D, N]");
  check_shape(B, {u.size(0), A.size(1), u.size(2)}, "scan: B [B, N, L]");
  check_shape(C, {u.size(0), A.size(1), u.size(2)}, "scan: C [B, N, L]");
  if (D.defined()) check_shape(D, {u.size(1)}, "scan: D [D]");
  if (z.defined()) check_same_shape(z, u, "scan: gate [B, D, L]");
  if (delta_bias.defined()) check_shape(delta_bias, {u.size(1)}, "scan: bias of the steps [D]");
}

// ---- float on the CPU: a vector is some channels of one step. Steps go by in blocks, in which a task's channels come
// one vector after the other, so that rows are read a few lines at a time and states stay in the first cache.

constexpr std::int64_t kScanSteps = 16;      // of a block
constexpr std::int64_t kScanChannels = 128;  // channels of a task: whole vectors

// One sequence's inputs, at the first channel of a task. Rows of u, delta, z, y and of what is by state lie `stride`
// floats apart; null: not there.
struct ScanInputs {
  const float *u, *delta, *z;        // [L, D]
  const float *decay, *skip, *bias;  // A [N, D]; [D]
  const float *input, *output;       // B, C [L, N]
  std::int64_t stride, count, steps, states;
  bool softplus;

  std::int64_t blocks() const { return (steps + kScanSteps - 1) / kScanSteps; }
};

struct ScanForward {
  ScanInputs in;
  float* y;                // [L, D]
  float* checkpoints;      // [blocks, N, D]: states before each block; null: not wanted
  float *decays, *states;  // room for [kScanChannels, N] each
};

struct ScanBackward {
  ScanInputs in;
  const float *dy, *checkpoints;
  float *du, *ddelta, *dz;            // [L, D]
  float *ddecay, *dskip, *dbias;      // [N, D], [D] and [D]: of this sequence
  float *dinput, *doutput;            // [L, N]: of these channels
  float *decays, *carried, *ddecays;  // room for [kScanChannels, N] each
  float *states, *factors;            // room for [kScanSteps + 1, N] and [kScanSteps, N] vectors
  float *dinputs, *doutputs;          // room for [kScanSteps, N] vectors each
};

template <class S>
TAL_INLINE void logistic_of(typename S::type& x) {
  x = -x;
  exponential<S>(x);
  x = 1.0f / (1.0f + x);
}

// log(1 + e^x) = max(x, 0) + log(1 + e), e = e^-|x|; log(1 + e) = 2 artanh(e / (2 + e)), whose argument is at most 1/3.
template <class S>
TAL_INLINE void soft_plus(typename S::type& x) {
  typedef typename S::type Vector;
  const Vector above = x > 0.0f ? x : Vector{};
  Vector e = x > 0.0f ? -x : x;
  exponential<S>(e);
  const Vector s = e / (2.0f + e), q = s * s;
  x = above + 2.0f * s *
                  (1.0f + q * (1.0f / 3 +
                               q * (1.0f / 5 + q * (1.0f / 7 + q * (1.0f / 9 + q * (1.0f / 11 + q * (1.0f / 13)))))));
}

// Values by channel and state, [N, stride] -> [N] vectors.
template <class S>
TAL_INLINE void gather_states(const float* from, std::int64_t stride, std::int64_t states, std::int64_t count,
                              float* to) {
  for (std::int64_t n = 0; n < states; ++n) {
    typename S::type value;
    load<S>(value, from + n * stride, count);
    at<S>(to + n * kFloats<S>) = value;
  }
}
template <class S>
TAL_INLINE void scatter_states(const float* from, std::int64_t stride, std::int64_t states, std::int64_t count,
                               float* to) {
  for (std::int64_t n = 0; n < states; ++n) store<S>(to + n * stride, at<S>(from + n * kFloats<S>), count);
}

// A vector of a row of channels or of values by channel; zeros where there are none.
template <class S>
TAL_INLINE void load_or_zero(typename S::type& value, const float* from, std::int64_t place, std::int64_t count) {
  value = typename S::type{};
  if (from) load<S>(value, from + place, count);
}

template <class S>
TAL_INLINE void scan_forward(const ScanForward& task) {
  typedef typename S::type Vector;
  const ScanInputs& in = task.in;
  const std::int64_t states = in.states;
  for (std::int64_t c = 0; c < in.count; c += kFloats<S>)
    gather_states<S>(in.decay + c, in.stride, states, in.count - c, task.decays + c * states);
  std::fill_n(task.states, kScanChannels * states, 0.0f);
  for (std::int64_t block = 0; block < in.blocks(); ++block)
    for (std::int64_t c = 0; c < in.count; c += kFloats<S>) {
      const std::int64_t count = in.count - c;
      const float* decays = task.decays + c * states;
      float* h = task.states + c * states;
      if (task.checkpoints)
        scatter_states<S>(h, in.stride, states, count, task.checkpoints + block * states * in.stride + c);
      Vector skip, bias;
      load_or_zero<S>(skip, in.skip, c, count), load_or_zero<S>(bias, in.bias, c, count);
      for (std::int64_t t = block * kScanSteps; t < std::min((block + 1) * kScanSteps, in.steps); ++t) {
        const std::int64_t place = t * in.stride + c;
        const float *input = in.input + t * states, *output = in.output + t * states;
        Vector u, step;
        load<S>(u, in.u + place, count), load<S>(step, in.delta + place, count);
        step += bias;
        if (in.softplus) soft_plus<S>(step);
        const Vector moved = step * u;
        Vector y = skip * u;
        for (std::int64_t n = 0; n < states; ++n) {
          Vector factor = step * at<S>(decays + n * kFloats<S>);
          exponential<S>(factor);
          const Vector state = factor * at<S>(h + n * kFloats<S>) + moved * input[n];
          at<S>(h + n * kFloats<S>) = state;
          y += state * output[n];
        }
        if (in.z) {
          Vector z;
          load<S>(z, in.z + place, count);
          Vector gate = z;
          logistic_of<S>(gate);
          y *= z * gate;
        }
        store<S>(task.y + place, y, count);
      }
    }
}

template <class S>
TAL_INLINE void scan_backward(const ScanBackward& task) {
  typedef typename S::type Vector;
  constexpr std::int64_t kLanes = kFloats<S>;
  const ScanInputs& in = task.in;
  const std::int64_t states = in.states, row = states * kLanes;
  for (std::int64_t c = 0; c < in.count; c += kLanes)
    gather_states<S>(in.decay + c, in.stride, states, in.count - c, task.decays + c * states);
  std::fill_n(task.carried, kScanChannels * states, 0.0f);
  std::fill_n(task.ddecays, kScanChannels * states, 0.0f);
  float dskips[kScanChannels] = {}, dbiases[kScanChannels] = {};
  for (std::int64_t block = in.blocks() - 1; block >= 0; --block) {
    const std::int64_t first = block * kScanSteps, size = std::min(kScanSteps, in.steps - first);
    std::fill_n(task.dinputs, size * row, 0.0f), std::fill_n(task.doutputs, size * row, 0.0f);
    for (std::int64_t c = 0; c < in.count; c += kLanes) {
      const std::int64_t count = in.count - c;
      const float* decays = task.decays + c * states;
      Vector skip, bias, dskip = at<S>(dskips + c), dbias = at<S>(dbiases + c);
      load_or_zero<S>(skip, in.skip, c, count), load_or_zero<S>(bias, in.bias, c, count);
      // Forwards once more, from the state before the block.
      Vector us[kScanSteps], steps[kScanSteps], slopes[kScanSteps], dys[kScanSteps];
      gather_states<S>(task.checkpoints + block * states * in.stride + c, in.stride, states, count, task.states);
      for (std::int64_t t = 0; t < size; ++t) {
        const std::int64_t place = (first + t) * in.stride + c;
        const float *input = in.input + (first + t) * states, *output = in.output + (first + t) * states;
        float *before = task.states + t * row, *after = before + row, *factors = task.factors + t * row;
        Vector u, step, dy;
        load<S>(u, in.u + place, count), load<S>(step, in.delta + place, count), load<S>(dy, task.dy + place, count);
        step += bias;
        slopes[t] = step;
        if (in.softplus) soft_plus<S>(step), logistic_of<S>(slopes[t]);
        const Vector moved = step * u;
        Vector y = skip * u;
        for (std::int64_t n = 0; n < states; ++n) {
          Vector factor = step * at<S>(decays + n * kLanes);
          exponential<S>(factor);
          at<S>(factors + n * kLanes) = factor;
          const Vector state = factor * at<S>(before + n * kLanes) + moved * input[n];
          at<S>(after + n * kLanes) = state;
          y += state * output[n];
        }
        if (in.z) {
          Vector z;
          load<S>(z, in.z + place, count);
          Vector gate = z;
          logistic_of<S>(gate);
          store<S>(task.dz + place, dy * y * gate * (1.0f + z * (1.0f - gate)), count);
          dy *= z * gate;
        }
        dskip += dy * u;
        us[t] = u, steps[t] = step, dys[t] = dy;
      }
      // Backwards; carried: the gradient of the state after the step by way of later steps.
      float *carried = task.carried + c * states, *ddecays = task.ddecays + c * states;
      for (std::int64_t t = size - 1; t >= 0; --t) {
        const std::int64_t place = (first + t) * in.stride + c;
        const float *input = in.input + (first + t) * states, *output = in.output + (first + t) * states;
        const float *before = task.states + t * row, *after = before + row, *factors = task.factors + t * row;
        float *dinputs = task.dinputs + t * row, *doutputs = task.doutputs + t * row;
        const Vector dy = dys[t], step = steps[t], moved = step * us[t];
        Vector by_input{}, by_decay{};
        for (std::int64_t n = 0; n < states; ++n) {
          const std::int64_t k = n * kLanes;
          const Vector dh = at<S>(carried + k) + dy * output[n];
          at<S>(doutputs + k) += at<S>(after + k) * dy;
          at<S>(dinputs + k) += dh * moved;
          by_input += dh * input[n];
          const Vector back = dh * at<S>(factors + k);
          at<S>(carried + k) = back;
          const Vector exponent = back * at<S>(before + k);  // gradient of step * A
          at<S>(ddecays + k) += exponent * step;
          by_decay += exponent * at<S>(decays + k);
        }
        store<S>(task.du + place, skip * dy + step * by_input, count);
        Vector dstep = by_decay + us[t] * by_input;
        if (in.softplus) dstep *= slopes[t];
        store<S>(task.ddelta + place, dstep, count);
        dbias += dstep;
      }
      at<S>(dskips + c) = dskip, at<S>(dbiases + c) = dbias;
    }
    const auto add_lanes = [&](const float* lanes, float* to) {
      for (std::int64_t k = 0; k < size * states; ++k, lanes += kLanes) {
        float sum[4] = {};
        for (std::int64_t lane = 0; lane < kLanes; lane += 4)
          for (std::int64_t j = 0; j < 4; ++j) sum[j] += lanes[lane + j];
        to[k] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
      }
    };
    add_lanes(task.dinputs, task.dinput + first * states), add_lanes(task.doutputs, task.doutput + first * states);
  }
  for (std::int64_t c = 0; c < in.count; c += kLanes)
    scatter_states<S>(task.ddecays + c * states, in.stride, states, in.count - c, task.ddecay + c);
  std::copy_n(dskips, in.count, task.dskip), std::copy_n(dbiases, in.count, task.dbias);
}

void scan_forward_128(const ScanForward& task) { scan_forward<Vector16>(task); }
TAL_TARGET_256 void scan_forward_256(const ScanForward& task) { scan_forward<Vector32>(task); }
TAL_TARGET_512 void scan_forward_512(const ScanForward& task) { scan_forward<Vector64>(task); }
void scan_backward_128(const ScanBackward& task) { scan_backward<Vector16>(task); }
TAL_TARGET_256 void scan_backward_256(const ScanBackward& task) { scan_backward<Vector32>(task); }
TAL_TARGET_512 void scan_backward_512(const ScanBackward& task) { scan_backward<Vector64>(task); }

std::int64_t groups_of(const ScanLayers& x) { return (x.channels() + kScanChannels - 1) / kScanChannels; }
std::int64_t blocks_of(const ScanLayers& x) { return (x.steps() + kScanSteps - 1) / kScanSteps; }

// A task's inputs.
ScanInputs inputs_of(const ScanLayers& x, std::int64_t b, std::int64_t group) {
  const auto data = [](const at::Tensor& t, std::int64_t place) {
    return t.defined() ? t.const_data_ptr<float>() + place : nullptr;
  };
  const std::int64_t c = group * kScanChannels, rows = b * x.steps(), place = rows * x.channels() + c;
  ScanInputs in{};
  in.u = data(x.u, place), in.delta = data(x.delta, place), in.z = data(x.z, place);
  in.decay = data(x.A, c), in.skip = data(x.D, c), in.bias = data(x.bias, c);
  in.input = data(x.B, rows * x.states()), in.output = data(x.C, rows * x.states());
  in.stride = x.channels(), in.count = std::min(kScanChannels, x.channels() - c);
  in.steps = x.steps(), in.states = x.states(), in.softplus = x.softplus;
  return in;
}

std::vector<float> floats(std::int64_t count) { return std::vector<float>(static_cast<std::size_t>(count)); }

// y [B, L, D]; states before each block [B, blocks, N, D] to *checkpoints unless it is null.
at::Tensor scan_on_cpu(const ScanLayers& x, at::Tensor* checkpoints) {
  auto y = at::empty_like(x.u);
  if (checkpoints) *checkpoints = at::empty({x.batch(), blocks_of(x), x.states(), x.channels()}, x.u.options());
  const auto scan = of_vectors(scan_forward_128, scan_forward_256, scan_forward_512);
  at::parallel_for(0, x.batch() * groups_of(x), 1, [&](std::int64_t begin, std::int64_t end) {
    auto decays = floats(kScanChannels * x.states()), states = floats(kScanChannels * x.states());
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t b = task / groups_of(x), group = task % groups_of(x), c = group * kScanChannels;
      scan({inputs_of(x, b, group), y.data_ptr<float>() + b * x.steps() * x.channels() + c,
            checkpoints ? checkpoints->data_ptr<float>() + b * blocks_of(x) * x.states() * x.channels() + c : nullptr,
            decays.data(), states.data()});
    }
  });
  return y;
}

// Parts one after the other, so that no other number of threads adds in another order.
at::Tensor sum_in_order(const at::Tensor& parts) {
  auto sum = parts.select(0, 0).clone();
  for (std::int64_t k = 1; k < parts.size(0); ++k) sum.add_(parts.select(0, k));
  return sum;
}

ScanLayers scan_gradients_on_cpu(const ScanLayers& x, const at::Tensor& checkpoints, const at::Tensor& dy) {
  const auto options = x.u.options();
  const std::int64_t batch = x.batch(), steps = x.steps(), channels = x.channels(), states = x.states();
  auto du = at::empty_like(x.u), ddelta = at::empty_like(x.u), dz = x.z.defined() ? at::empty_like(x.u) : at::Tensor();
  auto ddecay = at::empty({batch, states, channels}, options), dskip = at::empty({batch, channels}, options),
       dbias = at::empty({batch, channels}, options);
  auto dinput = at::empty({groups_of(x), batch, steps, states}, options), doutput = at::empty_like(dinput);
  const auto scan = of_vectors(scan_backward_128, scan_backward_256, scan_backward_512);
  at::parallel_for(0, batch * groups_of(x), 1, [&](std::int64_t begin, std::int64_t end) {
    const std::int64_t lanes = vector_bytes() / static_cast<std::int64_t>(sizeof(float)), row = states * lanes;
    auto decays = floats(kScanChannels * states), carried = floats(kScanChannels * states),
         ddecays = floats(kScanChannels * states);
    auto before = floats((kScanSteps + 1) * row), factors = floats(kScanSteps * row),
         dinputs = floats(kScanSteps * row), doutputs = floats(kScanSteps * row);
    for (std::int64_t task = begin; task < end; ++task) {
      const std::int64_t b = task / groups_of(x), group = task % groups_of(x), c = group * kScanChannels,
                         place = b * steps * channels + c;
      const auto data = [](at::Tensor& t, std::int64_t at) { return t.defined() ? t.data_ptr<float>() + at : nullptr; };
      scan({inputs_of(x, b, group), dy.const_data_ptr<float>() + place,
            checkpoints.const_data_ptr<float>() + b * blocks_of(x) * states * channels + c, data(du, place),
            data(ddelta, place), data(dz, place), data(ddecay, b * states * channels + c),
            data(dskip, b * channels + c), data(dbias, b * channels + c),
            data(dinput, (group * batch + b) * steps * states), data(doutput, (group * batch + b) * steps * states),
            decays.data(), carried.data(), ddecays.data(), before.data(), factors.data(), dinputs.data(),
            doutputs.data()});
    }
  });
  return {du,
          ddelta,
          sum_in_order(ddecay),
          sum_in_order(dinput),
          sum_in_order(doutput),
          x.D.defined() ? sum_in_order(dskip) : at::Tensor(),
          dz,
          x.bias.defined() ? sum_in_order(dbias) : at::Tensor(),
          x.softplus};
}

// By the CPU's kernels where `kernels` is null. LibTorch takes tensors that are not there as optional ones only.
Operation recorded_scan(const CudaKernels* kernels, const ScanLayers& x) {  // kernels live for ever
  ScanStates kept;
  const auto y = kernels ? scan_by(*kernels, x, kept) : scan_on_cpu(x, &kept.states);
  return {y,
          {x.u, x.delta, x.A, x.B, x.C, x.D, x.z, x.bias, kept.states, kept.totals},
          [kernels, softplus = x.softplus](const Backward& known) -> std::vector<at::Tensor> {
            const auto& s = known.saved;
            const ScanLayers again{s[0], s[1], s[2], s[3], s[4], s[5], s[6], s[7], softplus};
            const auto dy = known.upstream.contiguous();
            const ScanLayers d =
                kernels ? scan_gradients_by(*kernels, again, {s[8], s[9]}, dy) : scan_gradients_on_cpu(again, s[8], dy);
            return {d.u, d.delta, d.A, d.B, d.C, d.D, d.z, d.bias};
          }};
}

at::Tensor scan_with(const CudaKernels* kernels, const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                     const at::Tensor& B, const at::Tensor& C, const at::Tensor& D, const at::Tensor& z,
                     const at::Tensor& bias, bool softplus) {
  const auto rows = [](const at::Tensor& t) { return t.defined() ? t.transpose(-2, -1).contiguous() : t; };
  const auto flat = [](const at::Tensor& t) { return t.defined() ? t.contiguous() : t; };
  const ScanLayers x{rows(u), rows(delta), rows(A), rows(B), rows(C), flat(D), rows(z), flat(bias), softplus};
  bool tracked = false;
  for (const auto& t : {u, delta, A, B, C, D, z, bias}) tracked = tracked || (t.defined() && t.requires_grad());
  at::Tensor y;
  if (tracked && at::GradMode::is_enabled()) {
    y = with_gradients({x.u, x.delta, x.A, x.B, x.C, x.D, x.z, x.bias}, [&] { return recorded_scan(kernels, x); });
  } else {
    ScanStates unused;
    y = kernels ? scan_by(*kernels, x, unused) : scan_on_cpu(x, nullptr);
  }
  return y.transpose(1, 2);
}

}  // namespace

at::Tensor selective_scan_reference(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A,
                                    const at::Tensor& B, const at::Tensor& C, const at::Tensor& D, const at::Tensor& z,
                                    const at::Tensor& delta_bias, bool softplus, at::Tensor* state) {
  check_scan(u, delta, A, B, C, D, z, delta_bias);
  auto steps = delta_bias.defined() ? delta + delta_bias.unsqueeze(1) : delta;
  if (softplus) steps = at::softplus(steps);
  // Taken apart and put together as a whole: gradients of single slices would be as large as all of them.
  const auto step = steps.unbind(2), moved = (steps * u).unbind(2), in = B.unbind(2), out = C.unbind(2);
  auto h = at::zeros({u.size(0), u.size(1), A.size(1)}, u.options());
  std::vector<at::Tensor> outputs;
  for (std::size_t t = 0; t < step.size(); ++t) {
    h = (step[t].unsqueeze(2) * A).exp() * h + moved[t].unsqueeze(2) * in[t].unsqueeze(1);  // [B, D, N]
    outputs.push_back(at::matmul(h, out[t].unsqueeze(2)).squeeze(2));
  }
  auto y = outputs.empty() ? at::zeros_like(u) : at::stack(outputs, 2);
  if (D.defined()) y = y + D.unsqueeze(1) * u;
  if (z.defined()) y = y * at::silu(z);
  if (state) *state = h;
  return y;
}

at::Tensor selective_scan(const at::Tensor& u, const at::Tensor& delta, const at::Tensor& A, const at::Tensor& B,
                          const at::Tensor& C, const at::Tensor& D, const at::Tensor& z, const at::Tensor& delta_bias,
                          bool softplus) {
  check_scan(u, delta, A, B, C, D, z, delta_bias);
  const OwnPrecision own;
  bool in_float = true;
  const auto whole = [&](const at::Tensor& t) {
    const auto wide = t.defined() && at::isReducedFloatingType(t.scalar_type()) ? t.to(at::kFloat) : t;
    in_float = in_float && (!t.defined() || wide.scalar_type() == at::kFloat);
    return wide;
  };
  const auto x = whole(u), steps = whole(delta), a = whole(A), b = whole(B), c = whole(C), d = whole(D),
             gate = whole(z), bias = whole(delta_bias);
  const CudaKernels* kernels = in_float ? kernels_for(x) : nullptr;
  if (in_float && x.numel() > 0 && (x.is_cpu() || kernels))
    return scan_with(kernels, x, steps, a, b, c, d, gate, bias, softplus);
  return selective_scan_reference(x, steps, a, b, c, d, gate, bias, softplus);
}

at::Tensor selective_scan_by(const CudaKernels& kernels, const at::Tensor& u, const at::Tensor& delta,
                             const at::Tensor& A, const at::Tensor& B, const at::Tensor& C, const at::Tensor& D,
                             const at::Tensor& z, const at::Tensor& delta_bias, bool softplus) {
  check_scan(u, delta, A, B, C, D, z, delta_bias);
  return scan_with(&kernels, u, delta, A, B, C, D, z, delta_bias, softplus);
}

}  // namespace tal
