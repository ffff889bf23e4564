// label: parity
// The mixing layers of DBM and CausalTAD against the reference cases; padding.
#include "libtal/models/points/mixers.h"

#include "libtal/base/error.h"
#include "libtal/nn/device.h"
#include "tests/nn/parity_nn.h"
#include "tests/nn/scan_cases.h"

using namespace tal;

namespace {

template <class Mixer>
void check_mixer_case(test::NnCase& c, Mixer net, bool narrow) {
  c.name += narrow ? " float" : " double";
  c.load(*net);
  if (narrow) c.narrow(net.get());
  c.check({{"y", net->forward(c.input("x"))}}, *net);
  // All rows are the sequences' own.
  const auto x = c.input("x");
  const auto y = net->forward(x, torch::full({x.size(0)}, x.size(1), torch::kLong));
  c.compare("y with lengths", y, c.expected("y"));
}

// Both mixers, with weights that are all random.
template <class Test>
void with_mixers(std::int64_t channels, torch::Dtype type, const Test& test) {
  torch::manual_seed(11);
  const auto prepared = [&](auto net) {
    const torch::NoGradGuard guard;
    for (auto& p : net->parameters()) p.add_(torch::randn_like(p) * 0.2);
    net->to(type);
    return net;
  };
  BOOST_TEST_CONTEXT("DBM") { test(prepared(BidirectionalMixer(channels))); }
  BOOST_TEST_CONTEXT("CausalTAD") { test(prepared(CausalMixer(channels, 4))); }
}

}  // namespace

BOOST_AUTO_TEST_SUITE(mixers)

BOOST_AUTO_TEST_CASE(dbm_cases) {
  for (const bool narrow : {false, true})
    test::for_each_case(
        "block_dbm",
        [&](test::NnCase& c) {
          const auto E = c.input("x").size(2);
          check_mixer_case(c,
                           BidirectionalMixer(E, c.weight("conv1d.weight").size(2), c.weight("A_log").size(1),
                                              c.weight("A_log").size(0) / E),
                           narrow);
        },
        "points");
}

BOOST_AUTO_TEST_CASE(causal_cases) {
  for (const bool narrow : {false, true})
    test::for_each_case(
        "block_causal",
        [&](test::NnCase& c) {
          const auto E = c.input("x").size(2);
          check_mixer_case(
              c,
              CausalMixer(E, c.options.at("num_head").get<std::int64_t>(), c.weight("conv1d.weight").size(2),
                          c.weight("A_log").size(1), c.weight("A_log").size(0) / E),
              narrow);
        },
        "points");
}

// What stands behind a sequence changes nothing, and how many rows there are nothing but the last bits, which products
// of matrices of another size round differently.
BOOST_AUTO_TEST_CASE(padding) {
  with_mixers(20, torch::kFloat, [](auto net) {
    const std::vector<std::int64_t> own{37, 1, 64, 0, 90};
    const auto lengths = torch::tensor(own, torch::kLong);
    const auto x = torch::randn({5, 90, 20}), up = torch::randn({5, 90, 20});
    auto dirty = x.clone(), zeros = x.clone();
    for (std::size_t b = 0; b < own.size(); ++b) {
      const auto k = static_cast<std::int64_t>(b);
      dirty[k].narrow(0, own[b], 90 - own[b]).fill_(std::numeric_limits<float>::quiet_NaN());
      zeros[k].narrow(0, own[b], 90 - own[b]).zero_();
    }
    const auto results = [&](const torch::Tensor& input, const torch::Tensor& of, const torch::Tensor& upstream) {
      const auto leaf = input.detach().clone().requires_grad_();
      const auto y = net->forward(leaf, of);
      auto inputs = net->parameters();
      inputs.push_back(leaf);
      auto all = torch::autograd::grad({y}, inputs, {upstream});
      all.push_back(y);
      return all;
    };
    const auto want = results(x, lengths, up), again = results(dirty, lengths, up), third = results(zeros, lengths, up);
    for (std::size_t k = 0; k < want.size(); ++k)
      BOOST_TEST((torch::equal(again[k], want[k]) && torch::equal(third[k], want[k])), "tensor " << k);
    const auto &y = want.back(), &dx = want[want.size() - 2];
    std::vector<torch::Tensor> sums;
    for (std::size_t b = 0; b < own.size(); ++b) {
      const auto k = static_cast<std::int64_t>(b);
      const auto behind = [&](const torch::Tensor& t) { return t[k].narrow(0, own[b], 90 - own[b]); };
      BOOST_TEST(torch::equal(behind(y), torch::zeros_like(behind(y))));
      BOOST_TEST(torch::equal(behind(dx), torch::zeros_like(behind(dx))));
      if (own[b] == 0) continue;
      // Alone, without lengths.
      const auto rows = [&](const torch::Tensor& t) { return t.narrow(0, k, 1).narrow(1, 0, own[b]); };
      const auto alone = results(rows(x), {}, rows(up));
      BOOST_TEST(test::difference(alone.back(), rows(y)) <= 1e-6);
      BOOST_TEST(test::difference(alone[alone.size() - 2], rows(dx)) <= 2e-6);
      if (sums.empty()) sums = alone;
      else
        for (std::size_t p = 0; p + 2 < alone.size(); ++p) sums[p] = sums[p] + alone[p];
    }
    for (std::size_t p = 0; p + 2 < sums.size(); ++p)
      BOOST_TEST(test::difference(sums[p], want[p]) <= 5e-6, "gradient " << p);
  });
}

