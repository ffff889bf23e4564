// Where tensors live, and in which precision they are computed. One build runs on machines with and without a GPU: CUDA
// is loaded at run time, when a device asks for it.
#pragma once

#include <ATen/core/TensorBody.h>
#include <c10/core/Device.h>
#include <c10/core/impl/LocalDispatchKeySet.h>
#include <c10/core/ScalarType.h>

#include <cstdint>
#include <string>

namespace tal {

// The device with this name: "cpu", "cuda" or "cuda:1". UsageError for any other name, and, with the reason, when
// CUDA cannot be used here, our own kernels' library included: asking for it is then a mistake of the command line, and
// no record's.
c10::Device open_device(const std::string& name);

// Seeds LibTorch's generators. LibTorch looks for CUDA when it is first asked for one and remembers what it found: a
// device must have been opened before, hence the argument.
void seed_generators(const c10::Device& opened, std::uint64_t seed);

// Call once before the first tensor. threads: of LibTorch's operations; 0: one for each core.
// It also lets the process keep the memory of freed tensors (with glibc). Otherwise each operation would give its
// memory back to the system and the next one would get it again, cleared: as slow as the smaller operations themselves.
void start_computing(int threads);

// What --precision names (libtal/base/precision.h). `type`: of the factors of products and convolutions, for Autocast.
struct Precision {
  c10::ScalarType type = c10::kFloat;
  bool tf32 = false;  // CUDA may round float32 factors to TF32's 10 bits
};
// Takes effect for the whole process: LibTorch itself would compute float32 convolutions on CUDA in TF32, here
// "float32" means it, and "tf32" covers products, convolutions and recurrent layers alike. UsageError for a name that
// precision_names() lacks, and on the CPU for "tf32", of which it has no arithmetic, and "float16", in which it has no
// convolutions.
Precision set_precision(const std::string& name, const c10::Device& device);

// Text on which features depend besides their network, for the hash in their header, such as
// "device=cuda precision=BFloat16 torch=2.11.0". float32 is not named.
std::string computing_parameters(const c10::Device& device, const Precision& precision);

// LibTorch's autocast for the calling thread, from construction to destruction: products and convolutions compute in
// `type`; operations that need more precision stay in float32. With kFloat nothing changes.
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

// In which type a product or convolution of x computes: Autocast's where it is on, else x's own.
c10::ScalarType computed_type(const at::Tensor& x);
// Of float32 on that device.
c10::ScalarType computed_type(const c10::Device& device);

// Switches Autocast off for the calling thread, from construction to destruction. For our own kernels, which compute in
// the type of their weights, and for recurrent layers.
class OwnPrecision {
 public:
  OwnPrecision();

 private:
  c10::impl::ExcludeDispatchKeyGuard guard_;
};

// What a loss computes with, under an OwnPrecision: half types as float32, others as they are, undefined stays so. A
// probability near 1 or a sum over a batch has no digits left in 8 or 11 bits, and LibTorch refuses some losses there.
at::Tensor widened(const at::Tensor& output);

}  // namespace tal
