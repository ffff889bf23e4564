#include "libtal/nn/shapes.h"

#include <string>

#include "libtal/base/error.h"

namespace tal {
namespace {

std::string text_of(const AxisSize& axis) {
  const std::string size = std::to_string(axis.size());
  switch (axis.rule()) {
    case AxisSize::Rule::kAtLeast: return axis.size() <= 0 ? "any" : size + " or more";
    case AxisSize::Rule::kMultipleOf: return "a multiple of " + size;
    case AxisSize::Rule::kAxes: return "...";
    case AxisSize::Rule::kExactly: break;
  }
  return size;
}

template <class Sizes, class Text>
std::string listing(const Sizes& sizes, Text&& text) {
  std::string all;
  for (const auto& size : sizes) all += (all.empty() ? "" : ", ") + text(size);
  return "[" + all + "]";
}

std::string sizes_of(const at::Tensor& tensor) {
  if (!tensor.defined()) return "an undefined tensor";
  return listing(tensor.sizes(), [](std::int64_t size) { return std::to_string(size); });
}

}  // namespace

bool has_shape(const at::Tensor& tensor, std::initializer_list<AxisSize> sizes) {
  if (!tensor.defined()) return false;
  const auto dim = tensor.dim(), listed = static_cast<std::int64_t>(sizes.size());
  const AxisSize* first = sizes.begin();
  const AxisSize* last = sizes.end();
  std::int64_t axis = 0;  // of the tensor, that `first` is about
  if (listed > 0 && first->rule() == AxisSize::Rule::kAxes) {
    ++first, axis = dim - (listed - 1);
    if (axis < 0) return false;
  } else if (listed > 0 && (last - 1)->rule() == AxisSize::Rule::kAxes) {
    --last;
    if (dim < listed - 1) return false;
  } else if (dim != listed) {
    return false;
  }
  for (; first != last; ++first, ++axis)
    if (!first->fits(tensor.size(axis))) return false;
  return true;
}

void throw_shape(const at::Tensor& tensor, std::initializer_list<AxisSize> sizes, const char* what) {
  throw Error(std::string(what) + " must be " + listing(sizes, text_of) + ", not " + sizes_of(tensor));
}

void throw_shape(const at::Tensor& tensor, const at::Tensor& like, const char* what) {
  throw Error(std::string(what) + " must be " + sizes_of(like) + ", not " + sizes_of(tensor));
}

void throw_type(const char* what) { throw Error(std::string(what) + " must be float32 on the CPU"); }

}  // namespace tal
