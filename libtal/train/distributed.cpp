#include "libtal/train/distributed.h"

#include <cstdlib>
#include <optional>
#include <string>

#include "libtal/base/error.h"
#include "libtal/base/number.h"

#ifdef TAL_HAVE_GLOO
#define USE_C10D_GLOO
#include <torch/csrc/distributed/c10d/PrefixStore.hpp>
#include <torch/csrc/distributed/c10d/ProcessGroupGloo.hpp>
#include <torch/csrc/distributed/c10d/TCPStore.hpp>
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

#ifdef TAL_HAVE_GLOO

// LibTorch's Gloo backend: sums and broadcasts in one order for everybody. A process that is gone makes the others fail
// at their next exchange, at the latest after the timeout (TAL_DISTRIBUTED_TIMEOUT seconds, default 300).
class GlooCommunicator : public Communicator {
 public:
  explicit GlooCommunicator(const Place& place) : place_(place) {
    const auto address = variable("MASTER_ADDR").value_or("127.0.0.1");
    const auto port = variable("MASTER_PORT");
    if (!port) throw Error("several processes, but MASTER_PORT (and MASTER_ADDR) do not say where they meet");
    const auto seconds = std::chrono::seconds(
        integer_of(variable("TAL_DISTRIBUTED_TIMEOUT").value_or("300"), "TAL_DISTRIBUTED_TIMEOUT"));
    guarded("meeting at " + address + ":" + *port, [&] {
      c10d::TCPStoreOptions options;
      options.port = static_cast<std::uint16_t>(integer_of(*port, "MASTER_PORT"));
      // torchrun's own agent serves the store and says so.
      options.isServer = place.rank == 0 && variable("TORCHELASTIC_USE_AGENT_STORE").value_or("") != "True";
      options.numWorkers = static_cast<std::size_t>(place.size);
      options.timeout = std::chrono::duration_cast<std::chrono::milliseconds>(seconds);
      const auto store =
          c10::make_intrusive<c10d::PrefixStore>("tal", c10::make_intrusive<c10d::TCPStore>(address, options));
      auto gloo = c10d::ProcessGroupGloo::Options::create_default(
          std::chrono::duration_cast<std::chrono::milliseconds>(seconds));
      gloo->devices.push_back(address == "127.0.0.1" || address == "localhost"
                                  ? c10d::ProcessGroupGloo::createDeviceForHostname("127.0.0.1")
                                  : c10d::ProcessGroupGloo::createDefaultDevice());
      group_ = c10::make_intrusive<c10d::ProcessGroupGloo>(store, place.rank, place.size, gloo);
    });
  }
  int rank() const override { return place_.rank; }
  int size() const override { return place_.size; }
  void sum(std::vector<at::Tensor>& tensors) override {
    // One message per dtype instead of one per tensor.
    flat(tensors, [&](at::Tensor& all) {
      std::vector<at::Tensor> one = {all};
      guarded("summing gradients", [&] { group_->allreduce(one)->wait(); });
    });
  }
  void broadcast(std::vector<at::Tensor>& tensors) override {
    flat(tensors, [&](at::Tensor& all) {
      std::vector<at::Tensor> one = {all};
      guarded("sharing weights", [&] { group_->broadcast(one)->wait(); });
    });
  }

 private:
  template <class Fn>
  void guarded(const std::string& what, Fn&& fn) {
    try {
      fn();
    } catch (const Error&) {
      throw;
    } catch (const std::exception& error) {
      const std::string text = error.what();
      throw Error("process " + std::to_string(place_.rank) + " of " + std::to_string(place_.size) + ": " + what +
                  " failed; another process may have died (" + text.substr(0, text.find('\n')) + ")");
    }
  }
  template <class Fn>
  static void flat(std::vector<at::Tensor>& tensors, Fn&& exchange) {
    std::map<at::ScalarType, std::vector<at::Tensor>> by_type;
    for (auto& tensor : tensors) by_type[tensor.scalar_type()].push_back(tensor);
    for (auto& [type, group] : by_type) {
      std::vector<at::Tensor> pieces;
      for (const auto& tensor : group) pieces.push_back(tensor.detach().reshape(-1).cpu());
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
  c10::intrusive_ptr<c10d::ProcessGroupGloo> group_;
};

#endif

}  // namespace

std::unique_ptr<Communicator> make_communicator() {
  const Place place = find_place();
  if (place.size == 1) return std::make_unique<Communicator>();
#ifdef TAL_HAVE_GLOO
  return std::make_unique<GlooCommunicator>(place);
#else
  throw Error("started as process " + std::to_string(place.rank) + " of " + std::to_string(place.size) +
              ", but this build has no Gloo headers (package libgloo-dev)");
#endif
}

}  // namespace tal
