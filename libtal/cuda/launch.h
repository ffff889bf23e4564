// Launching one kernel, for two compilers: with nvcc body(index) runs on the device for every index of the grid; with a
// C++ compiler the same code runs for one index after the other on the host, which is how machines without a GPU test
// it. Bodies share nothing and write each value once, whatever the order.
#pragma once

#include <cstdint>

#include "libtal/cuda/tal_cuda.h"

#ifdef __CUDACC__
#include <cuda_runtime.h>
#define TAL_KERNEL __host__ __device__
#else
#define TAL_KERNEL
#endif
#ifdef __CUDA_ARCH__
#define TAL_UNROLL _Pragma("unroll")
#else
#define TAL_UNROLL
#endif

namespace tal::cuda {

constexpr int kThreads = 128;  // of a block: neighbours in the innermost dimension of what is read and written

// Blocks: x, the first, up to 2^31 - 1; y up to 65535.
struct Grid {
  std::int64_t x, y;
};
struct Index {
  std::uint32_t x, y, thread;
};

inline std::int64_t blocks_of(std::int64_t items, std::int64_t size) { return (items + size - 1) / size; }

constexpr std::int32_t kGridTooLarge = -1;
inline bool fits(const Grid& grid) { return grid.x <= INT32_MAX && grid.y <= 65535; }

#ifdef __CUDACC__

// The calling thread's device, changed for one launch.
class OnDevice {
 public:
  explicit OnDevice(int device) {
    error = cudaGetDevice(&before_);
    if (error == cudaSuccess && before_ != device) error = cudaSetDevice(device);
    else changed_ = false;
  }
  ~OnDevice() {
    if (changed_) cudaSetDevice(before_);
  }
  cudaError_t error;

 private:
  int before_ = 0;
  bool changed_ = true;
};

template <class Body>
__global__ void __launch_bounds__(kThreads) run(const Body body) {
  body(Index{blockIdx.x, blockIdx.y, threadIdx.x});
}

template <class Body>
std::int32_t launch(const TalCudaQueue& queue, const Grid& grid, const Body& body) {
  if (grid.x <= 0 || grid.y <= 0) return 0;
  if (!fits(grid)) return kGridTooLarge;
  const OnDevice on(queue.device);
  if (on.error != cudaSuccess) return on.error;
  const dim3 blocks(static_cast<unsigned>(grid.x), static_cast<unsigned>(grid.y));
  run<<<blocks, kThreads, 0, static_cast<cudaStream_t>(queue.stream)>>>(body);
  return cudaGetLastError();
}

#else

template <class Body>
std::int32_t launch(const TalCudaQueue&, const Grid& grid, const Body& body) {
  if (grid.x <= 0 || grid.y <= 0) return 0;
  if (!fits(grid)) return kGridTooLarge;
  for (std::uint32_t y = 0; y < grid.y; ++y)
    for (std::uint32_t x = 0; x < grid.x; ++x)
      for (std::uint32_t thread = 0; thread < kThreads; ++thread) body(Index{x, y, thread});
  return 0;
}

#endif

}  // namespace tal::cuda
