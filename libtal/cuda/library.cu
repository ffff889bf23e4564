#include "libtal/cuda/launch.h"

std::int32_t tal_cuda_abi() { return kTalCudaAbi; }

const char* tal_cuda_message(std::int32_t code) {
  if (code == tal::cuda::kGridTooLarge) return "more blocks than a launch can have";
#ifdef __CUDACC__
  return cudaGetErrorString(static_cast<cudaError_t>(code));
#else
  return "unknown error";
#endif
}