BOOST_AUTO_TEST_CASE(numeric_gradients_of_mixers) {
  with_mixers(8, torch::kDouble, [](auto net) {
    const auto x = torch::randn({2, 6, 8}, torch::kDouble).requires_grad_();
    const auto lengths = torch::tensor({6, 4}, torch::kLong);
    auto leaves = net->parameters();
    leaves.push_back(x);
    test::check_gradients([&] { return net->forward(x, lengths); }, leaves);
  });
}

BOOST_AUTO_TEST_CASE(mixers_in_bfloat16) {
  with_mixers(32, torch::kFloat, [](auto net) {
    const auto x = torch::randn({2, 40, 32});
    const auto lengths = torch::tensor({40, 25}, torch::kLong);
    const auto want = net->forward(x, lengths);
    const Autocast autocast(torch::kCPU, torch::kBFloat16);
    const auto got = net->forward(x, lengths);
    BOOST_TEST(test::difference(got, want) <= 0.03);
    const auto gradients = torch::autograd::grad({got.to(torch::kFloat).sum()}, net->parameters()),
               wanted = torch::autograd::grad({want.sum()}, net->parameters());
    for (std::size_t k = 0; k < gradients.size(); ++k)
      BOOST_TEST(test::difference(gradients[k], wanted[k]) <= 0.05, "gradient " << k);
  });
}

BOOST_AUTO_TEST_CASE(threads_of_mixers) {
  with_mixers(64, torch::kFloat, [](auto net) {
    const auto x = torch::randn({3, 50, 64});
    const auto lengths = torch::tensor({50, 20, 33}, torch::kLong);
    const int threads = at::get_num_threads();
    std::vector<torch::Tensor> all;
    for (const int n : {1, 2}) {
      at::set_num_threads(n);
      const torch::NoGradGuard guard;
      all.push_back(net->forward(x, lengths));
    }
    at::set_num_threads(threads);
    BOOST_TEST(test::difference(all[1], all[0]) <= 1e-6);  // the products are the BLAS's
  });
}

BOOST_AUTO_TEST_CASE(start) {
  torch::manual_seed(12);
  const CausalMixer net(64, 4);
  const auto weights = net->named_parameters();
  BOOST_TEST(torch::allclose(weights["A_log"].exp(), torch::arange(1, 17, torch::kFloat).expand({128, 16})));
  BOOST_TEST(torch::equal(weights["D"], torch::ones({128})));
  BOOST_TEST(weights["dt_proj.weight"].abs().max().item<double>() <= 0.5);
  BOOST_TEST(weights["dt_proj.weight"].abs().max().item<double>() > 0.4);
  const auto steps = torch::nn::functional::softplus(weights["dt_proj.bias"]);
  BOOST_TEST(steps.min().item<double>() >= 0.00099);
  BOOST_TEST(steps.max().item<double>() <= 0.101);
  BOOST_TEST((steps > 0.01).to(torch::kFloat).mean().item<double>() > 0.3);
  for (const char* bias : {"conv1d.bias", "qkv.bias"})
    BOOST_TEST(torch::equal(weights[bias], torch::zeros_like(weights[bias])));
  BOOST_TEST((weights["dt_proj.weight"].sizes() == torch::IntArrayRef{128, 4}));
  BOOST_TEST(!weights.contains("in_proj.bias"));
  BOOST_TEST(!weights.contains("out_proj.bias"));
  BOOST_TEST(!weights.contains("x_proj.bias"));
}

BOOST_AUTO_TEST_CASE(refused) {
  const auto refused = [](const auto& call, const std::string& text) {
    BOOST_CHECK_EXCEPTION(
        call(), Error, [&](const Error& error) { return std::string(error.what()).find(text) != std::string::npos; });
  };
  BidirectionalMixer net(8);
  const auto x = torch::randn({2, 5, 8});
  refused([&] { return net->forward(x[0]); }, "scan mixer: rows [B, T, E] must be [any, any, 8], not [5, 8]");
  refused([&] { return net->forward(x, torch::ones({3}, torch::kLong)); }, "scan mixer: lengths [B] must be [2]");
  refused([&] { return net->forward(x, torch::ones({2})); }, "lengths must be int64");
  refused([] { return CausalMixer(5, 4); }, "its 10 channels must be a multiple of its heads");
}

BOOST_AUTO_TEST_SUITE_END()
