// label: parity
// CMSN's margins, losses and subnets against the reference cases.
#include <boost/test/unit_test.hpp>

#include "libtal/models/cmsn/cmsn.h"
#include "libtal/segment/action_stages.h"
#include "tests/nn/parity_nn.h"

using namespace tal;
using tal::test::NnCase;

namespace {

CosineLossOptions loss_options(const NnCase& c) {
  CosineLossOptions o;
  const std::string form = c.text("form");
  o.form = form == "eq7" ? "vmcl" : form, o.margin_form = form == "eq7" ? "eq7" : "worked";
  o.scale = c.number("s"), o.m = c.number("m"), o.n = c.number("n"), o.constant_margin = c.number("m");
  return o;
}

torch::Tensor tensor_of(const ActionStageMargins& margins) {
  auto t = torch::empty({6, 6}, torch::kDouble);
  for (int j = 0; j < 6; ++j)
    for (int i = 0; i < 6; ++i) t[j][i] = margins[static_cast<std::size_t>(j)][static_cast<std::size_t>(i)];
  return t;
}

std::vector<RowRange> ranges_of(const torch::Tensor& rois) {
  std::vector<RowRange> ranges;
  for (std::int64_t m = 0; m < rois.size(0); ++m)
    ranges.push_back({rois[m][0].item<std::int64_t>(), rois[m][1].item<std::int64_t>()});
  return ranges;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cmsn_parity)

BOOST_AUTO_TEST_CASE(margins) {
  test::for_each_case("cmsn_margins", [](NnCase& c) {
    c.check({{"worked", tensor_of(action_stage_margins(MarginForm::kWorked, c.number("m"), c.number("n")))},
             {"eq7", tensor_of(action_stage_margins(MarginForm::kEq7, c.number("m"), c.number("n")))}});
  });
}

BOOST_AUTO_TEST_CASE(losses) {
  test::for_each_case("cmsn_loss", [](NnCase& c) {
    ActionStageClassifier classifier(c.input("x").size(1), loss_options(c));
    c.load(*classifier);
    c.check({{"loss", classifier->loss(classifier->forward(c.input("x")), c.input("label"))}}, *classifier);
  });
}

BOOST_AUTO_TEST_CASE(action_stage_subnet) {
  test::for_each_case("cmsn_stages", [](NnCase& c) {
    CmsnOptions o;
    o.hidden = c.weight("conv1.weight").size(0), o.lstm_hidden = c.weight("lstm.weight_hh_l0").size(1), o.dropout = 0,
    o.loss = loss_options(c);
    ActionStageSubnet subnet(c.input("x").size(1), c.input("x").dim() == 5, o);
    c.load(*subnet);
    const auto out = subnet->forward(c.input("x"));
    c.check({{"cnn", out.cnn},
             {"h", out.h},
             {"cos", out.outputs},
             {"stage", out.outputs.argmax(-1)},
             {"loss", subnet->classifier->loss(out.outputs, c.input("label"))}},
            *subnet);
  });
}

BOOST_AUTO_TEST_CASE(proposal_evaluation_subnet) {
  test::for_each_case("cmsn_evaluation", [](NnCase& c) {
    EvaluationSubnet subnet(c.input("f").size(1), c.integer("P"), c.weight("fc1.weight").size(0),
                            c.weight("fc2.weight").size(0), 0.0);
    c.load(*subnet);
    const auto pooled = subnet->pool(c.input("f"), ranges_of(c.input("rois")));
    const auto score = subnet->forward(pooled);
    c.check({{"pooled", pooled}, {"score", score}, {"loss", evaluation_loss(score, c.input("iou"))}}, *subnet);
  });
}

BOOST_AUTO_TEST_SUITE_END()
