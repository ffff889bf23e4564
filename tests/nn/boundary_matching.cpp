// label: parity
// The re-associated boundary-matching layer: reference cases, and sample-then-convolve on random inputs of many sizes.
#include "libtal/nn/boundary_matching.h"

#include "libtal/base/error.h"
#include "libtal/nn/boundary_matching_map.h"
#include "tests/nn/boundary_matching_reference.h"
#include "tests/nn/parity_nn.h"

namespace {

using tal::BoundaryMatchingSpec;
using tal::BoundaryMatchingTable;

torch::Tensor tensor_of(const nlohmann::json& value) {
  std::vector<double> flat;
  std::vector<std::int64_t> shape;
  const nlohmann::json* inner = &value;
  while (inner->is_array()) shape.push_back(static_cast<std::int64_t>(inner->size())), inner = &inner->at(0);
  const std::function<void(const nlohmann::json&)> walk = [&](const nlohmann::json& v) {
    if (v.is_array())
      for (const auto& item : v) walk(item);
    else flat.push_back(v.get<double>());
  };
  walk(value);
  return torch::tensor(flat, torch::kDouble).view(shape);
}

double relative_difference(const torch::Tensor& got, const torch::Tensor& want) {
  return ((got.to(torch::kDouble) - want.to(torch::kDouble)).abs().max() /
          want.to(torch::kDouble).abs().max().clamp_min(1e-30))
      .item<double>();
}

BoundaryMatchingSpec spec_of(tal::test::NnCase& c, std::int64_t rows, std::int64_t samples) {
  return {rows, c.integer("D"), samples, c.integer("per_bin"), c.number("ratio"), c.integer("truncate") != 0};
}

}  // namespace

BOOST_AUTO_TEST_SUITE(boundary_matching)

BOOST_AUTO_TEST_CASE(sampling_mask_cases) {
  tal::test::for_each_case("bsnpp_sampling_mask", [](tal::test::NnCase& c) {
    const BoundaryMatchingTable table(spec_of(c, c.integer("T"), c.integer("N")));
    c.check({{"mask", table.mask()}, {"valid", table.valid().to(torch::kDouble)}});
  });
}

BOOST_AUTO_TEST_CASE(layer_cases) {
  tal::test::for_each_case("bsnpp_bm_conv", [](tal::test::NnCase& c) {
    const auto f = c.input("f"), weight = c.weight("conv3d.weight");
    const BoundaryMatchingTable table(spec_of(c, f.size(2), weight.size(2)));
    const auto valid = table.valid().to(torch::kDouble);
    const auto y = proposals_to_map(tal::boundary_matching(f, weight, c.weight("conv3d.bias"), table, true), table);
    c.compare("y at valid proposals", y, c.expected("y") * valid);
    c.wanted.erase("y");
    std::map<std::string, torch::Tensor> got{{"valid", valid}, {"loss", (y * c.input("upstream")).sum().view(1)}};
    if (c.wanted.count("samples")) got["samples"] = tal::reference::sample(f, table.mask());
    c.check(got);
  });
}

BOOST_AUTO_TEST_CASE(linear_layer_file) {
  const std::string dir = tal::test::parity_dir();
  if (tal::test::skip_without(dir, "TAL_PARITY_DIR")) return;
  const auto file = tal::test::load(dir + "/bm-layer.json");
  const double absolute = file.at("tolerance").at("abs"), relative = file.at("tolerance").at("rel");
  int cases = 0;
  for (const auto& item : file.at("cases")) {
    const auto& in = item.at("input");
    const auto& out = item.at("expected");
    const BoundaryMatchingTable table(BoundaryMatchingSpec{in.at("T"), in.at("D"), in.at("N"), in.at("samples_per_bin"),
                                                           in.at("widen"), in.value("truncate", false)});
    auto f = tensor_of(in.at("features")).unsqueeze(0).requires_grad_(),
         w = tensor_of(in.at("weight")).requires_grad_();
    const auto y = proposals_to_map(tal::boundary_matching(f, w, {}, table, false), table)[0];
    (y * tensor_of(in.at("grad_out"))).sum().backward();
    const auto compare = [&](const char* what, const torch::Tensor& got, const torch::Tensor& want) {
      const auto excess = ((got - want).abs() - absolute - relative * want.abs()).max().item<double>();
      BOOST_TEST(excess <= 0, item.at("name").get<std::string>() << ": " << what);
    };
    compare("out", y.detach(), tensor_of(out.at("out")));
    compare("gradient of the features", f.grad()[0], tensor_of(out.at("grad_features")));
    compare("gradient of the weight", w.grad(), tensor_of(out.at("grad_weight")));
    for (const auto& sampled : out.at("sampling")) {  // weights [N][T] of one proposal
      const auto mask =
          table.mask().select(2, sampled.at("d").get<std::int64_t>()).select(2, sampled.at("t").get<std::int64_t>());
      compare("sampling", mask.transpose(0, 1), tensor_of(sampled.at("weights")));
    }
    ++cases;
  }
  BOOST_TEST(cases > 0);
}

