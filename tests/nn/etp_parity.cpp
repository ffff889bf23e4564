// label: parity
// ETP's layers, losses and Localization Network against the reference cases.
#include <boost/test/unit_test.hpp>

#include "libtal/models/etp/etp_ln.h"
#include "libtal/models/etp/etp_losses.h"
#include "libtal/models/etp/etp_rn.h"
#include "tests/nn/parity_nn.h"

using namespace tal;
using tal::test::NnCase;

namespace {

std::vector<Segment> segments_of(const torch::Tensor& t) {
  std::vector<Segment> segments;
  for (std::int64_t m = 0; m < t.size(0); ++m) segments.push_back({t[m][0].item<double>(), t[m][1].item<double>()});
  return segments;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(etp_parity)

BOOST_AUTO_TEST_CASE(non_local_block) {
  test::for_each_case("etp_non_local", [](NnCase& c) {
    NonLocal block(c.input("x").size(1), c.weight("theta.weight").size(0));
    c.load(*block);
    const auto rows = c.input("x").transpose(1, 2);
    c.check({{"y", block->aggregate(rows).transpose(1, 2)}, {"z", block->forward(rows).transpose(1, 2)}}, *block);
  });
}

BOOST_AUTO_TEST_CASE(refinement_network) {
  test::for_each_case("etp_refinement", [](NnCase& c) {
    EtpRnOptions o;
    o.hidden = c.weight("gru.weight_hh_l0").size(1), o.non_local = false, o.norm = "none";
    EtpRn network(c.input("x").size(2), o);
    // The case's units have any size; the network's are five parts of C channels.
    network->gru = network->replace_module(
        "gru",
        torch::nn::GRU(
            torch::nn::GRUOptions(c.input("x").size(2), o.hidden).num_layers(2).bidirectional(true).batch_first(true)));
    c.load(*network);
    c.check({{"state", network->encode(c.input("x"), c.input("lengths"))},
             {"pred", network->forward(c.input("x"), c.input("lengths"))}},
            *network);
    // The form for all proposals of a video: the sequences one after the other, a range each.
    std::vector<torch::Tensor> rows;
    std::vector<RowRange> ranges;
    std::int64_t at = 0;
    for (std::int64_t b = 0; b < c.input("x").size(0); ++b) {
      const auto n = c.input("lengths")[b].item<std::int64_t>();
      rows.push_back(c.input("x")[b].narrow(0, 0, n).detach());
      ranges.push_back({at, at + n});
      at += n;
    }
    c.compare("pred of range_gru", network->refine(torch::cat(rows), ranges), c.expected("pred"));
  });
}

BOOST_AUTO_TEST_CASE(pyramid_pooling) {
  test::for_each_case("etp_pyramid", [](NnCase& c) {
    c.check({{"y", pyramid_pool(c.input("x"), segments_of(c.input("segments")))}});
    c.compare("y in float32", pyramid_pool(c.input("x").detach().to(torch::kFloat), segments_of(c.input("segments"))),
              c.expected("y"));
  });
}

BOOST_AUTO_TEST_CASE(location) {
  test::for_each_case("etp_loss_location", [](NnCase& c) {
    const auto target = location_targets(c.input("proposals"), c.input("gt"));
    c.check({{"target", target},
             {"moved", move_proposals(c.input("proposals"), c.input("pred"))},
             {"loss", location_loss(c.input("pred"), target, c.input("used"))}});
  });
}

BOOST_AUTO_TEST_CASE(completeness) {
  test::for_each_case("etp_loss_completeness", [](NnCase& c) {
    const auto result = completeness_loss(c.input("score"), c.input("kind"));
    c.check({{"hinge", result.hinge}, {"kept", result.kept}, {"loss", result.loss}});
  });
}

BOOST_AUTO_TEST_CASE(total) {
  test::for_each_case("etp_loss_total", [](NnCase& c) {
    const auto result = localization_loss(c.input("cls"), c.input("comp"), c.input("reg"),
                                          {c.input("label"), c.input("kind"), c.input("proposals"), c.input("gt")});
    c.check({{"cls", result.cls},
             {"comp", result.comp},
             {"loc", result.loc},
             {"kept", result.kept},
             {"loss", result.loss}});
  });
}

BOOST_AUTO_TEST_CASE(localization_network) {
  test::for_each_case("etp_localization", [](NnCase& c) {
    EtpLnOptions o;
    o.norm = "none", o.non_local = c.has_weight("non_local.theta.weight");
    if (o.non_local) o.non_local_dim = c.weight("non_local.theta.weight").size(0);
    EtpLn network(c.input("x").size(1), c.weight("comp.weight").size(0), o);
    c.load(*network);
    const auto segments = segments_of(c.input("proposals"));
    const auto pooled = pyramid_pool(c.input("x"), segments);
    const auto out = network->forward(pooled);
    const auto loss = localization_loss(out.cls, out.comp, out.reg,
                                        {c.input("label"), c.input("kind"), c.input("proposals"), c.input("gt")});
    c.check({{"pooled", pooled},
             {"pyramid", network->pyramid(pooled)},
             {"cls", out.cls},
             {"comp", out.comp},
             {"reg", out.reg},
             {"rank", ranking_scores(out)},
             {"losses", torch::stack({loss.cls, loss.comp, loss.loc})},
             {"loss", loss.loss}},
            *network);
    const auto fast = network->score(c.input("x").detach(), segments);
    c.compare("cls in one pass", fast.cls, c.expected("cls"));
    c.compare("comp in one pass", fast.comp, c.expected("comp"));
    c.compare("reg in one pass", fast.reg, c.expected("reg"));
  });
}

BOOST_AUTO_TEST_SUITE_END()
