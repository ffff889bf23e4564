// Random inputs of selective scans of many sizes, and gradients by differences.
#pragma once

#include <torch/torch.h>
#include <boost/test/unit_test.hpp>

#include <functional>
#include <ostream>
#include <vector>

#include "libtal/nn/selective_scan.h"

namespace tal::test {

struct ScanSize {
  std::int64_t batch, channels, steps, states;
};
inline std::ostream& operator<<(std::ostream& out, const ScanSize& s) {
  return out << s.batch << " sequences of " << s.channels << " channels, " << s.steps << " steps, " << s.states
             << " states";
}

inline const std::vector<ScanSize> kScans{{1, 1, 1, 1},   {3, 16, 1, 16},  {3, 17, 33, 16},  {1, 33, 31, 16},
                                          {2, 5, 64, 16}, {1, 130, 70, 7}, {3, 300, 40, 16}, {2, 128, 97, 3}};

// Leaves with gradients; `full`: with D, z, bias and softplus.
struct Scan {
  torch::Tensor u, delta, A, B, C, D, z, bias;
  bool softplus;

  Scan(const ScanSize& s, bool full) : softplus(full) {
    const auto random = [](std::initializer_list<std::int64_t> sizes) {
      return torch::randn(torch::IntArrayRef(sizes));
    };
    u = random({s.batch, s.channels, s.steps}), delta = random({s.batch, s.channels, s.steps}) - 1;
    if (!full) delta = delta.exp();
    A = -torch::rand({s.channels, s.states}) * 4 - 0.05;
    B = random({s.batch, s.states, s.steps}), C = random({s.batch, s.states, s.steps});
    if (full) D = random({s.channels}), z = random({s.batch, s.channels, s.steps}), bias = random({s.channels});
    track();
  }
  Scan to(const torch::TensorOptions& options) const {
    Scan other = *this;
    for (auto* t : other.all())
      if (t->defined()) *t = t->detach().to(options);
    other.track();
    return other;
  }
  torch::Tensor run() const { return selective_scan(u, delta, A, B, C, D, z, bias, softplus); }
  torch::Tensor plain() const { return selective_scan_reference(u, delta, A, B, C, D, z, bias, softplus); }
  std::vector<torch::Tensor> inputs() const {
    std::vector<torch::Tensor> defined;
    for (const auto& t : {u, delta, A, B, C, D, z, bias})
      if (t.defined()) defined.push_back(t);
    return defined;
  }

 private:
  std::vector<torch::Tensor*> all() { return {&u, &delta, &A, &B, &C, &D, &z, &bias}; }
  void track() {
    for (auto* t : all())
      if (t->defined()) t->requires_grad_();
  }
};

// Of the largest value.
inline double difference(const torch::Tensor& got, const torch::Tensor& want) {
  BOOST_TEST_REQUIRE((got.sizes() == want.sizes()));
  if (!want.numel()) return 0;
  const auto g = got.detach().cpu().to(torch::kDouble), w = want.detach().cpu().to(torch::kDouble);
  return ((g - w).abs().max() / w.abs().max().clamp_min(1e-30)).item<double>();
}

// Gradients of a random sum of what `function` gives, in double, with respect to `leaves` against differences along
// random directions.
inline void check_gradients(const std::function<torch::Tensor()>& function, const std::vector<torch::Tensor>& leaves) {
  const auto y = function(), up = torch::randn_like(y);
  const auto gradients = torch::autograd::grad({y}, leaves, {up});
  const torch::NoGradGuard guard;
  constexpr double kStep = 1e-5;
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    auto leaf = leaves[k];
    const auto direction = torch::randn_like(leaf), before = leaf.clone();
    leaf.copy_(before + direction * kStep);
    const double above = (function() * up).sum().item<double>();
    leaf.copy_(before - direction * kStep);
    const double below = (function() * up).sum().item<double>();
    leaf.copy_(before);
    const double want = (above - below) / (2 * kStep), got = (gradients[k] * direction).sum().item<double>();
    BOOST_TEST(std::abs(got - want) <= 1e-6 * (1 + std::abs(want)), "gradient " << k << ": " << got
                                                                                << ", by "
                                                                                   "differences "
                                                                                << want);
  }
}

}  // namespace tal::test
