// CUDA twin of libtal/nn/selective_scan.cpp. A recurrence is linear, so that chunks of steps run side by side: each
// first from zero, then, its beginning known, once more. A thread goes through one chunk of one channel, state by
// state, with what it needs of every step in registers; the threads of a block are neighbouring channels, so that every
// read and write of a warp is one piece of memory. The order of every sum is fixed.
#include <cmath>

#include "libtal/cuda/launch.h"

namespace tal::cuda {
namespace {

constexpr int kSteps = static_cast<int>(kTalScanSteps);

std::int64_t chunks_of(const TalScan& scan) { return blocks_of(scan.steps, kSteps); }

TAL_KERNEL inline float logistic(float x) { return 1 / (1 + expf(-x)); }

// One chunk of one sequence. Steps behind the sequence's last are the last again: with a size of zero they change no
// state.
struct Chunk {
  std::int64_t id, row, size;  // among all sequences'; its first step's among all sequences'; its steps

  TAL_KERNEL Chunk(const TalScan& scan, std::int64_t chunk) : id(chunk) {
    const std::int64_t chunks = (scan.steps + kSteps - 1) / kSteps, first = chunk % chunks * kSteps;
    row = chunk / chunks * scan.steps + first;
    size = scan.steps - first < kSteps ? scan.steps - first : kSteps;
  }
  TAL_KERNEL std::int64_t row_of(int t) const { return row + (t < size ? t : size - 1); }
  TAL_KERNEL float step(const TalScan& scan, int t, std::int64_t d, float* before_softplus = nullptr) const {
    if (t >= size) return 0;
    float step = scan.delta[row_of(t) * scan.channels + d] + (scan.bias ? scan.bias[d] : 0);
    if (before_softplus) *before_softplus = step;
    if (scan.softplus) step = step > 20 ? step : log1pf(expf(step));
    return step;
  }
  // The gradient of what the gate multiplies.
  TAL_KERNEL float gated(const TalScan& scan, const float* dy, int t, std::int64_t d) const {
    if (t >= size) return 0;
    const std::int64_t place = row_of(t) * scan.channels + d;
    return scan.z ? dy[place] * scan.z[place] * logistic(scan.z[place]) : dy[place];
  }
  // [B, K, N, D]
  TAL_KERNEL std::int64_t state(const TalScan& scan, std::int64_t n, std::int64_t d) const {
    return (id * scan.states + n) * scan.channels + d;
  }
};

TAL_KERNEL inline std::int64_t channel_of(const Index& at) {
  return static_cast<std::int64_t>(at.y) * kThreads + at.thread;
}

// States after each chunk that begins at zero.
struct Ends {
  TalScan scan;
  float *states, *totals;

  TAL_KERNEL void operator()(const Index& at) const {
    const Chunk chunk(scan, at.x);
    const std::int64_t d = channel_of(at);
    if (d >= scan.channels) return;
    float steps[kSteps], moved[kSteps], total = 0;
    TAL_UNROLL
    for (int t = 0; t < kSteps; ++t) {
      steps[t] = chunk.step(scan, t, d), total += steps[t];
      moved[t] = steps[t] * scan.u[chunk.row_of(t) * scan.channels + d];
    }
    totals[chunk.id * scan.channels + d] = total;
    for (std::int64_t n = 0; n < scan.states; ++n) {
      const float decay = scan.decay[n * scan.channels + d];
      float h = 0;
      TAL_UNROLL
      for (int t = 0; t < kSteps; ++t)
        h = expf(steps[t] * decay) * h + moved[t] * scan.input[chunk.row_of(t) * scan.states + n];
      states[chunk.state(scan, n, d)] = h;
    }
  }
};

// What each chunk adds on its own -> what reaches it from all before (backward: behind) it.
struct Chain {
  TalScan scan;
  const float* totals;
  float* values;
  bool backward;

  TAL_KERNEL void operator()(const Index& at) const {
    const std::int64_t b = at.x / scan.states, n = at.x % scan.states, d = channel_of(at),
                       chunks = (scan.steps + kSteps - 1) / kSteps;
    if (d >= scan.channels) return;
    const float decay = scan.decay[n * scan.channels + d];
    float value = 0;
    for (std::int64_t k = 0; k < chunks; ++k) {
      const std::int64_t chunk = b * chunks + (backward ? chunks - 1 - k : k);
      float& place = values[(chunk * scan.states + n) * scan.channels + d];
      const float own = place;
      place = value;
      value = expf(totals[chunk * scan.channels + d] * decay) * value + own;
    }
  }
};

struct Outputs {
  TalScan scan;
  const float* states;
  float* y;

