#include "libtal/nn/tensors.h"

#include <algorithm>

#include "libtal/base/error.h"

namespace tal {
namespace {

struct Match {
  Dtype dtype;
  at::ScalarType type;
};
constexpr Match kMatches[] = {{Dtype::kF64, at::kDouble},    {Dtype::kF32, at::kFloat}, {Dtype::kF16, at::kHalf},
                              {Dtype::kBF16, at::kBFloat16}, {Dtype::kI64, at::kLong},  {Dtype::kI32, at::kInt},
                              {Dtype::kI16, at::kShort},     {Dtype::kI8, at::kChar},   {Dtype::kU8, at::kByte},
                              {Dtype::kBool, at::kBool}};

}  // namespace

at::Tensor on_host(const at::Tensor& tensor) { return tensor.to(at::kCPU, at::kFloat).contiguous(); }

at::Tensor tensor_of(const TensorView& view) {
  for (const auto& match : kMatches)
    if (view.dtype == match.dtype) {
      at::Tensor tensor = at::empty(view.shape, at::TensorOptions(match.type));
      std::copy(view.data.begin(), view.data.end(), static_cast<char*>(tensor.data_ptr()));
      return tensor;
    }
  throw Error("tensor '" + view.name + "': dtype " + std::string(dtype_name(view.dtype)) + " is not supported here");
}

TensorView view_of(std::string name, const at::Tensor& tensor) {
  if (!tensor.is_contiguous() || !tensor.is_cpu())
    throw Error("tensor '" + name + "': only one that is contiguous and on the CPU can be viewed");
  for (const auto& match : kMatches)
    if (tensor.scalar_type() == match.type)
      return {std::move(name),
              match.dtype,
              tensor.sizes().vec(),
              {static_cast<const char*>(tensor.data_ptr()), tensor.nbytes()}};
  throw Error("tensor '" + name + "': its type cannot be stored");
}

TensorFile read_tensors(const std::string& path) {
  const SafeTensorsFile file(path);
  TensorFile content;
  content.metadata = file.content().metadata;
  for (const auto& view : file.content().tensors) try {
      content.tensors.emplace(view.name, tensor_of(view));
    } catch (const Error& error) {
      throw Error("'" + path + "': " + error.message());
    }
  return content;
}

void write_tensors(const std::string& path, const std::map<std::string, at::Tensor>& tensors,
                   const std::map<std::string, std::string>& metadata) {
  std::vector<at::Tensor> kept;
  std::vector<TensorView> views;
  for (const auto& [name, tensor] : tensors) {
    kept.push_back(tensor.detach().cpu().contiguous());
    views.push_back(view_of(name, kept.back()));
  }
  write_safetensors(path, std::move(views), metadata);
}

}  // namespace tal
