// Maxima of windows without their places: LibTorch's pooling on CUDA writes an index of 8 bytes beside each of 2 or 4.
#include "libtal/cuda/launch.h"

namespace tal::cuda {
namespace {

// Numbers of 2 or 4 bytes (float16, bfloat16, float32) as whole numbers of the same order: sign and magnitude become
// two's complement. A NaN without a sign, as a GPU makes it, is the largest and comes through.
template <class Bits>
TAL_KERNEL inline Bits ordered(Bits bits) {
  constexpr Bits kMagnitude = static_cast<Bits>(~(Bits{1} << (8 * sizeof(Bits) - 1)));
  return bits < 0 ? static_cast<Bits>(bits ^ kMagnitude) : bits;
}

// kCount neighbouring channels, read and written at once.
template <class Bits, int kCount>
struct alignas(sizeof(Bits) * kCount) Pack {
  Bits values[kCount];
};

// One thread a pack of channels of one result.
template <class Bits, int kCount>
struct MaxPool {
  using Values = Pack<Bits, kCount>;
  TalPoolSizes sizes;
  const Values* x;
  Values* y;

  TAL_KERNEL std::int64_t packs() const { return sizes.channels / kCount; }
  std::int64_t count() const { return sizes.batch * sizes.to[0] * sizes.to[1] * sizes.to[2] * packs(); }

  TAL_KERNEL void operator()(const Index& at) const {
    const std::int64_t id = static_cast<std::int64_t>(at.x) * kThreads + at.thread;
    std::int64_t pixel = id / packs();
    const std::int64_t c = id % packs();
    std::int64_t first[3], end[3];
    for (int k = 2; k >= 0; --k) {
      const std::int64_t place = pixel % sizes.to[k] * sizes.stride[k] - sizes.padding[k];
      first[k] = place < 0 ? 0 : place;
      end[k] = place + sizes.kernel[k] < sizes.from[k] ? place + sizes.kernel[k] : sizes.from[k];
      pixel /= sizes.to[k];
    }
    if (pixel >= sizes.batch) return;
    Values best;
    for (int n = 0; n < kCount; ++n)  // -NaN: below everything
      best.values[n] = static_cast<Bits>(Bits{1} << (8 * sizeof(Bits) - 1));
    for (std::int64_t t = first[0]; t < end[0]; ++t)
      for (std::int64_t h = first[1]; h < end[1]; ++h)
        for (std::int64_t w = first[2]; w < end[2]; ++w) {
          const Values one = x[(((pixel * sizes.from[0] + t) * sizes.from[1] + h) * sizes.from[2] + w) * packs() + c];
          TAL_UNROLL
          for (int n = 0; n < kCount; ++n) {
            const Bits value = ordered(one.values[n]);
            best.values[n] = value > best.values[n] ? value : best.values[n];
          }
        }
    TAL_UNROLL
    for (int n = 0; n < kCount; ++n) best.values[n] = ordered(best.values[n]);  // its own inverse
    y[id] = best;
  }
};

template <class Bits, int kCount>
std::int32_t pool(TalCudaQueue queue, const TalPoolSizes& sizes, const void* x, void* y) {
  using Body = MaxPool<Bits, kCount>;
  const Body body{sizes, static_cast<const typename Body::Values*>(x), static_cast<typename Body::Values*>(y)};
  return launch(queue, {blocks_of(body.count(), kThreads), 1}, body);
}

template <class Bits>
std::int32_t pool(TalCudaQueue queue, const TalPoolSizes& sizes, const void* x, void* y) {
  constexpr int kMost = 16 / sizeof(Bits);  // bytes that a thread reads at once
  return sizes.channels % kMost ? pool<Bits, 1>(queue, sizes, x, y) : pool<Bits, kMost>(queue, sizes, x, y);
}

}  // namespace
}  // namespace tal::cuda

std::int32_t tal_cuda_max_pool(TalCudaQueue queue, const TalPoolSizes* sizes, std::int32_t bytes, const void* x,
                               void* y) {
  return bytes == 2 ? tal::cuda::pool<std::int16_t>(queue, *sizes, x, y)
                    : tal::cuda::pool<std::int32_t>(queue, *sizes, x, y);
}
