// Tables that depend on sizes alone, on the device that computes with them: copied there once, because a copy from
// memory that CUDA does not know waits for everything that the device still has to do.
#pragma once

#include <ATen/core/Tensor.h>

#include <map>
#include <mutex>
#include <utility>

namespace tal {

template <class Key>
class DeviceConstants {
 public:
  // Of this key on this device; make() gives it on the processor. Thread safe.
  template <class Make>
  at::Tensor get(const Key& key, const at::Device& device, const Make& make) {
    const std::lock_guard lock(mutex_);
    auto& kept = all_[{key, std::pair(device.type(), device.index())}];
    if (!kept.defined()) kept = make().to(device);
    return kept;
  }

 private:
  std::mutex mutex_;
  std::map<std::pair<Key, std::pair<at::DeviceType, at::DeviceIndex>>, at::Tensor> all_;
};

// As a static variable of a function: never destroyed, as CUDA may be gone by then.
template <class Key>
DeviceConstants<Key>& lasting_constants() {
  return *new DeviceConstants<Key>;
}

}  // namespace tal
