// What several training processes say to each other; one process says nothing.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <vector>

namespace tal {

class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  virtual void sum(std::vector<at::Tensor>&) {}        // in place, over all processes
  virtual void broadcast(std::vector<at::Tensor>&) {}  // in place, from rank 0
};

}  // namespace tal
