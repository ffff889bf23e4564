// Where tensors live and what computes them. One build serves machines with and without a GPU: CUDA is opened at run time.
#pragma once

#include <c10/core/Device.h>
#include <c10/core/ScalarType.h>
#include <c10/core/impl/LocalDispatchKeySet.h>

#include <string>

namespace tal {

// "cpu", "cuda" or "cuda:1". UsageError for anything else; Error when CUDA cannot be used here, with the reason.
c10::Device open_device(const std::string& name);

// LibTorch's threads; 0: one a core. Memory of tensors that are freed stays with the process (where the C library is glibc): given back after every
// operation and cleared again for the next one, it takes as long as the smaller operations themselves.
void start_computing(int threads);

// "float32", "bfloat16" or "float16", as --precision names them. UsageError for float16 on the processor, whose convolutions lack it.
c10::ScalarType precision_type(const std::string& name, const c10::Device& device);

// "device=cuda precision=BFloat16 torch=2.11.0": what features depend on beside their network, for the hash in their header. float32 is not named.
std::string computing_parameters(const c10::Device& device, c10::ScalarType precision);

// While it lives, on this thread: LibTorch's products and convolutions compute in `type`, what needs more stays in float32 (autocast). kFloat: nothing changes.
class Autocast {
 public:
  Autocast(const c10::Device& device, c10::ScalarType type);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  c10::DeviceType device_;
  bool on_;
};

// While it lives, Autocast does nothing: for kernels of ours, which compute in their weights' type, and for recurrences.
class OwnPrecision {
 public:
  OwnPrecision();

 private:
  c10::impl::ExcludeDispatchKeyGuard guard_;
};

}  // namespace tal