  TAL_KERNEL void operator()(const Index& at) const {
    const Chunk chunk(scan, at.x);
    const std::int64_t d = channel_of(at);
    if (d >= scan.channels) return;
    float steps[kSteps], moved[kSteps], sums[kSteps];
    const float skip = scan.skip ? scan.skip[d] : 0;
    TAL_UNROLL
    for (int t = 0; t < kSteps; ++t) {
      const float u = scan.u[chunk.row_of(t) * scan.channels + d];
      steps[t] = chunk.step(scan, t, d), moved[t] = steps[t] * u, sums[t] = skip * u;
    }
    for (std::int64_t n = 0; n < scan.states; ++n) {
      const float decay = scan.decay[n * scan.channels + d];
      float h = states[chunk.state(scan, n, d)];
      TAL_UNROLL
      for (int t = 0; t < kSteps; ++t) {
        const std::int64_t place = chunk.row_of(t) * scan.states + n;
        h = expf(steps[t] * decay) * h + moved[t] * scan.input[place];
        sums[t] += h * scan.output[place];
      }
    }
    TAL_UNROLL
    for (int t = 0; t < kSteps; ++t)
      if (t < chunk.size) {
        const std::int64_t place = chunk.row_of(t) * scan.channels + d;
        y[place] = scan.z ? sums[t] * scan.z[place] * logistic(scan.z[place]) : sums[t];
      }
  }
};

// Gradients of the states before each chunk, of the chunk's own steps alone.
struct Returns {
  TalScan scan;
  const float* dy;
  float* carried;

  TAL_KERNEL void operator()(const Index& at) const {
    const Chunk chunk(scan, at.x);
    const std::int64_t d = channel_of(at);
    if (d >= scan.channels) return;
    float steps[kSteps], dys[kSteps];
    TAL_UNROLL
    for (int t = 0; t < kSteps; ++t) steps[t] = chunk.step(scan, t, d), dys[t] = chunk.gated(scan, dy, t, d);
    for (std::int64_t n = 0; n < scan.states; ++n) {
      const float decay = scan.decay[n * scan.channels + d];
      float back = 0;
      TAL_UNROLL
      for (int t = kSteps - 1; t >= 0; --t)
        back = expf(steps[t] * decay) * (back + dys[t] * scan.output[chunk.row_of(t) * scan.states + n]);
      carried[chunk.state(scan, n, d)] = back;
    }
  }
};

// Gradients by channel. carried: of the state after each chunk, by way of later ones.
struct ByChannel {
  TalScan scan;
  const float *states, *carried, *dy;
  TalScanGradients to;

  TAL_KERNEL void operator()(const Index& at) const {
    const Chunk chunk(scan, at.x);
    const std::int64_t d = channel_of(at);
    if (d >= scan.channels) return;
    float us[kSteps], steps[kSteps], dys[kSteps], sums[kSteps], by_input[kSteps] = {}, by_decay[kSteps] = {};
    const float skip = scan.skip ? scan.skip[d] : 0;
    float dskip = 0;
    TAL_UNROLL
    for (int t = 0; t < kSteps; ++t) {
      us[t] = scan.u[chunk.row_of(t) * scan.channels + d];
      steps[t] = chunk.step(scan, t, d), dys[t] = chunk.gated(scan, dy, t, d);
      sums[t] = skip * us[t], dskip += dys[t] * us[t];
    }
    to.skip[chunk.id * scan.channels + d] = dskip;
    for (std::int64_t n = 0; n < scan.states; ++n) {
      const float decay = scan.decay[n * scan.channels + d];
      float before[kSteps], h = states[chunk.state(scan, n, d)], back = carried[chunk.state(scan, n, d)], ddecay = 0;
      TAL_UNROLL
      for (int t = 0; t < kSteps; ++t) {
        const std::int64_t place = chunk.row_of(t) * scan.states + n;
        before[t] = h;
        h = expf(steps[t] * decay) * h + steps[t] * us[t] * scan.input[place];
        sums[t] += h * scan.output[place];
      }
      TAL_UNROLL
      for (int t = kSteps - 1; t >= 0; --t) {
        const std::int64_t place = chunk.row_of(t) * scan.states + n;
        const float dh = back + dys[t] * scan.output[place];
        by_input[t] += dh * scan.input[place];
        back = expf(steps[t] * decay) * dh;
        const float exponent = back * before[t];
        ddecay += exponent * steps[t], by_decay[t] += exponent * decay;
      }
      to.decay[chunk.state(scan, n, d)] = ddecay;
    }
    TAL_UNROLL
    for (int t = 0; t < kSteps; ++t)
      if (t < chunk.size) {
        const std::int64_t place = chunk.row_of(t) * scan.channels + d;
        float before_softplus = 0;
        (void)chunk.step(scan, t, d, &before_softplus);
        to.u[place] = skip * dys[t] + steps[t] * by_input[t];
        to.delta[place] = (by_decay[t] + us[t] * by_input[t]) * (scan.softplus ? logistic(before_softplus) : 1.0f);
        if (to.z) {
          const float z = scan.z[place], gate = logistic(z);
          to.z[place] = dy[place] * sums[t] * gate * (1 + z * (1 - gate));
        }
      }
  }
};

// Gradients of what all channels share: a thread one state of a chunk, over a group of channels.
struct ByState {
  TalScan scan;
  const float *states, *carried, *dy;
  TalScanGradients to;

