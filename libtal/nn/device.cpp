#include "libtal/nn/device.h"

#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <torch/torch.h>

#include <algorithm>
#include <thread>

#include "libtal/base/error.h"

namespace tal {

c10::Device open_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  const bool indexed = name.rfind("cuda:", 0) == 0 && name.size() > 5 && name.find_first_not_of("0123456789", 5) == std::string::npos && name.size() < 9;
  if (name != "cuda" && !indexed) throw UsageError("--device '" + name + "': must be cpu, cuda or cuda:N");
  // libtorch_cuda registers its kernels when it is loaded; its folder is that of libtorch_cpu (RUNPATH).
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL)) throw Error("--device " + name + ": LibTorch's CUDA library cannot be opened: " + std::string(dlerror()));
  if (!torch::cuda::is_available()) throw Error("--device " + name + ": no CUDA device was found");
  const int index = indexed ? std::stoi(name.substr(5)) : 0;
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (index >= count) throw Error("--device " + name + ": there are " + std::to_string(count) + " CUDA devices");
  return c10::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void start_computing(int threads) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it takes
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
  torch::set_num_threads(threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
}

}  // namespace tal
