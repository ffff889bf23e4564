// ETP: the batched forms against one proposal at a time; unit grid; examples drawn for training; gradients by finite
// differences.
#include <boost/test/unit_test.hpp>

#include "libtal/base/error.h"
#include "libtal/models/etp/etp_an.h"
#include "libtal/models/etp/etp_losses.h"
#include "libtal/models/etp/proposal_sampling.h"
#include "tests/nn/etp_reference.h"
#include "tests/nn/small_set.h"

using namespace tal;
using tal::test::worst;

namespace {

std::vector<Segment> random_segments(Random& random, std::size_t count, double rows) {
  std::vector<Segment> segments = {{-9, -2},  {-3, 2},   {rows - 1, rows + 7}, {rows + 1, rows + 5}, {4, 4.25},
                                   {0, rows}, {5.5, 6.5}};
  while (segments.size() < count) {
    const double start = rows * random.uniform();
    segments.push_back({start, start + 0.2 + 0.4 * rows * random.uniform() * random.uniform()});
  }
  return segments;
}

// A network of random weights in double, statistics away from 0 and 1, ready for inference.
template <class Network>
Network settled(Network network) {
  network->to(torch::kDouble);
  network->eval();
  torch::NoGradGuard guard;
  for (auto& item : network->named_parameters()) item.value().copy_(0.3 * torch::randn_like(item.value()));
  for (auto& item : network->named_buffers())
    if (item.value().is_floating_point()) item.value().copy_(0.5 + torch::rand_like(item.value()));
  return network;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(etp)

BOOST_AUTO_TEST_CASE(localization_in_one_pass) {
  torch::manual_seed(3);
  Random random(3);
  const auto x = torch::randn({60, 7}, torch::kDouble);
  const auto segments = random_segments(random, 2100, 60);  // more than a group
  for (const bool block : {true, false})
    for (const char* norm : {"batch", "none"}) {
      EtpLnOptions o;
      o.non_local = block, o.norm = norm;
      auto network = settled(EtpLn(7, 4, o));
      const auto fast = network->score(x, segments), slow = reference::score_one_by_one(network, x, segments);
      BOOST_TEST(worst(fast.cls, slow.cls) < 1e-10, norm << block);
      BOOST_TEST(worst(fast.comp, slow.comp) < 1e-10);
      BOOST_TEST(worst(fast.reg, slow.reg) < 1e-10);
      network->to(torch::kFloat);
      const auto single = network->score(x.to(torch::kFloat), segments);
      BOOST_TEST(worst(single.cls, slow.cls) < 2e-4 * (1 + slow.cls.abs().max().item<double>()));
      BOOST_TEST(worst(ranking_scores(single).log(), ranking_scores(slow).log()) < 2e-3);
      BOOST_TEST(network->score(x.to(torch::kFloat), std::vector<Segment>{}).cls.size(0) == 0);
    }
}

BOOST_AUTO_TEST_CASE(ranking_of_any_completeness) {
  // Completeness has no bound, and exp(89) is no float.
  const EtpLnOutputs out{torch::zeros({1, 3}), torch::tensor({{95.f, 120.f}}), torch::zeros({1, 2})};
  const auto rank = ranking_scores(out);
  BOOST_TEST(worst(rank.log(), torch::tensor({{95.0, 120.0}}, torch::kDouble) - std::log(3.0)) < 1e-9);
}

BOOST_AUTO_TEST_CASE(refinement_in_one_pass) {
  torch::manual_seed(4);
  Random random(4);
  const auto x = torch::randn({50, 5}, torch::kDouble);
  const RowTime time{8, 8, 25, 0};  // 8 frames a row
  EtpRnOptions o;
  o.unit_length = 32, o.hidden = 6;
  auto network = settled(EtpRn(5, o));
  const UnitGrid grid(o.unit_length, time);
  std::vector<RowRange> proposals;
  for (int k = 0; k < 120; ++k) {
    const double start = 14 * random.uniform();
    proposals.push_back(grid.fit({start, std::min(16.0, start + 0.3 + 6 * random.uniform())}));
  }
  proposals.push_back(proposals.front());
  const auto slow = reference::refine_one_by_one(network, x, grid, proposals);
  std::vector<Segment> units;
  std::int64_t count = 0;
  for (const auto& p : proposals) count = std::max(count, p.end);
  for (std::int64_t unit = 0; unit < count; ++unit) units.push_back(grid.rows(unit));
  const auto features = network->unit_features(pyramid_pool(x, units));
  BOOST_TEST(worst(network->refine(features, proposals), slow) < 1e-10);
  // The padded form that is trained.
  std::vector<torch::Tensor> sequences;
  std::vector<std::int64_t> lengths;
  for (const auto& p : proposals)
    sequences.push_back(features.narrow(0, p.first, p.count())), lengths.push_back(p.count());
  torch::NoGradGuard guard;
  BOOST_TEST(worst(network->forward(torch::nn::utils::rnn::pad_sequence(sequences, true), torch::tensor(lengths)),
                   slow) < 1e-10);
}

BOOST_AUTO_TEST_CASE(range_gru_in_groups) {
  torch::manual_seed(5);
  Random random(5);
  torch::nn::GRU gru(torch::nn::GRUOptions(3, 4).num_layers(2).bidirectional(true).batch_first(true));
  gru->to(torch::kDouble);
  const auto x = torch::randn({40, 3}, torch::kDouble);
  std::vector<RowRange> ranges;
  for (int k = 0; k < 70; ++k) {
    const auto first = static_cast<std::int64_t>(random.below(38));
    ranges.push_back(
        {first, first + 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(40 - first)))});
  }
  torch::NoGradGuard guard;
  std::vector<torch::Tensor> states;
  for (const auto& r : ranges) {
    const auto h = std::get<1>(gru->forward(x.narrow(0, r.first, r.count()).unsqueeze(0)));
    states.push_back(torch::cat({h[2], h[3]}, 1));
  }
  const auto want = torch::cat(states);
  for (const std::int64_t budget : {1, 25, 100, 100000})
    BOOST_TEST(worst(range_gru(gru, x, ranges, budget), want) < 1e-12, "budget " << budget);
  BOOST_TEST(range_gru(gru, x, std::vector<RowRange>{}).size(0) == 0);
  BOOST_CHECK_THROW(range_gru(gru, x, std::vector<RowRange>{{39, 41}}), tal::Error);
}

