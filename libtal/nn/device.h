// Where tensors live. One build serves machines with and without a GPU: CUDA is opened at run time.
#pragma once

#include <c10/core/Device.h>

#include <string>

namespace tal {

// "cpu", "cuda" or "cuda:1". UsageError for anything else; Error when CUDA cannot be used here, with the reason.
c10::Device open_device(const std::string& name);

}  // namespace tal
