// label: parity
// The selective scan against the reference cases, its kernels against the plain form.
#include "libtal/nn/selective_scan.h"

#include "libtal/base/error.h"
#include "tests/nn/parity_nn.h"
#include "tests/nn/scan_cases.h"
#include "tests/nn/vectors.h"

using namespace tal;
using tal::test::Scan;

BOOST_AUTO_TEST_SUITE(selective_scan)

BOOST_AUTO_TEST_CASE(reference_cases) {
  for (const bool narrow : {false, true})
    for (const bool plain : {true, false})
      test::for_each_case(
          "scan",
          [&](test::NnCase& c) {
            c.name += std::string(narrow ? " float" : " double") + (plain ? " plain" : "");
            if (narrow) c.narrow();
            const auto or_none = [&](const char* key) { return c.has_input(key) ? c.input(key) : torch::Tensor(); };
            const bool softplus = c.options.at("softplus").get<bool>();
            torch::Tensor state;
            const auto y =
                plain
                    ? selective_scan_reference(c.input("u"), c.input("delta"), c.input("A"), c.input("B"), c.input("C"),
                                               or_none("D"), or_none("z"), or_none("delta_bias"), softplus, &state)
                    : tal::selective_scan(c.input("u"), c.input("delta"), c.input("A"), c.input("B"), c.input("C"),
                                          or_none("D"), or_none("z"), or_none("delta_bias"), softplus);
            if (plain) c.check({{"y", y}, {"state", state}});
            else c.check({{"y", y}}, nullptr, {}, {"state"});
          },
          "points");
}

// One of everything, channels that fill no vector or several groups of them, steps that fill no block.
BOOST_AUTO_TEST_CASE(kernel) {
  for (const int bytes : {16, 32, 64}) {
    const Vectors vectors(bytes);
    for (const auto& size : test::kScans) {
      torch::manual_seed(3);
      for (const bool full : {true, false}) {
        const Scan scan(size, full);
        const Scan wide = scan.to(torch::kDouble);
        const auto y = scan.run(), want = wide.plain();
        const auto up = torch::randn_like(y);
        BOOST_TEST_CONTEXT(bytes << " bytes, " << size << (full ? ", all terms" : ", fewest terms")) {
          BOOST_TEST(test::difference(y, want) <= 2e-6);
          {
            const torch::NoGradGuard guard;
            BOOST_TEST(torch::equal(scan.run(), y), "the same without gradients");
          }
          const auto got = torch::autograd::grad({y}, scan.inputs(), {up}),
                     wanted = torch::autograd::grad({want}, wide.inputs(), {up.to(torch::kDouble)});
          for (std::size_t k = 0; k < got.size(); ++k)
            BOOST_TEST(test::difference(got[k], wanted[k]) <= 1e-5, "gradient " << k);
        }
      }
    }
  }
}

// Steps of any size and sign: large ones forget, and nothing overflows where nothing should.
BOOST_AUTO_TEST_CASE(extreme_steps) {
  torch::manual_seed(4);
  Scan scan({2, 19, 70, 16}, true);
  {
    const torch::NoGradGuard guard;
    scan.delta.mul_(30);
    scan.z.mul_(100);
  }
  const Scan wide = scan.to(torch::kDouble);
  const auto y = scan.run(), want = wide.plain();
  BOOST_TEST(test::difference(y, want) <= 2e-6);
  const auto got = torch::autograd::grad({y}, scan.inputs(), {torch::ones_like(y)}),
             wanted = torch::autograd::grad({want}, wide.inputs(), {torch::ones_like(want)});
  for (std::size_t k = 0; k < got.size(); ++k)
    BOOST_TEST(test::difference(got[k], wanted[k]) <= 1e-5, "gradient " << k);
}

BOOST_AUTO_TEST_CASE(layouts) {
  torch::manual_seed(5);
  const Scan scan({2, 21, 45, 16}, true);
  const auto turned = [](const torch::Tensor& t) { return t.transpose(1, 2).contiguous().transpose(1, 2); };
  const auto y = tal::selective_scan(turned(scan.u), turned(scan.delta), scan.A.t().contiguous().t(), turned(scan.B),
                                     turned(scan.C), scan.D, turned(scan.z), scan.bias, true);
  BOOST_TEST(torch::equal(y, scan.run()));
  BOOST_TEST(y.transpose(1, 2).is_contiguous());
}

