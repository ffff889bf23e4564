// What libtal-graphs.so offers: a pass of a network recorded as a CUDA graph, which is launched as a whole instead of
// kernel by kernel. A library of its own, because it needs LibTorch's CUDA headers and, when it is opened, its CUDA
// library.
#pragma once

#include <cstdint>
#include <functional>

namespace tal {

class RecordedPass {
 public:
  virtual ~RecordedPass() = default;
  // Runs it again on the calling thread's current stream, on the memory that it was recorded with; does not wait.
  virtual void replay() = 0;
};

}  // namespace tal

extern "C" {

// Runs pass() on the device `index` a few times, then records it; the caller owns the result. Memory that pass()
// allocates and keeps stays its own. pass() must do the same each time and must not wait for the device. Throws what
// LibTorch does when a kernel cannot be recorded.
__attribute__((visibility("default"))) tal::RecordedPass* tal_record_pass(std::int32_t index,
                                                                          const std::function<void()>& pass);

}  // extern "C"
