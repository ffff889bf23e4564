#include "libtal/train/distributed.h"

#include <chrono>
#include <cstdlib>
#include <initializer_list>
#include <optional>
#include <string>
#include <utility>

#include <torch/cuda.h>
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>

#include "libtal/base/error.h"
#include "libtal/base/number.h"
#include "libtal/train/nccl.h"

#ifdef TAL_HAVE_GLOO
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#endif

namespace tal {
namespace {

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? std::optional<std::string>(value) : std::nullopt;
}

int integer_of(const std::string& text, const std::string& name) {
  try {
    return static_cast<int>(parse_integer(text));
  } catch (const Error&) {
    throw Error(name + " is '" + text + "', not a number");
  }
}

struct Place {
  int rank = 0, size = 1;
};

Place find_place() {
  // torchrun, Open MPI, MPICH and Intel MPI, Slurm: the first that says both.
  for (const auto& [rank, size] : {std::pair{"RANK", "WORLD_SIZE"},
                                   {"OMPI_COMM_WORLD_RANK", "OMPI_COMM_WORLD_SIZE"},
                                   {"PMI_RANK", "PMI_SIZE"},
                                   {"SLURM_PROCID", "SLURM_NTASKS"}}) {
    const auto r = variable(rank), n = variable(size);
    if (!r || !n) continue;
    const Place place{integer_of(*r, rank), integer_of(*n, size)};
    if (place.size < 1 || place.rank < 0 || place.rank >= place.size)
      throw Error(std::string(rank) + "=" + *r + " does not fit " + size + "=" + *n);
    return place;
  }
  return {};
}

struct Meeting {
  std::string address = variable("MASTER_ADDR").value_or("127.0.0.1");
  int port = 0;
  std::chrono::seconds timeout{
      integer_of(variable("TAL_DISTRIBUTED_TIMEOUT").value_or("300"), "TAL_DISTRIBUTED_TIMEOUT")};
  Meeting() {
    const auto said = variable("MASTER_PORT");
    if (!said) throw Error("several processes, but MASTER_PORT (and MASTER_ADDR) do not say where they meet");
    port = integer_of(*said, "MASTER_PORT");
  }
  std::chrono::milliseconds milliseconds() const { return timeout; }
  std::string text() const { return "meeting at " + address + ":" + std::to_string(port); }
};

// Where the processes find each other: served by the first, or by torchrun's agent, which says so. The agent keeps its
// store over the tries of an elastic run, each of which needs names of its own.
c10::intrusive_ptr<c10d::Store> meet(const Place& place, const Meeting& meeting) {
  c10d::TCPStoreOptions options;
  options.port = static_cast<std::uint16_t>(meeting.port);
  options.isServer = place.rank == 0 && variable("TORCHELASTIC_USE_AGENT_STORE").value_or("") != "True";
  options.numWorkers = static_cast<std::size_t>(place.size);
  options.timeout = meeting.milliseconds();
  return c10::make_intrusive<c10d::PrefixStore>("tal/" + variable("TORCHELASTIC_RESTART_COUNT").value_or("0"),
                                                c10::make_intrusive<c10d::TCPStore>(meeting.address, options));
}

// One message per dtype instead of one per tensor. A process that is gone makes the others fail at their next exchange,
// at the latest after the timeout (TAL_DISTRIBUTED_TIMEOUT seconds, default 300).
class GroupCommunicator : public Communicator {
 public:
  GroupCommunicator(const Place& place, const c10::Device& device) : place_(place), device_(device) {}
  int rank() const override { return place_.rank; }
  int size() const override { return place_.size; }
  void sum(std::vector<at::Tensor>& tensors) override {
    flat(tensors, [&](at::Tensor& all) { guarded("summing gradients", [&] { sum_all(all); }); });
  }
  void broadcast(std::vector<at::Tensor>& tensors) override {
    flat(tensors, [&](at::Tensor& all) { guarded("sharing weights", [&] { broadcast_all(all); }); });
  }

 protected:
  virtual void sum_all(at::Tensor& all) = 0;
  virtual void broadcast_all(at::Tensor& all) = 0;

  template <class Fn>
  void guarded(const std::string& what, Fn&& fn) {
    try {
      fn();
    } catch (const std::exception& error) {
      const std::string text = error.what();
      throw Error("process " + std::to_string(place_.rank) + " of " + std::to_string(place_.size) + ": " + what +
                  " failed; another process may have died (" + text.substr(0, text.find('\n')) + ")");
    }
  }