  TAL_KERNEL void operator()(const Index& at) const {
    const Chunk chunk(scan, at.x);
    const std::int64_t group = channel_of(at) / scan.states, n = channel_of(at) % scan.states,
                       first = group * kTalScanChannels;
    if (first >= scan.channels) return;
    const std::int64_t end = first + kTalScanChannels < scan.channels ? first + kTalScanChannels : scan.channels;
    float dinput[kSteps] = {}, doutput[kSteps] = {};
    for (std::int64_t d = first; d < end; ++d) {
      const float decay = scan.decay[n * scan.channels + d];
      float steps[kSteps], dys[kSteps], h = states[chunk.state(scan, n, d)], back = carried[chunk.state(scan, n, d)];
      TAL_UNROLL
      for (int t = 0; t < kSteps; ++t) {
        steps[t] = chunk.step(scan, t, d), dys[t] = chunk.gated(scan, dy, t, d);
        h = expf(steps[t] * decay) * h +
            steps[t] * scan.u[chunk.row_of(t) * scan.channels + d] * scan.input[chunk.row_of(t) * scan.states + n];
        doutput[t] += h * dys[t];
      }
      TAL_UNROLL
      for (int t = kSteps - 1; t >= 0; --t) {
        const float dh = back + dys[t] * scan.output[chunk.row_of(t) * scan.states + n];
        dinput[t] += dh * steps[t] * scan.u[chunk.row_of(t) * scan.channels + d];
        back = expf(steps[t] * decay) * dh;
      }
    }
    TAL_UNROLL
    for (int t = 0; t < kSteps; ++t)
      if (t < chunk.size) {
        const std::int64_t place = (group * scan.batch * scan.steps + chunk.row_of(t)) * scan.states + n;
        to.input[place] = dinput[t], to.output[place] = doutput[t];
      }
  }
};

}  // namespace
}  // namespace tal::cuda

std::int32_t tal_cuda_scan_forward(TalCudaQueue queue, const TalScan* scan, float* states, float* totals, float* y) {
  using namespace tal::cuda;
  const std::int64_t chunks = scan->batch * chunks_of(*scan), blocks = blocks_of(scan->channels, kThreads);
  std::int32_t code = launch(queue, {chunks, blocks}, Ends{*scan, states, totals});
  if (!code) code = launch(queue, {scan->batch * scan->states, blocks}, Chain{*scan, totals, states, false});
  if (!code) code = launch(queue, {chunks, blocks}, Outputs{*scan, states, y});
  return code;
}

std::int32_t tal_cuda_scan_backward(TalCudaQueue queue, const TalScan* scan, const float* states, const float* totals,
                                    const float* dy, float* carried, const TalScanGradients* gradients) {
  using namespace tal::cuda;
  const std::int64_t chunks = scan->batch * chunks_of(*scan), blocks = blocks_of(scan->channels, kThreads),
                     pairs = blocks_of(scan->channels, kTalScanChannels) * scan->states;
  std::int32_t code = launch(queue, {chunks, blocks}, Returns{*scan, dy, carried});
  if (!code) code = launch(queue, {scan->batch * scan->states, blocks}, Chain{*scan, totals, carried, true});
  if (!code) code = launch(queue, {chunks, blocks}, ByChannel{*scan, states, carried, dy, *gradients});
  if (!code)
    code = launch(queue, {chunks, blocks_of(pairs, kThreads)}, ByState{*scan, states, carried, dy, *gradients});
  return code;
}