// The first steps do not see the later ones.
BOOST_AUTO_TEST_CASE(padding) {
  torch::manual_seed(6);
  const Scan scan({2, 40, 77, 16}, true);
  const auto y = scan.run();
  for (const std::int64_t rows : {1, 31, 32, 33, 64, 76}) {
    const auto cut = [&](const torch::Tensor& t) { return t.narrow(2, 0, rows); };
    const auto alone = tal::selective_scan(cut(scan.u), cut(scan.delta), scan.A, cut(scan.B), cut(scan.C), scan.D,
                                           cut(scan.z), scan.bias, true);
    BOOST_TEST(torch::equal(alone, cut(y)), rows << " rows");
  }
}

BOOST_AUTO_TEST_CASE(threads_change_no_bit) {
  torch::manual_seed(7);
  const Scan scan({3, 300, 100, 16}, true);
  const auto up = torch::randn({3, 300, 100});
  const int threads = at::get_num_threads();
  std::vector<std::vector<torch::Tensor>> all;
  for (const int n : {1, 2, 5}) {
    at::set_num_threads(n);
    const auto y = scan.run();
    all.push_back(torch::autograd::grad({y}, scan.inputs(), {up}));
    all.back().push_back(y);
  }
  at::set_num_threads(threads);
  for (std::size_t n = 1; n < all.size(); ++n)
    for (std::size_t k = 0; k < all[n].size(); ++k) BOOST_TEST(torch::equal(all[n][k], all[0][k]), "tensor " << k);
}

BOOST_AUTO_TEST_CASE(numeric_gradients) {
  torch::manual_seed(8);
  for (const bool full : {true, false}) {
    const Scan scan = Scan({2, 3, 5, 4}, full).to(torch::kDouble);
    test::check_gradients([&] { return scan.run(); }, scan.inputs());
  }
}

BOOST_AUTO_TEST_CASE(less_precision_is_widened) {
  torch::manual_seed(9);
  const Scan scan({1, 5, 20, 8}, true);
  const auto half = [](const torch::Tensor& t) { return t.detach().to(torch::kBFloat16); };
  const auto y = tal::selective_scan(half(scan.u), half(scan.delta), scan.A, half(scan.B), half(scan.C), scan.D,
                                     half(scan.z), scan.bias, true);
  BOOST_TEST((y.scalar_type() == torch::kFloat));
  BOOST_TEST(test::difference(y, scan.run()) <= 0.05);
}

BOOST_AUTO_TEST_CASE(shapes) {
  const Scan s({2, 3, 5, 4}, true);
  const auto refused = [](const auto& call, const std::string& text) {
    BOOST_CHECK_EXCEPTION(
        call(), Error, [&](const Error& error) { return std::string(error.what()).find(text) != std::string::npos; });
  };
  refused([&] { return tal::selective_scan(s.u, s.delta.narrow(2, 0, 4), s.A, s.B, s.C, s.D, s.z, s.bias, true); },
          "scan: steps [B, D, L] must be [2, 3, 5], not [2, 3, 4]");
  refused([&] { return tal::selective_scan(s.u, s.delta, s.A, s.B.narrow(1, 0, 3), s.C, s.D, s.z, s.bias, true); },
          "scan: B [B, N, L] must be [2, 4, 5], not [2, 3, 5]");
  refused([&] { return tal::selective_scan(s.u, s.delta, s.A, s.B, s.C, s.u, s.z, s.bias, true); }, "scan: D [D]");
  const auto none = [](const torch::Tensor& t) { return t.narrow(2, 0, 0); };
  BOOST_TEST(
      (tal::selective_scan(none(s.u), none(s.delta), s.A, none(s.B), none(s.C), s.D, none(s.z), s.bias, true).sizes() ==
       torch::IntArrayRef{2, 3, 0}));
}

BOOST_AUTO_TEST_SUITE_END()