 private:
  template <class Fn>
  void flat(std::vector<at::Tensor>& tensors, Fn&& exchange) {
    std::map<at::ScalarType, std::vector<at::Tensor>> by_type;
    for (auto& tensor : tensors) by_type[tensor.scalar_type()].push_back(tensor);
    for (auto& [type, group] : by_type) {
      std::vector<at::Tensor> pieces;
      for (const auto& tensor : group) pieces.push_back(tensor.detach().reshape(-1).to(device_));
      at::Tensor all = at::cat(pieces);
      exchange(all);
      std::int64_t at = 0;
      for (auto& tensor : group) {
        const auto part = all.narrow(0, at, tensor.numel());
        at += tensor.numel();
        at::NoGradGuard no_grad;
        tensor.detach().copy_(part.view_as(tensor));
      }
    }
  }

  Place place_;
  c10::Device device_;
};

class NcclCommunicator : public GroupCommunicator {
 public:
  NcclCommunicator(const Place& place, const c10::Device& device, const Meeting& meeting)
      : GroupCommunicator(place, device) {
    guarded(meeting.text(), [&] { store_ = meet(place, meeting); });
    group_ = std::make_unique<NcclGroup>(place.rank, place.size, device, meeting.timeout,
                                         [&](const std::vector<std::uint8_t>& ticket) {
                                           if (place.rank == 0) store_->set("nccl", ticket);
                                           return store_->get("nccl");
                                         });
  }

 private:
  void sum_all(at::Tensor& all) override { group_->sum(all); }
  void broadcast_all(at::Tensor& all) override { group_->broadcast(all); }
  c10::intrusive_ptr<c10d::Store> store_;  // the first process serves it to the others
  std::unique_ptr<NcclGroup> group_;
};

#ifdef TAL_HAVE_GLOO

// LibTorch's Gloo backend: sums and broadcasts in one order for everybody.
class GlooCommunicator : public GroupCommunicator {
 public:
  GlooCommunicator(const Place& place, const Meeting& meeting) : GroupCommunicator(place, torch::kCPU) {
    guarded(meeting.text(), [&] {
      auto gloo = c10d::ProcessGroupGloo::Options::create_default(meeting.milliseconds());
      gloo->devices.push_back(meeting.address == "127.0.0.1" || meeting.address == "localhost"
                                  ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                  : c10d::ProcessGroupGloo::createDefaultDevice());
      group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(meet(place, meeting), place.rank, place.size, gloo);
    });
  }

 private:
  void sum_all(at::Tensor& all) override {
    std::vector<at::Tensor> one = {all};
    group_->allreduce(one)->wait();
  }
  void broadcast_all(at::Tensor& all) override {
    std::vector<at::Tensor> one = {all};
    group_->broadcast(one)->wait();
  }
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};

#endif

}  // namespace

c10::Device own_device(const c10::Device& opened, const std::string& name) {
  if (name != "cuda" || find_place().size == 1) return opened;
  const auto count = static_cast<int>(torch::cuda::device_count());
  if (count == 1) return opened;  // the launcher shows each process its own
  for (const char* rank : {"LOCAL_RANK", "OMPI_COMM_WORLD_LOCAL_RANK", "MPI_LOCALRANKID", "SLURM_LOCALID"}) {
    const auto value = variable(rank);
    if (!value) continue;
    const int index = integer_of(*value, rank);
    if (index < 0 || index >= count)
      throw UsageError("--device cuda: " + std::string(rank) + " is " + *value + ", and there are " +
                       std::to_string(count) + " CUDA devices");
    return {opened.type(), static_cast<c10::DeviceIndex>(index)};
  }
  return opened;
}

std::unique_ptr<Communicator> make_communicator(const c10::Device& device) {
  const Place place = find_place();
  if (place.size == 1) return std::make_unique<Communicator>();
  const Meeting meeting;
  if (!device.is_cpu()) return std::make_unique<NcclCommunicator>(place, device, meeting);
#ifdef TAL_HAVE_GLOO
  return std::make_unique<GlooCommunicator>(place, meeting);
#else
  throw Error("started as process " + std::to_string(place.rank) + " of " + std::to_string(place.size) +
              ", but this build has no Gloo headers (package libgloo-dev)");
#endif
}

}  // namespace tal
