#include "libtal/nn/cuda_kernels.h"

#include <c10/core/impl/VirtualGuardImpl.h>
#include <c10/util/Exception.h>

#include <optional>

#include "libtal/base/error.h"
#include "libtal/base/shared_library.h"

namespace tal {
namespace {

constexpr const char* kLibrary = "libtal_cuda.so";

struct Opened {
  bool found = false;
  std::string state;
  CudaKernels kernels = {};
};

template <class Function>
void resolve(const SharedLibrary& library, const char* name, Function& function) {
  function = library.symbol<Function>(name);
}

Opened open_library() {
  Opened opened;
  std::optional<SharedLibrary> found;
  try {
    found.emplace(kLibrary);
  } catch (const Error& error) {
#ifdef TAL_CUDA_ARCHITECTURES
    throw Error("this build has CUDA kernels, but their library cannot be opened: " + error.message());  // what
                                                                                                         // --version
                                                                                                         // says is what
                                                                                                         // computes
#else
    opened.state = "LibTorch's operations only, " + error.message();
    return opened;
#endif
  }
  const SharedLibrary& library = *found;
  decltype(&tal_cuda_abi) abi = nullptr;
  resolve(library, "tal_cuda_abi", abi);
  if (abi() != kTalCudaAbi)
    throw Error(std::string(kLibrary) + " is not of this version: interface " + std::to_string(abi()) + ", not " +
                std::to_string(kTalCudaAbi));
  CudaKernels& k = opened.kernels;
  resolve(library, "tal_cuda_message", k.message);
  resolve(library, "tal_cuda_matching_forward", k.matching_forward);
  resolve(library, "tal_cuda_matching_backward", k.matching_backward);
  resolve(library, "tal_cuda_roi_points", k.roi_points);
  resolve(library, "tal_cuda_roi_forward", k.roi_forward);
  resolve(library, "tal_cuda_roi_backward", k.roi_backward);
  resolve(library, "tal_cuda_scan_forward", k.scan_forward);
  resolve(library, "tal_cuda_scan_backward", k.scan_backward);
  resolve(library, "tal_cuda_max_pool", k.max_pool);
  opened.found = true;
  opened.state = kLibrary;
  return opened;
}

const Opened& opened() {
  static const Opened once = open_library();
  return once;
}

}  // namespace

void CudaKernels::check(std::int32_t code, const char* layer) const {
  if (code != 0) throw Error(std::string(layer) + " on CUDA: " + message(code) + " (" + std::to_string(code) + ")");
}

const CudaKernels* cuda_kernels() { return opened().found ? &opened().kernels : nullptr; }

const CudaKernels* kernels_for(const at::Tensor& tensor) {
  return tensor.is_cuda() && tensor.scalar_type() == at::kFloat ? cuda_kernels() : nullptr;
}

std::string cuda_kernels_state() { return opened().state; }

TalCudaQueue queue_of(const at::Tensor& tensor) {
  const auto device = tensor.device();
  if (device.is_cpu()) return {0, nullptr};
  try {
    return {device.index(), c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle()};
  } catch (const c10::Error& error) {
    throw Error(std::string("this LibTorch does not tell its CUDA stream: ") + error.what_without_backtrace());
  }
}

}  // namespace tal