BOOST_AUTO_TEST_CASE(equals_sample_then_convolve) {
  struct Size {
    std::int64_t batch, channels, filters, rows, durations, samples, per_bin;
    double widen;
    bool truncate;
  };
  torch::manual_seed(5);
  for (const Size& s : {Size{2, 5, 17, 13, 13, 4, 3, 0.5, false}, Size{1, 3, 40, 24, 10, 7, 3, 0.5, true},
                        Size{3, 4, 8, 9, 9, 2, 1, 0, false}, Size{1, 1, 1, 1, 1, 1, 1, 0.5, false},
                        Size{1, 2, 33, 30, 30, 8, 3, 2.0, true}, Size{1, 16, 32, 50, 50, 16, 3, 0.5, false}}) {
    const BoundaryMatchingTable table({s.rows, s.durations, s.samples, s.per_bin, s.widen, s.truncate});
    const auto mask = tal::reference::sampling_mask(s.rows, s.durations, s.samples, s.per_bin, s.widen, s.truncate);
    BOOST_TEST(torch::allclose(table.mask(), mask, 0, 1e-12));
    const auto valid = table.valid().to(torch::kDouble);
    const auto f = torch::randn({s.batch, s.channels, s.rows}, torch::kDouble).requires_grad_();
    const auto w = torch::randn({s.filters, s.channels, s.samples, 1, 1}, torch::kDouble).requires_grad_(),
               b = torch::randn({s.filters}, torch::kDouble).requires_grad_();
    const auto up = torch::randn({s.batch, s.filters, s.durations, s.rows}, torch::kDouble) * valid;
    for (bool relu : {false, true})
      for (bool wide : {true, false}) {
        const double limit = wide ? 1e-12 : 1e-4;
        const auto want = tal::reference::sample_then_convolve(f, w, b, mask);
        const auto want_gradients = torch::autograd::grad({(relu ? want.relu() : want).mul(up).sum()}, {f, w, b});
        const auto type = wide ? torch::kDouble : torch::kFloat;
        const auto got =
            proposals_to_map(tal::boundary_matching(f.to(type), w.to(type), b.to(type), table, relu), table);
        const auto got_gradients = torch::autograd::grad({got.mul(up.to(type)).sum()}, {f, w, b});
        for (const auto& other : {tal::boundary_matching_products, tal::boundary_matching_dense}) {
          const auto products = proposals_to_map(other(f.to(type), w.to(type), b.to(type), table, relu), table);
          const auto product_gradients = torch::autograd::grad({products.mul(up.to(type)).sum()}, {f, w, b});
          BOOST_TEST(relative_difference(products, got) <= limit);
          for (int k = 0; k < 3; ++k)
            BOOST_TEST(relative_difference(product_gradients[k], want_gradients[k]) <= (relu && !wide ? 1e-3 : limit));
        }
        BOOST_TEST(relative_difference(got, (relu ? want.relu() : want) * valid) <= limit);
        for (int k = 0; k < 3; ++k)
          BOOST_TEST(relative_difference(got_gradients[k], want_gradients[k]) <= (relu && !wide ? 1e-3 : limit));
      }
  }
}

BOOST_AUTO_TEST_CASE(threads_do_not_change_the_bytes) {
  torch::manual_seed(6);
  const BoundaryMatchingTable table({20, 20, 8, 3, 0.5, false});
  const auto f = torch::randn({2, 6, 20}).requires_grad_(), w = torch::randn({50, 6, 8}).requires_grad_(),
             up = torch::randn({2, table.proposals(), 50});
  const int threads = at::get_num_threads();
  std::vector<torch::Tensor> first;
  for (int n : {1, 2, 3}) {
    at::set_num_threads(n);
    const auto y = tal::boundary_matching(f, w, {}, table, true);
    auto all = torch::autograd::grad({(y * up).sum()}, {f, w});
    all.push_back(y.detach());
    if (first.empty()) first = all;
    BOOST_TEST((torch::equal(all[2], first[2])));
    for (int k : {0, 1})
      BOOST_TEST(torch::allclose(all[k], first[k], 1e-5, 1e-6));  // the products of the gradients are the BLAS's
  }
  at::set_num_threads(threads);
}

BOOST_AUTO_TEST_CASE(maps_and_proposals) {
  const BoundaryMatchingTable table({5, 3, 2, 3, 0.5, false});
  BOOST_TEST(table.proposals() == 12);
  const auto map = torch::arange(30, torch::kDouble).view({1, 2, 3, 5});
  const auto packed = map_to_proposals(map, table);
  BOOST_TEST(packed.size(1) == 12);
  BOOST_TEST(packed[0][5][1].item<double>() == 20.0);  // proposal 5 is (1, 0)
  const auto back = proposals_to_map(packed, table, -1);
  BOOST_TEST(torch::equal(back, map.where(table.valid(), -torch::ones({}, torch::kDouble))));
}

BOOST_AUTO_TEST_CASE(wrong_sizes) {
  BOOST_CHECK_THROW(BoundaryMatchingTable({3, 4, 2, 3, 0.5, false}), tal::Error);
  BOOST_CHECK_THROW(BoundaryMatchingTable({0, 0, 2, 3, 0.5, false}), tal::Error);
  const BoundaryMatchingTable table({5, 3, 2, 3, 0.5, false});
  BOOST_CHECK_THROW(tal::boundary_matching(torch::zeros({1, 2, 6}), torch::zeros({4, 2, 2}), {}, table, false),
                    tal::Error);
  BOOST_CHECK_THROW(tal::boundary_matching(torch::zeros({1, 2, 5}), torch::zeros({4, 3, 2}), {}, table, false),
                    tal::Error);
  BOOST_CHECK_THROW(
      tal::boundary_matching(torch::zeros({1, 2, 5}), torch::zeros({4, 2, 2}, torch::kDouble), {}, table, false),
      tal::Error);
}

BOOST_AUTO_TEST_SUITE_END()
