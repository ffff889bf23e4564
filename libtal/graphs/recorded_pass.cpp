#include "libtal/graphs/recorded_pass.h"

#include <ATen/cuda/CUDAGraph.h>
#include <c10/cuda/CUDAFunctions.h>
#include <c10/cuda/CUDAStream.h>

#include <memory>

namespace tal {
namespace {

class GraphPass : public RecordedPass {
 public:
  void replay() override { graph.replay(); }
  at::cuda::CUDAGraph graph;
};

// Another stream than the current one, which may be the default stream: that one cannot be recorded.
class OnStream {
 public:
  explicit OnStream(c10::DeviceIndex device) : before_(c10::cuda::getCurrentCUDAStream(device)) {
    c10::cuda::device_synchronize();  // what the pass reads is there
    c10::cuda::setCurrentCUDAStream(c10::cuda::getStreamFromPool(false, device));
  }
  ~OnStream() { c10::cuda::setCurrentCUDAStream(before_); }

 private:
  c10::cuda::CUDAStream before_;
};

// For libraries that choose an algorithm, or get themselves memory, at the first call or the second.
constexpr int kRunsBefore = 2;

}  // namespace
}  // namespace tal

tal::RecordedPass* tal_record_pass(std::int32_t index, const std::function<void()>& pass) {
  auto recorded = std::make_unique<tal::GraphPass>();
  const tal::OnStream stream(static_cast<c10::DeviceIndex>(index));
  for (int k = 0; k < tal::kRunsBefore; ++k) pass();
  c10::cuda::device_synchronize();
  // Other threads may allocate meanwhile: calls that this thread makes are what is recorded.
  recorded->graph.capture_begin({0, 0}, cudaStreamCaptureModeThreadLocal);
  try {
    pass();
  } catch (...) {
    try {
      recorded->graph.capture_end();  // so that memory is no longer given out as the graph's
    } catch (const c10::Error&) {
    }
    throw;
  }
  recorded->graph.capture_end();
  c10::cuda::device_synchronize();
  return recorded.release();
}
