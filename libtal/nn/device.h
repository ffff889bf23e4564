// Where tensors live and what computes them. One build serves machines with and without a GPU: CUDA is opened at run time.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace tal {

// "cpu", "cuda" or "cuda:1". UsageError for anything else; Error when CUDA cannot be used here, with the reason.
c10::Device open_device(const std::string& name);

// LibTorch's threads; 0: one a core. Memory of tensors that are freed stays with the process (where the C library is glibc): given back after every
// operation and cleared again for the next one, it takes as long as the smaller operations themselves.
void start_computing(int threads);

}  // namespace tal
