// The boundary-matching layer of BMN and BSN++ by re-association.
//
//   y[b, p, o] = act(bias[o] + sum_n sum_c W[o, c, n] sum_tau M[tau, n, j, i] F[b, c, tau])      p = proposal (j, i)
//              = act(bias[o] + sum_n sum_tau M[tau, n, j, i] G[b, tau, n, o]),   G[b, tau, n, o] = sum_c W[o, c, n]
//              F[b, c, tau]
//
// M is BMN's sampling: proposal (j, i), rows i .. i + j, is widened by `widen` (j + 1) on both sides and read at N *
// per_bin equally spaced points, linear between rows; sample n is the mean of its per_bin points; rows outside 0 .. T -
// 1 give nothing. M depends on tau - i only, so that for each (j, n) the second sum is a short convolution along time.
// Sampling first and convolving then takes 2 C N O L operations and a C N D T intermediate (50 GFLOP and 164 MB a
// sample at T = D = 100, N = 32, 128 -> 512); this form takes 2 C N O T + 2 taps N O L, about 0.9 GFLOP, and a few MB,
// and computes valid proposals (i + j < T) only. Error for inputs of another shape (libtal/nn/shapes.h).
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

namespace tal {

struct BoundaryMatchingSpec {
  std::int64_t rows = 100;       // T
  std::int64_t durations = 100;  // D, longest proposal in rows; at most T
  std::int64_t samples = 32;     // N
  std::int64_t per_bin = 3;      // points a sample is the mean of
  double widen = 0.5;            // of the length, each side
  bool truncate = false;         // public PyTorch checkpoints: points in (-1, 0) count as row 0
  bool operator==(const BoundaryMatchingSpec&) const = default;
  auto operator<=>(const BoundaryMatchingSpec&) const = default;
};

// The sampling of one spec; immutable, shared by all layers that use it.
class BoundaryMatchingTable {
 public:
  explicit BoundaryMatchingTable(const BoundaryMatchingSpec& spec);  // Error for sizes below 1 or D > T

  const BoundaryMatchingSpec& spec() const { return spec_; }
  std::int64_t proposals() const { return proposals_; }  // L, valid (j, i), numbered by j, then i
  std::int64_t first(std::int64_t j) const {
    return first_[static_cast<std::size_t>(j)];
  }                                                           // number of proposal (j, 0); j = D: L
  const at::Tensor& positions() const { return positions_; }  // [L] int64, j T + i
  const at::Tensor& valid() const { return valid_; }          // [D, T] bool
  at::Tensor mask() const;                                    // M as [T, N, D, T] float64, 0 at invalid proposals

  // Weight of row i + offset + k for (j, n): weights[begin + k], k < count.
  struct Taps {
    std::int32_t offset = 0, begin = 0, count = 0;
  };
  const Taps& taps(std::int64_t j, std::int64_t n) const {
    return taps_[static_cast<std::size_t>(j * spec_.samples + n)];
  }
  const double* weights(double) const { return weights_.data(); }
  const float* weights(float) const { return weights32_.data(); }

  // What truncation adds to a proposal: weight of row 0 for sample n. Only where spec().truncate.
  struct Extra {
    std::int32_t sample = 0;
    double weight = 0;
  };
  std::span<const Extra> extras(std::int64_t proposal) const {
    const std::size_t* begin = extra_begin_.data() + proposal;
    return {extras_.data() + begin[0], begin[1] - begin[0]};
  }

 private:
  void add_extras();

  BoundaryMatchingSpec spec_;
  std::int64_t proposals_ = 0;
  std::vector<std::int64_t> first_;
  std::vector<Taps> taps_;
  std::vector<double> weights_;
  std::vector<float> weights32_;
  std::vector<Extra> extras_;
  std::vector<std::size_t> extra_begin_;  // [L + 1]
  at::Tensor positions_, valid_;
};

// Built once per spec and kept. Thread safe.
std::shared_ptr<const BoundaryMatchingTable> boundary_matching_table(const BoundaryMatchingSpec& spec);

// features [B, C, T], weight [O, C, N] or [O, C, N, 1, 1], bias [O] or undefined -> [B, L, O], contiguous; float or
// double. relu: max(0, .) in the same pass. Differentiable in features, weight and bias; the gradients are
// re-associated the same way. The result does not depend on the number of threads. CUDA: boundary_matching_dense() in
// tf32 and half types, whose type the result has then, boundary_matching_cuda.h (float, where its library is), else
// boundary_matching_products().
at::Tensor boundary_matching(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& bias,
                             const BoundaryMatchingTable& table, bool relu);
// The same re-association with M as a sparse matrix [L, T N], in LibTorch's operations; any device.
at::Tensor boundary_matching_products(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& bias,
                                      const BoundaryMatchingTable& table, bool relu);
// The same with the zeros of M, as one product: what boundary_matching() takes on CUDA in tf32 and half types. The
// result has the type of that product.
at::Tensor boundary_matching_dense(const at::Tensor& features, const at::Tensor& weight, const at::Tensor& bias,
                                   const BoundaryMatchingTable& table, bool relu);

}  // namespace tal
