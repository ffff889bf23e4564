// Which shapes a layer takes, and the error for any other.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <initializer_list>

namespace tal {

// What the size of one axis must be. A plain number: exactly that.
class AxisSize {
 public:
  enum class Rule : std::uint8_t { kExactly, kAtLeast, kMultipleOf, kAxes };

  constexpr AxisSize(std::int64_t size) : size_(size) {}  // NOLINT: {B, 400} reads as a shape
  constexpr AxisSize(Rule rule, std::int64_t size) : rule_(rule), size_(size) {}
  constexpr Rule rule() const { return rule_; }
  constexpr std::int64_t size() const { return size_; }
  constexpr bool fits(std::int64_t size) const {
    return rule_ == Rule::kExactly   ? size == size_
           : rule_ == Rule::kAtLeast ? size >= size_
                                     : size > 0 && size % size_ == 0;
  }

 private:
  Rule rule_ = Rule::kExactly;
  std::int64_t size_;
};
constexpr AxisSize at_least(std::int64_t size) { return {AxisSize::Rule::kAtLeast, size}; }
// 1, 2, ... times `size`.
constexpr AxisSize multiple_of(std::int64_t size) { return {AxisSize::Rule::kMultipleOf, size}; }
inline constexpr AxisSize kAny = at_least(0);
// Any number of axes of any size, also none. First or last in a list, once.
inline constexpr AxisSize kAxes{AxisSize::Rule::kAxes, 0};

bool has_shape(const at::Tensor& tensor, std::initializer_list<AxisSize> sizes);
[[noreturn]] void throw_shape(const at::Tensor& tensor, std::initializer_list<AxisSize> sizes, const char* what);
[[noreturn]] void throw_shape(const at::Tensor& tensor, const at::Tensor& like, const char* what);
[[noreturn]] void throw_type(const char* what);

// Every layer calls this for its inputs, so that what does not fit is said in our words and never by
// LibTorch. It compares a few numbers: beside the layer it costs nothing. what: layer, input and its axes. An
// undefined tensor fits nothing.
//   check_shape(x, {kAny, 400, at_least(4)}, "BMN: features [B, C, T]");
// Error "BMN: features [B, C, T] must be [any, 400, 4 or more], not [2, 300, 10]".
inline void check_shape(const at::Tensor& tensor, std::initializer_list<AxisSize> sizes, const char* what) {
  if (!has_shape(tensor, sizes)) throw_shape(tensor, sizes, what);
}

// Error unless the tensor has the sizes of `like`, with the same words.
inline void check_same_shape(const at::Tensor& tensor, const at::Tensor& like, const char* what) {
  if (!tensor.defined() || !like.defined() || tensor.sizes() != like.sizes()) throw_shape(tensor, like, what);
}

// For what reads memory itself: Error "WHAT must be float32 on the CPU".
inline void check_float_on_cpu(const at::Tensor& tensor, const char* what) {
  if (!tensor.is_cpu() || tensor.scalar_type() != at::kFloat) throw_type(what);
}

}  // namespace tal
