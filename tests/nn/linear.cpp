// The linear layer over many rows against LibTorch's in double, with every set of vectors.
#include "libtal/nn/linear.h"

#include <boost/test/unit_test.hpp>

#include <torch/torch.h>

#include <limits>

#include "libtal/base/error.h"
#include "libtal/nn/device.h"
#include "libtal/nn/fixed_linear.h"
#include "tests/nn/vectors.h"

using namespace tal;

BOOST_AUTO_TEST_SUITE(linear)

BOOST_AUTO_TEST_CASE(agrees_with_libtorch) {
  torch::manual_seed(1);
  struct {
    std::vector<std::int64_t> rows;
    std::int64_t in, out;
  } const cases[] = {{{256}, 1, 16},         {{1, 300}, 7, 32},    {{2, 257}, 64, 48},
                     {{3, 2, 290}, 130, 64}, {{1, 1001}, 300, 80}, {{1, 640}, 512, 128},
                     {{1, 300}, 16, 144},    {{2, 300}, 24, 17},   {{5}, 40, 32}};
  for (const int bytes : {64, 32, 16}) {
    const Vectors vectors(bytes);
    for (const auto& c : cases) {
      auto size = c.rows;
      size.push_back(c.in);
      const auto x = torch::randn(size), weight = torch::randn({c.out, c.in}), bias = torch::randn({c.out});
      for (const bool relu : {false, true})
        for (const auto& b : {bias, torch::Tensor()}) {
          auto expected = torch::matmul(x.to(torch::kDouble), weight.to(torch::kDouble).t());
          if (b.defined()) expected = expected + b.to(torch::kDouble);
          if (relu) expected = expected.relu();
          const auto y = tal::linear(x, weight, b, relu);
          BOOST_REQUIRE(y.sizes() == expected.sizes());
          BOOST_TEST(((y - expected).abs().max() / expected.abs().max()).item<double>() < 2e-6,
                     bytes << " bytes, " << c.in << " -> " << c.out);
        }
      // Of a convolution of one tap, and not contiguous.
      const auto rows = torch::randn({1, 300, c.in}), taps = torch::randn({c.out, c.in, 1, 1});
      BOOST_TEST(torch::equal(tal::linear(rows, taps, bias), tal::linear(rows, taps.flatten(1), bias)));
      const auto turned = torch::randn({c.in, 400}).t(), across = torch::randn({c.in, c.out}).t();
      BOOST_TEST(torch::allclose(tal::linear(turned, across, bias), torch::linear(turned, across, bias), 1e-4, 1e-4));
    }
  }
}

// A sample's values are the same to the bit whatever stands beside it, and not a number stays that.
BOOST_AUTO_TEST_CASE(samples_by_themselves) {
  torch::manual_seed(2);
  auto x = torch::randn({3, 301, 70});
  x[1][17][3] = std::numeric_limits<float>::quiet_NaN();
  const auto weight = torch::randn({64, 70}), bias = torch::randn({64});
  const auto y = tal::linear(x, weight, bias, true);
  for (std::int64_t b = 0; b < 3; ++b)
    BOOST_TEST(torch::equal(y[b].nan_to_num(7), tal::linear(x[b], weight, bias, true).nan_to_num(7)));
  BOOST_TEST(y[1][17].isnan().all().item<bool>());
  BOOST_TEST(y.isnan().sum().item<std::int64_t>() == 64);
}

BOOST_AUTO_TEST_CASE(gradients_and_autocast_are_libtorchs) {
  torch::manual_seed(3);
  const auto x = torch::randn({1, 300, 20}).requires_grad_(), weight = torch::randn({32, 20}).requires_grad_(),
             bias = torch::randn({32}).requires_grad_(), up = torch::randn({1, 300, 32});
  const auto own = torch::autograd::grad({tal::linear(x, weight, bias, true)}, {x, weight, bias}, {up}),
             plain = torch::autograd::grad({torch::linear(x, weight, bias).relu()}, {x, weight, bias}, {up});
  for (std::size_t k = 0; k < 3; ++k) BOOST_TEST(torch::equal(own[k], plain[k]));
  const torch::NoGradGuard guard;
  const Autocast autocast(torch::kCPU, torch::kBFloat16);
  BOOST_CHECK(tal::linear(x, weight, bias).scalar_type() == torch::kBFloat16);
}

BOOST_AUTO_TEST_CASE(sizes_that_do_not_fit) {
  BOOST_CHECK_THROW(tal::linear(torch::ones({300, 4}), torch::ones({16, 5}), torch::Tensor()), tal::Error);
  BOOST_CHECK_THROW(tal::linear(torch::ones({300, 4}), torch::ones({16, 4, 3}), torch::Tensor()),
                    tal::Error);  // three taps
}

// Laid out once: against the product in double, alone, with GELU and with a residual.
BOOST_AUTO_TEST_CASE(fixed_weights_agree_with_libtorch) {
  torch::manual_seed(2);
  const auto apart = [](const torch::Tensor& got, const torch::Tensor& want) {
    BOOST_REQUIRE(got.sizes() == want.sizes());
    return ((got.to(torch::kDouble) - want).abs().max() / want.abs().max()).item<double>();
  };
  const torch::NoGradGuard guard;
  for (const auto& size : {std::vector<std::int64_t>{1, 8}, {2, 197, 64}, {3, 5, 7, 40}, {1600, 96}})
    for (const std::int64_t out : {1, 24, 256})
      for (const bool biased : {true, false}) {
        const auto x = torch::randn(size), weight = torch::randn({out, size.back()});
        const auto bias = biased ? torch::randn({out}) : torch::Tensor();
        const FixedLinear layer(weight, bias);
        auto want = torch::matmul(x.to(torch::kDouble), weight.to(torch::kDouble).t());
        if (biased) want = want + bias.to(torch::kDouble);
        const auto plain = layer(x);
        if (!plain.defined()) {
          BOOST_WARN_MESSAGE(false, "this LibTorch has no oneDNN product of fixed weights: not tried");
          return;
        }
        BOOST_TEST(apart(plain, want) < 2e-6);
        BOOST_TEST(apart(layer(x, Activation::kGelu), torch::gelu(want)) < 2e-6);
        const auto residual = torch::randn(want.sizes(), torch::kFloat), kept = residual.clone();
        BOOST_TEST(apart(layer(x, Activation::kNone, residual), want + residual.to(torch::kDouble)) < 2e-6);
        BOOST_TEST(torch::equal(residual, kept));
        // Not contiguous.
        if (size.size() == 3) BOOST_TEST(apart(layer(x.transpose(0, 1)), want.transpose(0, 1)) < 2e-6);
      }
}

BOOST_AUTO_TEST_CASE(fixed_weights_leave_to_libtorch_what_is_not_theirs) {
  const FixedLinear layer(torch::randn({4, 8}), torch::randn({4}));
  const auto x = torch::randn({3, 8});
  BOOST_TEST(!layer(x).defined());  // gradients are on
  const torch::NoGradGuard guard;
  BOOST_TEST(!layer(x.to(torch::kDouble)).defined());
  BOOST_TEST(!layer(x.slice(0, 0, 0)).defined());
  BOOST_CHECK_THROW(FixedLinear(torch::randn({4}), torch::Tensor()), Error);
}

BOOST_AUTO_TEST_SUITE_END()
