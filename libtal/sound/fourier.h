// The discrete Fourier transform of real numbers, of any length whose prime factors are 2, 3 and 5.
#pragma once

#include <complex>
#include <cstddef>
#include <span>
#include <vector>

namespace tal {

class Fourier {
 public:
  // UsageError for another length.
  explicit Fourier(std::size_t length);
  std::size_t length() const { return length_; }
  // X_k = sum over n of x_n exp(-2 pi i k n / N), k = 0 .. N / 2 (rounded down). Both have their whole length. Cost
  // O(N log N). Safe to call from several threads.
  void transform(std::span<const double> x, std::span<std::complex<double>> out) const;

 private:
  using Complex = std::complex<double>;
  void pass(std::size_t length, const Complex* in, std::size_t stride, Complex* out) const;
  std::size_t length_, half_;        // half_: of the complex transform that does the work
  std::vector<Complex> roots_;       // exp(-2 pi i k / half_)
  std::vector<Complex> real_roots_;  // exp(-2 pi i k / length_); empty for an odd length
};

}  // namespace tal
