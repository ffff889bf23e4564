#include "libtal/train/nccl.h"

#include <c10/core/DeviceGuard.h>
#include <c10/core/Event.h>
#include <c10/core/impl/VirtualGuardImpl.h>

#include <algorithm>
#include <cstddef>
#include <thread>

#include "libtal/base/error.h"
#include "libtal/base/shared_library.h"

namespace tal {
namespace {

// As nccl.h of NCCL 2 has them; its interface within a version 2 does not change.
struct Ticket {
  char bytes[128];
};
constexpr int kSuccess = 0, kInProgress = 7, kSum = 0;

int type_of(const at::Tensor& values) {
  switch (values.scalar_type()) {
    case at::kChar: return 0;
    case at::kByte:
    case at::kBool: return 1;
    case at::kInt: return 2;
    case at::kLong: return 4;
    case at::kHalf: return 6;
    case at::kFloat: return 7;
    case at::kDouble: return 8;
    case at::kBFloat16: return 9;
    default: throw Error(std::string("NCCL has no ") + c10::toString(values.scalar_type()));
  }
}

c10::Stream stream_of(const c10::Device& device) {
  return c10::impl::VirtualGuardImpl(device.type()).getStream(device);
}

}  // namespace

struct NcclGroup::Library {
  SharedLibrary file{"libnccl.so.2"};
  int (*ticket)(Ticket*) = file.symbol<decltype(ticket)>("ncclGetUniqueId");
  int (*meet)(void**, int, Ticket, int) = file.symbol<decltype(meet)>("ncclCommInitRank");
  int (*abort)(void*) = file.symbol<decltype(abort)>("ncclCommAbort");
  int (*state)(void*, int*) = file.symbol<decltype(state)>("ncclCommGetAsyncError");
  const char* (*message)(int) = file.symbol<decltype(message)>("ncclGetErrorString");
  int (*sum)(const void*, void*, std::size_t, int, int, void*, void*) = file.symbol<decltype(sum)>("ncclAllReduce");
  int (*broadcast)(const void*, void*, std::size_t, int, int, void*,
                   void*) = file.symbol<decltype(broadcast)>("ncclBroadcast");
};

NcclGroup::NcclGroup(int rank, int size, c10::Device device, std::chrono::seconds timeout, const Share& share)
    : library_(std::make_unique<Library>()), device_(device), timeout_(timeout) {
  const c10::DeviceGuard guard(device_);
  Ticket ticket{};
  if (rank == 0) check(library_->ticket(&ticket), "a ticket");
  const auto bytes = share(rank == 0 ? std::vector<std::uint8_t>(ticket.bytes, ticket.bytes + sizeof ticket.bytes)
                                     : std::vector<std::uint8_t>());
  if (bytes.size() != sizeof ticket.bytes) throw Error("NCCL: a ticket of " + std::to_string(bytes.size()) + " bytes");
  std::copy(bytes.begin(), bytes.end(), ticket.bytes);
  check(library_->meet(&communicator_, size, ticket, rank), "meeting");
}

// Abort, not destroy: that would wait for processes that may be gone. All that was asked for is done.
NcclGroup::~NcclGroup() {
  if (communicator_) library_->abort(communicator_);
}

void NcclGroup::sum(const at::Tensor& values) {
  const c10::DeviceGuard guard(device_);
  check(library_->sum(values.data_ptr(), values.data_ptr(), static_cast<std::size_t>(values.numel()), type_of(values),
                      kSum, communicator_, stream_of(device_).native_handle()),
        "a sum");
  wait();
}

void NcclGroup::broadcast(const at::Tensor& values) {
  const c10::DeviceGuard guard(device_);
  check(library_->broadcast(values.data_ptr(), values.data_ptr(), static_cast<std::size_t>(values.numel()),
                            type_of(values), 0, communicator_, stream_of(device_).native_handle()),
        "a broadcast");
  wait();
}

void NcclGroup::check(int code, const char* what) const {
  if (code != kSuccess && code != kInProgress)
    throw Error(std::string("NCCL: ") + what + ": " + library_->message(code) + " (NCCL_DEBUG=INFO says more)");
}

// A kernel that waits for a process that is gone would never end: the host asks.
void NcclGroup::wait() const {
  c10::Event done(device_.type());
  done.record(stream_of(device_));
  const auto until = std::chrono::steady_clock::now() + timeout_;
  for (std::chrono::microseconds pause(1); !done.query(); pause = std::min(2 * pause, std::chrono::microseconds(200))) {
    int state = kSuccess;
    check(library_->state(communicator_, &state), "its state");
    check(state, "an exchange");
    if (std::chrono::steady_clock::now() > until)
      throw Error("NCCL: no answer within " + std::to_string(timeout_.count()) + " s");
    std::this_thread::sleep_for(pause);
  }
}

}  // namespace tal
