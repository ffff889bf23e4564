// What the CUDA kernels are tried on: on the host as C++ (cuda_host.cpp) and on a GPU (cuda_twins.cpp), against the
// CPU's layers.
#pragma once

#include <torch/torch.h>
#include <boost/test/unit_test.hpp>

#include "libtal/nn/boundary_matching_cuda.h"
#include "libtal/nn/max_pool.h"
#include "libtal/nn/roi_align_1d_cuda.h"
#include "libtal/nn/selective_scan_cuda.h"
#include "tests/nn/scan_cases.h"

namespace tal::test {

inline double relative_difference(const torch::Tensor& got, const torch::Tensor& want) {
  const auto g = got.detach().cpu().to(torch::kDouble), w = want.detach().cpu().to(torch::kDouble);
  BOOST_TEST_REQUIRE((g.sizes() == w.sizes()));
  return ((g - w).abs().max() / w.abs().max().clamp_min(1e-30)).item<double>();
}

constexpr double kLimit = 1e-4;

// The layer and its three gradients by `kernels` on `device` against the CPU's, over many sizes: fewer rows than a
// thread's columns, filters that do not fill a block, one of everything, truncation, proposals shorter than the rows.
inline void compare_boundary_matching(const CudaKernels& kernels, const torch::Device& device, bool large) {
  struct Size {
    std::int64_t batch, channels, filters, rows, durations, samples, per_bin;
    double widen;
    bool truncate;
  };
  std::vector<Size> sizes{{2, 5, 17, 13, 13, 4, 3, 0.5, false},  {1, 3, 140, 24, 10, 7, 3, 0.5, true},
                          {3, 4, 8, 9, 9, 2, 1, 0, false},       {1, 1, 1, 1, 1, 1, 1, 0.5, false},
                          {2, 2, 33, 30, 30, 8, 3, 2.0, true},   {1, 3, 9, 5, 3, 3, 2, 1.0, true},
                          {1, 8, 130, 40, 40, 16, 3, 0.5, false}};
  if (large)
    sizes.push_back({3, 128, 512, 100, 100, 32, 3, 0.5, false}),
        sizes.push_back({2, 128, 512, 100, 100, 32, 3, 0.5, true});
  torch::manual_seed(8);
  for (const Size& s : sizes)
    for (const bool relu : {false, true})
      for (const bool with_bias : {true, false}) {
        const BoundaryMatchingTable& table =
            *boundary_matching_table({s.rows, s.durations, s.samples, s.per_bin, s.widen, s.truncate});
        const auto f = torch::randn({s.batch, s.channels, s.rows}).requires_grad_(),
                   w = torch::randn({s.filters, s.channels, s.samples, 1, 1}).requires_grad_();
        const auto b = with_bias ? torch::randn({s.filters}).requires_grad_() : torch::Tensor();
        const auto want = boundary_matching(f, w, b, table, relu);
        const auto df = f.detach().to(device).requires_grad_(), dw = w.detach().to(device).requires_grad_();
        const auto db = with_bias ? b.detach().to(device).requires_grad_() : torch::Tensor();
        const auto got = boundary_matching_by(kernels, df, dw, db, table, relu);
        BOOST_TEST_CONTEXT("T " << s.rows << ", D " << s.durations << ", O " << s.filters << ", relu " << relu
                                << ", bias " << with_bias) {
          BOOST_TEST(relative_difference(got, want) <= kLimit);
          // Where the two disagree about a value's sign a ReLU passes another gradient: only values that are clearly on
          // one side get one.
          const auto up = torch::randn_like(want) * (want.detach() > (relu ? 1e-3 : -1e30));
          std::vector<torch::Tensor> of{f, w}, on{df, dw};
          if (with_bias) of.push_back(b), on.push_back(db);
          const auto wanted = torch::autograd::grad({want}, of, {up}),
                     gradients = torch::autograd::grad({got}, on, {up.to(device)}, /*retain_graph=*/true);
          for (std::size_t k = 0; k < of.size(); ++k)
            BOOST_TEST(relative_difference(gradients[k], wanted[k]) <= kLimit, "gradient " << k);
          const auto again = torch::autograd::grad({got}, on, {up.to(device)});
          if (device.is_cuda())
            BOOST_TEST(torch::equal(again[0], gradients[0]), "the gradient of the features is the same twice");
        }
      }
}

inline void compare_roi_align(const CudaKernels& kernels, const torch::Device& device) {
  struct Size {
    std::int64_t clips, segments, rows, sampling, channels;
    std::vector<std::int64_t> lengths;
  };
  torch::manual_seed(9);
  for (const Size& s : {Size{2, 7, 4, 2, 5, {16, 8, 4}}, Size{1, 1, 1, 1, 1, {1}},
                        Size{3, 50, 16, 2, 140, {64, 32, 16, 8}}, Size{2, 9, 3, 5, 130, {7, 3, 2, 1, 1}}}) {
    std::vector<torch::Tensor> levels, own;
    for (const auto length : s.lengths)
      levels.push_back(torch::randn({s.clips, s.channels, length}).requires_grad_()),
          own.push_back(levels.back().detach().to(device).requires_grad_());
    // Inside, across the ends and far outside; lengths at, just above and below the powers of two, 0 and negative.
    auto segments = torch::rand({s.clips, s.segments, 2}, torch::kDouble) * torch::tensor({1.6, 1.0}, torch::kDouble) -
                    torch::tensor({0.3, 0.0}, torch::kDouble);
    const std::vector<std::pair<double, double>> special{
        {0.5, 1.0}, {0.5, 0.5}, {0.25, 0.25 - 1e-12}, {0.5, 2.0}, {0.5, 0}, {0.5, -0.25}, {5, 0.1}, {0, 1e-9}};
    for (std::size_t k = 0; k < special.size() && static_cast<std::int64_t>(k) < s.segments; ++k)
      segments[0][static_cast<std::int64_t>(k)] = torch::tensor({special[k].first, special[k].second}, torch::kDouble);
    for (const auto type : {torch::kDouble, torch::kFloat}) {
      const auto given = segments.to(type);
      const auto want = roi_align_1d_operations(PyramidRows(levels), given, s.rows, s.sampling),
                 got = roi_align_1d_by(kernels, PyramidRows(own), given.to(device), s.rows, s.sampling);
      BOOST_TEST_CONTEXT(s.segments << " segments of " << s.lengths.size() << " levels") {
        BOOST_TEST(relative_difference(got, want) <= kLimit);
        const auto up = torch::randn_like(want);
        const auto wanted = torch::autograd::grad({want}, levels, {up}),
                   gradients = torch::autograd::grad({got}, own, {up.to(device)}, /*retain_graph=*/true);
        for (std::size_t k = 0; k < levels.size(); ++k)
          BOOST_TEST(relative_difference(gradients[k], wanted[k]) <= kLimit, "gradient of level " << k);
        if (device.is_cuda())
          BOOST_TEST(torch::equal(torch::autograd::grad({got}, own, {up.to(device)})[0], gradients[0]),
                     "the gradient is the same twice");
      }
    }
  }
}

// Fewer steps than a chunk, chunks that are not full, channels that fill no block or group.
inline void compare_selective_scan(const CudaKernels& kernels, const torch::Device& device, bool large) {
  auto sizes = kScans;
  if (large) sizes.push_back({2, 1024, 2304, 16});
  torch::manual_seed(10);
  for (const auto& size : sizes)
    for (const bool full : {true, false}) {
      const Scan scan(size, full), own = scan.to(device);
      const auto run = [&] {
        return selective_scan_by(kernels, own.u, own.delta, own.A, own.B, own.C, own.D, own.z, own.bias, own.softplus);
      };
      BOOST_TEST_CONTEXT(size << (full ? ", all terms" : ", fewest terms")) {
        const auto want = scan.run(), got = run(), up = torch::randn_like(want);
        BOOST_TEST(relative_difference(got, want) <= kLimit);
        {
          const torch::NoGradGuard guard;
          BOOST_TEST(torch::equal(run(), got), "the same without gradients");
        }
        const auto inputs = scan.inputs(), on = own.inputs();
        const auto wanted = torch::autograd::grad({want}, inputs, {up}),
                   gradients = torch::autograd::grad({got}, on, {up.to(device)}, /*retain_graph=*/true);
        for (std::size_t k = 0; k < inputs.size(); ++k)
          BOOST_TEST(relative_difference(gradients[k], wanted[k]) <= kLimit, "gradient " << k);
        const auto again = torch::autograd::grad({got}, on, {up.to(device)});
        if (device.is_cuda())
          for (std::size_t k = 0; k < inputs.size(); ++k)
            BOOST_TEST(torch::equal(again[k], gradients[k]), "gradient " << k << " is the same twice");
      }
    }
}

// Windows that overlap, leave values out, reach over the ends; channels that fill no pack; negative values, infinity
// and NaN. Maxima are exact.
inline void compare_max_pool(const CudaKernels& kernels, const torch::Device& device) {
  struct Size {
    std::vector<std::int64_t> extents, kernel, stride, padding;
    bool ceil;
  };
  const std::vector<Size> sizes{{{2, 16, 5, 9, 7}, {3, 3, 3}, {1, 1, 1}, {1, 1, 1}, true},
                                {{1, 8, 4, 10, 11}, {1, 3, 3}, {1, 2, 2}, {0, 0, 0}, true},
                                {{3, 5, 6, 7, 7}, {2, 2, 2}, {2, 2, 2}, {0, 0, 0}, true},
                                {{1, 24, 7, 5, 3}, {3, 3, 3}, {2, 2, 2}, {0, 1, 1}, false},
                                {{2, 12, 9, 8}, {3, 3}, {2, 2}, {1, 1}, false},
                                {{1, 3, 9, 8}, {3, 3}, {2, 2}, {}, true},
                                {{2, 32, 2, 2}, {2, 2}, {3, 3}, {1, 1}, true},
                                {{1, 1, 1, 1}, {1, 1}, {1, 1}, {0, 0}, false}};
  torch::manual_seed(11);
  for (const auto& s : sizes)
    for (const auto type : {torch::kFloat, torch::kBFloat16, torch::kHalf}) {
      auto x = torch::randn(s.extents).to(type);
      if (x.numel() > 8) {
        x.flatten()[0] = std::numeric_limits<float>::infinity();
        x.flatten()[3] = -std::numeric_limits<float>::infinity();
        x.flatten()[5] = -0.0f;
        x.flatten()[7] = std::numeric_limits<float>::quiet_NaN();
      }
      const auto padding = s.padding.empty() ? std::vector<std::int64_t>(s.kernel.size(), 0) : s.padding;
      // LibTorch's own, whose NaN may have another sign; in float, which holds all of them.
      const auto wide = x.to(torch::kFloat);
      const auto want = s.kernel.size() == 3 ? torch::max_pool3d(wide, s.kernel, s.stride, padding, 1, s.ceil)
                                             : torch::max_pool2d(wide, s.kernel, s.stride, padding, 1, s.ceil);
      const auto got = max_pool_by(kernels, x.to(device), {s.kernel, s.stride, s.padding, s.ceil}).cpu();
      BOOST_TEST_CONTEXT(s.extents.size() - 2 << " axes, " << s.extents[1] << " channels, " << c10::toString(type)) {
        BOOST_TEST_REQUIRE((got.sizes() == want.sizes()));
        BOOST_TEST(torch::equal(got.to(torch::kFloat).nan_to_num(7e4, 1e5, -1e5), want.nan_to_num(7e4, 1e5, -1e5)));
      }
    }
}

}  // namespace tal::test
