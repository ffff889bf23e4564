// Sums over several GPUs by NCCL. Its library (libnccl.so.2) comes with LibTorch's CUDA library and is opened by its
// plain C interface when a run needs it: no build does.
#pragma once

#include <ATen/core/TensorBody.h>
#include <c10/core/Device.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <vector>

namespace tal {

class NcclGroup {
 public:
  // The first process's ticket, as bytes, to all: gets it in process 0, which hands it out, and empty bytes elsewhere.
  using Share = std::function<std::vector<std::uint8_t>(std::vector<std::uint8_t>)>;

  // Meets the others, each with a GPU of its own. Error when NCCL cannot be opened, or says one.
  NcclGroup(int rank, int size, c10::Device device, std::chrono::seconds timeout, const Share& share);
  ~NcclGroup();
  NcclGroup(const NcclGroup&) = delete;
  NcclGroup& operator=(const NcclGroup&) = delete;

  // In place; contiguous tensors on the device. Both return when it is done. Error when a process is gone, at the
  // latest after the timeout.
  void sum(const at::Tensor& values);
  void broadcast(const at::Tensor& values);  // from process 0

 private:
  struct Library;
  void check(int code, const char* what) const;
  void wait() const;
  std::unique_ptr<Library> library_;
  void* communicator_ = nullptr;
  c10::Device device_;
  std::chrono::seconds timeout_;
};

}  // namespace tal