BOOST_AUTO_TEST_CASE(unit_grid) {
  const UnitGrid grid(64, {16, 16, 32, 0});  // 2 s units every second
  const auto is = [](RowRange r, std::int64_t first, std::int64_t end) { return r.first == first && r.end == end; };
  BOOST_TEST(is(grid.fit({3, 7}), 3, 6));      // on the grid: units at 3, 4, 5
  BOOST_TEST(is(grid.fit({3.2, 6.4}), 3, 6));  // start down, end up
  BOOST_TEST(is(grid.fit({3.2, 3.4}), 3, 4));  // at least one unit
  BOOST_TEST(is(grid.fit({-1, 0.5}), 0, 1));
  BOOST_TEST(is(grid.fit({0.1 * 3 * 10, 7.000000000001}), 3, 6));  // 3.0000000000000004 is 3
  BOOST_TEST((grid.seconds(RowRange{3, 6}) == Segment{3, 7}));
  BOOST_TEST(grid.rows(1).length() == 4.0);  // 64 frames, 16 a row
}

BOOST_AUTO_TEST_CASE(moved_proposals_invert_their_targets) {
  const auto a = torch::tensor({2.0, 5.0, 1.0, 9.0}, torch::kDouble).view({2, 2}),
             b = torch::tensor({2.5, 4.0, 0.0, 20.0}, torch::kDouble).view({2, 2});
  BOOST_TEST(worst(move_proposals(a, location_targets(a, b)), b) < 1e-12);
}

