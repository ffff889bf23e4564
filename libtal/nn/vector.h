// Vectors of the processor's own width. A kernel is a template of the vector; it is compiled for each width and the
// widest one that the processor has is used.
#pragma once

#include <cstdint>
#include <cstring>

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__)
#define TAL_X86 1
#define TAL_TARGET_512 __attribute__((target("arch=x86-64-v4")))
#define TAL_TARGET_256 __attribute__((target("arch=x86-64-v3")))
#define TAL_VECTOR_CLONES __attribute__((target_clones("arch=x86-64-v4", "arch=x86-64-v3", "default")))
#else
#define TAL_TARGET_512
#define TAL_TARGET_256
#define TAL_VECTOR_CLONES
#endif
#define TAL_INLINE inline __attribute__((always_inline))

namespace tal {

// 64, 32 or 16: bytes of the vectors in use, the widest of the processor unless use_vectors() says less (for tests).
int vector_bytes();
void use_vectors(int most_bytes);
// What is compiled for the vectors in use; functions for 32 and 64 bytes are marked TAL_TARGET_256 and TAL_TARGET_512.
template <class Kernel>
Kernel of_vectors(Kernel bytes16, Kernel bytes32, Kernel bytes64) {
  const int bytes = vector_bytes();
  return bytes == 64 ? bytes64 : bytes == 32 ? bytes32 : bytes16;
}

// Floats that may begin anywhere. Types of a struct since a template's argument would lose their alignment.
struct Vector64 {
  typedef float type __attribute__((vector_size(64), aligned(4), may_alias));
  typedef std::int32_t integers __attribute__((vector_size(64)));
};
struct Vector32 {
  typedef float type __attribute__((vector_size(32), aligned(4), may_alias));
  typedef std::int32_t integers __attribute__((vector_size(32)));
};
struct Vector16 {
  typedef float type __attribute__((vector_size(16), aligned(4), may_alias));
  typedef std::int32_t integers __attribute__((vector_size(16)));
};
template <class S>
constexpr std::int64_t kFloats = sizeof(typename S::type) / sizeof(float);

template <class S>
TAL_INLINE typename S::type& at(float* values) {
  return *reinterpret_cast<typename S::type*>(values);
}
template <class S>
TAL_INLINE const typename S::type& at(const float* values) {
  return *reinterpret_cast<const typename S::type*>(values);
}
// The first `count` values; zeros behind them.
template <class S>
TAL_INLINE void load(typename S::type& value, const float* from, std::int64_t count) {
  if (count >= kFloats<S>) {
    value = at<S>(from);
  } else {
    value = typename S::type{};
    std::memcpy(&value, from, sizeof(float) * static_cast<std::size_t>(count));
  }
}
template <class S>
TAL_INLINE void store(float* to, const typename S::type& value, std::int64_t count) {
  if (count >= kFloats<S>) at<S>(to) = value;
  else if (count > 0) std::memcpy(to, &value, sizeof(float) * static_cast<std::size_t>(count));
}

// e^x to 2 units in the last place; x beyond -87 or 88 counts as that. NaN stays.
template <class S>
TAL_INLINE void exponential(typename S::type& x) {
  typedef typename S::type V;
  typedef typename S::integers I;
  constexpr float kShift = 12582912;  // 1.5 * 2^23: adding it rounds to whole numbers, which are then in the lowest
                                      // bits
  x = x < -87.0f ? V{} - 87.0f : x;
  x = x > 88.0f ? V{} + 88.0f : x;
  const V shifted = x * 1.44269504f + kShift, n = shifted - kShift;
  const V r = x - n * 0.693359375f + n * 2.12194440e-4f;
  const V p = ((((1.9875691500e-4f * r + 1.3981999507e-3f) * r + 8.3334519073e-3f) * r + 4.1665795894e-2f) * r +
               1.6666665459e-1f) *
                  r +
              5.0000001201e-1f;
  const V e = p * r * r + r + 1.0f;
  const I power = ((I)shifted << 23) + (127 << 23);  // 2^n; what is shifted out of the constant is a multiple of 2^9
  x = e * (V)power;
}

}  // namespace tal
