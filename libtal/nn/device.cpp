#include "libtal/nn/device.h"

#include <dlfcn.h>
#ifdef __GLIBC__
#include <malloc.h>
#endif
#include <ATen/autocast_mode.h>
#include <torch/torch.h>

#include <algorithm>
#include <thread>

#include "libtal/base/error.h"
#include "libtal/base/precision.h"
#include "libtal/base/text.h"
#include "libtal/nn/cuda_kernels.h"

namespace tal {

c10::Device open_device(const std::string& name) {
  if (name == "cpu") return torch::kCPU;
  const bool indexed = name.rfind("cuda:", 0) == 0 && name.size() > 5 &&
                       name.find_first_not_of("0123456789", 5) == std::string::npos && name.size() < 9;
  if (name != "cuda" && !indexed) throw UsageError("--device '" + name + "': must be cpu, cuda or cuda:N");
  // libtorch_cuda registers its kernels when it is loaded; its folder is that of libtorch_cpu (RUNPATH).
  if (!dlopen("libtorch_cuda.so", RTLD_NOW | RTLD_GLOBAL))
    throw UsageError("--device " + name + ": LibTorch's CUDA library cannot be opened: " + std::string(dlerror()));
  if (!torch::cuda::is_available()) throw UsageError("--device " + name + ": no CUDA device was found");
  const int index = indexed ? std::stoi(name.substr(5)) : 0;
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (index >= count) throw UsageError("--device " + name + ": there are " + std::to_string(count) + " CUDA devices");
  try {
    cuda_kernels();  // now: later it would be a record that fails
  } catch (const Error& error) {
    throw UsageError("--device " + name + ": " + error.message());
  }
  return c10::Device(torch::kCUDA, static_cast<c10::DeviceIndex>(index));
}

void seed_generators(const c10::Device&, std::uint64_t seed) { torch::manual_seed(seed); }

void start_computing(int threads) {
#ifdef __GLIBC__
  mallopt(M_MMAP_THRESHOLD, 32 << 20);  // the most that it takes
  mallopt(M_TRIM_THRESHOLD, 512 << 20);
#endif
  torch::set_num_threads(threads > 0 ? threads : static_cast<int>(std::max(1u, std::thread::hardware_concurrency())));
}

Precision set_precision(const std::string& name, const c10::Device& device) {
  const auto& names = precision_names();
  if (std::find(names.begin(), names.end(), name) == names.end())
    throw UsageError("--precision '" + name + "': must be " + joined(names));
  const std::string on_cpu = "--precision " + name + " is for CUDA: ";
  if (name == "tf32" && device.is_cpu())
    throw UsageError(on_cpu + "TF32 is a GPU's arithmetic; the processor has float32 and bfloat16");
  if (name == "float16" && device.is_cpu())
    throw UsageError(on_cpu + "the processor has no convolutions in it; bfloat16 works there too");
  const Precision precision{name == "bfloat16"  ? c10::kBFloat16
                            : name == "float16" ? c10::kHalf
                                                : c10::kFloat,
                            name == "tf32"};
  if (!device.is_cpu()) {
    at::globalContext().setAllowTF32CuDNN(precision.tf32);
    at::globalContext().setFloat32MatmulPrecision(precision.tf32 ? "high" : "highest");
  }
  return precision;
}

std::string computing_parameters(const c10::Device& device, const Precision& precision) {
  return "device=" + std::string(device.is_cpu() ? "cpu" : "cuda") +
         (precision.tf32                  ? " precision=TF32"
          : precision.type != c10::kFloat ? std::string(" precision=") + c10::toString(precision.type)
                                          : "") +
         " torch=" + TORCH_VERSION;
}

Autocast::Autocast(const c10::Device& device, c10::ScalarType type) : device_(device.type()), on_(type != c10::kFloat) {
  if (!on_) return;
  at::autocast::set_autocast_enabled(device_, true);
  at::autocast::set_autocast_dtype(device_, type);
}

Autocast::~Autocast() {
  if (!on_) return;
  at::autocast::clear_cache();
  at::autocast::set_autocast_enabled(device_, false);
}

namespace {

c10::ScalarType computed_type_on(c10::DeviceType device, c10::ScalarType own) {
  return at::autocast::is_autocast_enabled(device) ? at::autocast::get_autocast_dtype(device) : own;
}

}  // namespace

c10::ScalarType computed_type(const at::Tensor& x) { return computed_type_on(x.device().type(), x.scalar_type()); }
c10::ScalarType computed_type(const c10::Device& device) { return computed_type_on(device.type(), at::kFloat); }

OwnPrecision::OwnPrecision() : guard_(c10::autocast_dispatch_keyset) {}

at::Tensor widened(const at::Tensor& output) {
  return output.defined() && (output.scalar_type() == at::kBFloat16 || output.scalar_type() == at::kHalf)
             ? output.to(at::kFloat)
             : output;
}

}  // namespace tal