BOOST_AUTO_TEST_CASE(examples_have_the_tiou_of_their_kind) {
  test::ActionSet set(1, 160, 2);
  auto& video = set.video(0);
  const auto best = [&](const Segment& s) {
    double value = 0;
    for (const auto& truth : video.truths) value = std::max(value, tiou(s, truth.segment));
    return value;
  };
  for (const bool with_proposals : {false, true}) {
    if (with_proposals)
      for (const auto& truth : video.truths) {
        const double l = truth.segment.length();
        for (const double shift : {0.05, 0.3, 0.45, 1.6})
          video.proposals.push_back({{truth.segment.start + shift * l, truth.segment.end + shift * l}, 0.5});
      }
    const ProposalSampler sampler(video, 0.3);
    Random random(8);
    for (int k = 0; k < 300; ++k) {
      const auto truth = static_cast<std::int64_t>(random.below(video.truths.size()));
      const auto p = sampler.positive(truth, random), i = sampler.incomplete(truth, random),
                 b = sampler.background(random);
      BOOST_TEST_REQUIRE((p && i && b));
      BOOST_TEST(tiou(p->segment, video.truths[static_cast<std::size_t>(truth)].segment) >= 0.7);
      BOOST_TEST((best(i->segment) >= 0.3 && best(i->segment) < 0.7));
      BOOST_TEST(best(b->segment) < 0.1);
    }
  }
  // Nothing but action: the fragments that stand for background stay below the bound.
  video.truths = {{{0, 160}, 0}};
  video.proposals.clear();
  const ProposalSampler sampler(video, 0.5), real(video, 0);
  Random random(1);
  for (int k = 0; k < 20; ++k) BOOST_TEST(best(sampler.background(random)->segment) < 0.1);
  // Without proposals and without made examples there is nothing.
  BOOST_TEST((!real.positive(0, random) && !real.incomplete(0, random) && !real.background(random) &&
              !real.has_positive(0) && !real.has_incomplete(0)));
}

BOOST_AUTO_TEST_CASE(gradients_of_the_frame_classifier) {
  torch::manual_seed(6);
  for (const char* scores : {"softmax", "sigmoid"}) {
    EtpAnOptions o;
    o.norm = "none", o.hidden = 5, o.kernel = 3, o.dropout = 0, o.scores = scores;
    EtpAn network(4, 3, o);
    network->to(torch::kDouble);
    const auto x = torch::randn({2, 9, 4}, torch::kDouble);
    const auto truth = torch::rand({2, 9, 3}, torch::kDouble).gt(0.7).to(torch::kDouble),
               known = torch::rand({2, 9}, torch::kDouble).gt(0.3).to(torch::kDouble);
    const auto value = [&] { return network->loss(network->forward(x), truth, known); };
    network->zero_grad();
    value().backward();
    torch::NoGradGuard guard;
    for (auto& item : network->named_parameters()) {
      auto flat = item.value().view(-1);
      for (std::int64_t i = 0; i < flat.size(0); i += 3) {
        const double old = flat[i].item<double>(), h = 1e-6;
        flat[i] = old + h;
        const double up = value().item<double>();
        flat[i] = old - h;
        const double down = value().item<double>();
        flat[i] = old;
        BOOST_TEST(std::fabs((up - down) / (2 * h) - item.value().grad().view(-1)[i].item<double>()) < 1e-7,
                   scores << " " << item.key() << " " << i);
      }
    }
    const auto curves = network->curves(network->forward(x));
    BOOST_TEST(curves.size(2) == 3);
    BOOST_TEST(curves.sum(-1).max().item<double>() <= (o.scores == "softmax" ? 1.0 : 3.0));
  }
}

BOOST_AUTO_TEST_SUITE_END()
