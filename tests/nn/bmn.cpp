// label: parity
// BMN in both forms against the reference cases.
#include "libtal/models/bmn/bmn.h"

#include "libtal/base/error.h"
#include "tests/nn/bsnpp_reference.h"
#include "tests/nn/parity_nn.h"

namespace {

using namespace tal;
using tal::test::NnCase;

BmnOptions options_of(NnCase& c) {
  BmnOptions o;
  const auto x = c.input("x");
  o.rows = x.size(2), o.durations = c.integer("D"), o.per_bin = c.integer("per_bin"), o.widen = c.number("ratio"),
  o.groups = c.integer("groups");
  o.form = c.has_weight("conv1d1.weight") ? "paper" : "public";
  const bool paper = o.form == "paper";
  o.base_filters = c.weight(paper ? "conv1d1.weight" : "x_1d_b.0.weight").size(0);
  if (paper) o.boundary_filters = c.weight("conv1d3.weight").size(0);
  const auto conv = c.weight(paper ? "conv3d1.weight" : "x_3d_p.0.weight");
  o.proposal_filters = conv.size(0), o.reduced_filters = conv.size(1), o.samples = conv.size(2);
  o.head_filters = c.weight(paper ? "conv2d1.weight" : "x_2d_p.0.weight").size(0);
  return o;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bmn)

BOOST_AUTO_TEST_CASE(network) {
  test::for_each_case("bmn_network", [](NnCase& c) {
    const auto x = c.input("x");
    Bmn net(x.size(1), options_of(c));
    c.load(*net);
    const auto out = net->forward(x);
    std::vector<torch::Tensor> start, end, maps;
    for (const auto& m : net->infer(x))
      start.push_back(m.start), end.push_back(m.end), maps.push_back(torch::stack({m.regression, m.classification}));
    c.check({{"tem_logit", out.boundary},
             {"pem_logit", out.maps},
             {"start", torch::stack(start)},
             {"end", torch::stack(end)},
             {"maps", torch::stack(maps)}},
            *net);
  });
}

BOOST_AUTO_TEST_CASE(losses) {
  test::for_each_case("bmn_loss", [](NnCase& c) {
    BmnOptions o;
    o.class_threshold = c.number("theta_iou");
    const auto iou = c.input("iou");
    const BoundaryMatchingTable table({iou.size(2), iou.size(1), 1, 1, 0.5, false});
    const auto loss = bmn_loss({c.input("tem_logit"), c.input("pem_logit")}, c.input("boundary"), iou,
                               c.input("sampled"), table.valid(), c.number("theta_boundary"), o);
    c.check({{"tem", loss.boundary.view(1)},
             {"regression", loss.regression.view(1)},
             {"classification", loss.classification.view(1)},
             {"loss", loss.total.view(1)}});
  });
}

BOOST_AUTO_TEST_CASE(equals_the_plain_network) {
  torch::manual_seed(6);
  BmnOptions o;
  o.rows = 30, o.durations = 30, o.samples = 8, o.base_filters = 16, o.boundary_filters = 8, o.reduced_filters = 8,
  o.proposal_filters = 40, o.head_filters = 12;
  const BoundaryMatchingTable table({30, 30, 8, 3, 0.5, false});
  Bmn net(6, o);
  const auto x = torch::randn({1, 6, 30});
  const torch::NoGradGuard guard;
  const auto [heat, maps] =
      reference::PlainNetwork(*net, table.mask().to(torch::kFloat), table.valid().to(torch::kFloat)).bmn(x);
  const auto got = net->infer(x)[0];
  BOOST_TEST(torch::allclose(torch::stack({got.start, got.end}), heat[0], 1e-4, 1e-5));
  BOOST_TEST(torch::allclose(torch::stack({got.regression, got.classification}), maps[0], 1e-4, 1e-5));
}

// The names and shapes that public checkpoints hold, at their size (400 channels).
BOOST_AUTO_TEST_CASE(public_checkpoint_names) {
  BmnOptions o;
  o.form = "public";
  Bmn net(400, o);
  const std::map<std::string, std::vector<std::int64_t>> published = {
      {"x_1d_b.0.weight", {256, 100, 3}},    {"x_1d_b.2.weight", {256, 64, 3}},
      {"x_1d_s.0.weight", {256, 64, 3}},     {"x_1d_s.2.weight", {1, 256, 1}},
      {"x_1d_e.0.weight", {256, 64, 3}},     {"x_1d_e.2.weight", {1, 256, 1}},
      {"x_1d_p.0.weight", {128, 256, 3}},    {"x_3d_p.0.weight", {512, 128, 32, 1, 1}},
      {"x_2d_p.0.weight", {128, 512, 1, 1}}, {"x_2d_p.2.weight", {128, 128, 3, 3}},
      {"x_2d_p.4.weight", {128, 128, 3, 3}}, {"x_2d_p.6.weight", {2, 128, 1, 1}}};
  std::size_t weights = 0;
  for (const auto& item : net->named_parameters()) {
    if (item.key().ends_with(".bias")) continue;
    BOOST_REQUIRE(published.count(item.key()));
    BOOST_TEST(item.value().sizes().vec() == published.at(item.key()), boost::test_tools::per_element());
    ++weights;
  }
  BOOST_TEST(weights == published.size());
}

BOOST_AUTO_TEST_CASE(wrong_options) {
  BmnOptions o;
  o.form = "public";
  BOOST_CHECK_THROW(Bmn(6, o), Error);  // 6 channels, 4 groups
  o = {};
  o.durations = 200;
  BOOST_CHECK_THROW(Bmn(8, o), Error);
}

BOOST_AUTO_TEST_SUITE_END()
