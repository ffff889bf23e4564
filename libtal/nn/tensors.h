// LibTorch tensors as plain memory: for records, and for the named arrays of safetensors files.
#pragma once

#include <ATen/ATen.h>

#include <map>
#include <string>

#include "libtal/io/safetensors.h"

namespace tal {

// On the processor, float32, contiguous: what records are written from, wherever and in whatever precision it was
// computed.
at::Tensor on_host(const at::Tensor& tensor);

// A copy of the view's data. Error for a dtype that LibTorch has no match for.
at::Tensor tensor_of(const TensorView& view);
// The tensor's bytes under a name. The tensor must outlive the view. Error unless it is contiguous and on the CPU, and
// for a type that a safetensors file cannot hold.
TensorView view_of(std::string name, const at::Tensor& tensor);

struct TensorFile {
  std::map<std::string, at::Tensor> tensors;
  std::map<std::string, std::string> metadata;
};
TensorFile read_tensors(const std::string& path);  // Error names the path
void write_tensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                   const std::map<std::string, std::string>& metadata);  // atomic

}  // namespace tal
