#include "libtal/sound/fourier.h"

#include <cmath>
#include <numbers>

#include "libtal/base/error.h"

namespace tal {
namespace {

using Complex = std::complex<double>;

// Without the operator's care for infinities, which costs a call.
Complex times(Complex a, Complex b) {
  return {a.real() * b.real() - a.imag() * b.imag(), a.real() * b.imag() + a.imag() * b.real()};
}
Complex turned(Complex a) { return {a.imag(), -a.real()}; }  // by -90 degrees: times -i

std::vector<Complex> roots_of_unity(std::size_t count, std::size_t of) {
  std::vector<Complex> out;
  for (std::size_t k = 0; k < count; ++k)
    out.push_back(std::polar(1.0, -2 * std::numbers::pi * static_cast<double>(k) / static_cast<double>(of)));
  return out;
}

std::size_t radix_of(std::size_t length) {
  for (const std::size_t radix : {4, 2, 3, 5})
    if (length % radix == 0) return radix;
  return 0;
}

}  // namespace

Fourier::Fourier(std::size_t length) : length_(length), half_(length % 2 == 0 ? length / 2 : length) {
  std::size_t rest = length;
  while (rest > 1 && radix_of(rest) > 0) rest /= radix_of(rest);
  if (rest != 1)
    throw UsageError("the length of a Fourier transform must be a product of 2, 3 and 5, not " +
                     std::to_string(length));
  roots_ = roots_of_unity(half_, half_);
  if (half_ != length_) real_roots_ = roots_of_unity(half_ / 2 + 1, length_);
}

// Decimation in time (Cooley and Tukey): `radix` transforms of every radix-th number, put together.
void Fourier::pass(std::size_t length, const Complex* in, std::size_t stride, Complex* out) const {
  if (length == 1) {
    *out = *in;
    return;
  }
  const std::size_t radix = radix_of(length), part = length / radix, step = half_ / length;
  for (std::size_t q = 0; q < radix; ++q) pass(part, in + q * stride, stride * radix, out + q * part);
  Complex t[5];
  for (std::size_t k = 0; k < part; ++k) {
    t[0] = out[k];
    for (std::size_t q = 1; q < radix; ++q) t[q] = times(out[q * part + k], roots_[q * k * step]);
    if (radix == 2) {
      out[k] = t[0] + t[1], out[part + k] = t[0] - t[1];
    } else if (radix == 4) {
      const Complex even = t[0] + t[2], odd = t[1] + t[3], less = t[0] - t[2], turn = turned(t[1] - t[3]);
      out[k] = even + odd, out[part + k] = less + turn, out[2 * part + k] = even - odd, out[3 * part + k] = less - turn;
    } else {
      for (std::size_t r = 0; r < radix; ++r) {
        Complex sum = t[0];
        for (std::size_t q = 1; q < radix; ++q) sum += times(t[q], roots_[q * r % radix * part * step]);
        out[r * part + k] = sum;
      }
    }
  }
}

void Fourier::transform(std::span<const double> x, std::span<Complex> out) const {
  std::vector<Complex> in(half_), z(half_);
  if (half_ == length_) {
    for (std::size_t n = 0; n < length_; ++n) in[n] = x[n];
    pass(half_, in.data(), 1, z.data());
    for (std::size_t k = 0; k <= length_ / 2; ++k) out[k] = z[k];
    return;
  }
  // Even and odd numbers as the two parts of complex ones: half the length, then taken apart.
  for (std::size_t n = 0; n < half_; ++n) in[n] = {x[2 * n], x[2 * n + 1]};
  pass(half_, in.data(), 1, z.data());
  for (std::size_t k = 0; k <= half_ / 2; ++k) {
    const Complex a = z[k], b = std::conj(z[k == 0 ? 0 : half_ - k]);
    const Complex even = 0.5 * (a + b), odd = times(turned(0.5 * (a - b)), real_roots_[k]);
    out[k] = even + odd;
    out[half_ - k] = std::conj(even - odd);
  }
}

}  // namespace tal
