// label: parity
// BSN++ block by block and as a whole against the reference cases; fast forms against plain ones.
#include "libtal/models/bsnpp/bsnpp.h"

#include "libtal/base/error.h"
#include "libtal/nn/blockwise_attention.h"
#include "libtal/nn/boundary_matching_map.h"
#include "tests/nn/bsnpp_reference.h"
#include "tests/nn/parity_nn.h"
#include "tests/nn/vectors.h"

namespace {

using namespace tal;
using tal::test::NnCase;

torch::Tensor one(const torch::Tensor& x) { return x.view(1); }

// Sizes of a case from its weights, prefix "" or "prb." and so on.
BsnppOptions options_of(NnCase& c, std::int64_t rows, const std::string& prb) {
  BsnppOptions o;
  o.rows = rows, o.durations = c.integer("D", rows), o.per_bin = c.integer("per_bin", 3),
  o.widen = c.number("ratio", 0.5), o.truncate = c.integer("truncate") != 0;
  if (c.has_weight(prb + "conv3d.weight")) {
    const auto conv = c.weight(prb + "conv3d.weight");
    o.reduced_filters = conv.size(1), o.proposal_filters = conv.size(0), o.samples = conv.size(2);
    o.attention_filters = c.weight(prb + "position.a.weight").size(0),
    o.head_filters = c.weight(prb + "aggregated.conv1.weight").size(0);
  }
  return o;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(bsnpp)

BOOST_AUTO_TEST_CASE(boundary_generator) {
  test::for_each_case("bsnpp_cbg", [](NnCase& c) {
    const auto f = c.input("f"), reverse = c.input("reverse");
    BsnppOptions o;
    o.generator_filters = c.weight("x00.conv.weight").size(0);
    BoundaryGenerator net(f.size(1), o);
    c.load(*net);
    net->train(c.integer("train") != 0);
    const auto logits = net->forward(f);
    net->eval();
    auto [forward, backward] = net->passes(f, reverse).back();
    forward = forward.sigmoid(), backward = backward.sigmoid();
    if (c.integer("train")) {  // the file's heat maps are those of training mode, pass by pass
      net->train();
      forward = net->forward(f).back().sigmoid();
      backward = net->forward(reverse).back().sigmoid().flip(2).flip(1);
    }
    const auto fused = fuse_passes(forward, backward);
    c.check({{"logit1", logits[0]},
             {"logit2", logits[1]},
             {"forward", forward},
             {"backward", backward},
             {"fused", fused},
             {"boundary_map", boundary_map(fused.select(1, 0), fused.select(1, 1), c.integer("D"))}},
            *net);
  });
}

BOOST_AUTO_TEST_CASE(attention) {
  test::for_each_case("bsnpp_attention", [](NnCase& c) {
    const auto x = c.input("x");
    const BoundaryMatchingTable table({x.size(3), x.size(2), 1, 1, 0.5, false});
    BsnppOptions o;
    o.proposal_filters = x.size(1), o.attention_filters = c.weight("position.a.weight").size(0), o.head_filters = 1;
    torch::nn::ModuleDict net;
    RelationBranch position("position", o), channel("channel", o);
    net->update(std::vector<std::pair<std::string, std::shared_ptr<torch::nn::Module>>>{{"position", position.ptr()},
                                                                                        {"channel", channel.ptr()}});
    net->to(torch::kDouble);
    {
      const torch::NoGradGuard guard;
      int used = 0;
      for (auto& item : net->named_parameters())
        if (c.has_weight(item.key())) item.value().copy_(c.weight(item.key())), ++used;
      BOOST_TEST(used == static_cast<int>(c.weights.size()));
    }
    const auto packed = map_to_proposals(x, table);
    c.check({{"position", proposals_to_map(position->attend(packed), table)},
             {"channel", proposals_to_map(channel->attend(packed), table)}},
            *net);
  });
}

BOOST_AUTO_TEST_CASE(relation_block) {
  test::for_each_case("bsnpp_relation", [](NnCase& c) {
    const auto f = c.input("f");
    const auto o = options_of(c, f.size(2), "");
    const BoundaryMatchingTable table({o.rows, o.durations, o.samples, o.per_bin, o.widen, o.truncate});
    ProposalRelation net(f.size(1), o);
    c.load(*net);
    const auto packed = net->forward(f, table);  // [B, 3, L, 2]
    std::vector<torch::Tensor> branches;
    for (int k = 0; k < 3; ++k) branches.push_back(proposals_to_map(packed.select(1, k), table));
    c.check({{"branches", torch::stack(branches, 1)}, {"maps", proposals_to_map(packed.mean(1), table)}}, *net);
  });
}

BOOST_AUTO_TEST_CASE(losses) {
  test::for_each_case("bsnpp_loss", [](NnCase& c) {
    const auto loss = bsnpp_loss({c.input("heat1"), c.input("heat2")}, c.input("maps").sigmoid(), c.input("boundary"),
                                 c.input("iou"), c.input("sampled"), {c.weight("theta")}, {});
    c.check({{"boundary", one(loss.boundary)},
             {"regression", one(loss.regression)},
             {"classification", one(loss.classification)},
             {"l2", one(loss.l2)},
             {"loss", one(loss.total)}});
  });
}

BOOST_AUTO_TEST_CASE(whole_network) {
  test::for_each_case("bsnpp_network", [](NnCase& c) {
    const auto x = c.input("x");
    auto o = options_of(c, x.size(2), "prb.");
    o.first_filters = c.weight("base.conv1.weight").size(0), o.base_filters = c.weight("base.conv2.weight").size(0);
    o.generator_filters = c.weight("cbg.x00.conv.weight").size(0);
    Bsnpp net(x.size(1), o);
    c.load(*net);
    net->eval();
    const auto out = net->forward(x);
    const auto maps = net->infer(x, true);
    std::vector<torch::Tensor> fused, boundary, score;
    for (const auto& m : maps) {
      fused.push_back(torch::stack({m.start, m.end}));
      boundary.push_back(m.boundary);
      score.push_back(map_scores(boundary.back(), m.regression, m.classification));
    }
    const auto loss =
        bsnpp_loss(out.logits, out.maps, c.input("boundary"), c.input("iou"), c.input("sampled"), net->parameters(), o);
    c.check({{"base", out.base},
             {"fused", torch::stack(fused)},
             {"boundary_map", torch::stack(boundary)},
             {"maps", out.maps},
             {"score", torch::stack(score)},
             {"loss", one(loss.total)}},
            *net);
  });
}

// Every ablation builds, trains a step and predicts; what is switched off has no parameters.
BOOST_AUTO_TEST_CASE(ablations) {
  torch::manual_seed(2);
  BsnppOptions o;
  o.rows = 12, o.durations = 9, o.samples = 4, o.first_filters = 8, o.base_filters = 6, o.generator_filters = 5,
  o.reduced_filters = 4, o.proposal_filters = 7, o.attention_filters = 2, o.head_filters = 3;
  const auto count = [&](const BsnppOptions& chosen) {
    Bsnpp net(3, chosen);
    const auto out = net->forward(torch::randn({2, 3, 12}));
    BOOST_TEST(out.maps.size(2) == 9);
    const auto boundary = (torch::rand({2, 2, 12}) > 0.7).to(torch::kFloat), iou = torch::rand({2, 9, 12});
    bsnpp_loss(out.logits, out.maps, boundary, iou,
               torch::ones({2, 9, 12}) * boundary_matching_table({12, 9, 1, 1, 0.5, false})->valid(), net->parameters(),
               chosen)
        .total.backward();
    for (const auto& p : net->named_parameters()) BOOST_TEST(p.value().grad().defined(), p.key());
    net->eval();
    for (const bool backward : {false, true})
      BOOST_TEST(net->infer(torch::randn({1, 3, 8}), backward)[0].regression.size(0) == 8);  // a shorter scale: D = T
    std::int64_t n = 0;
    for (const auto& p : net->parameters()) n += p.numel();
    return n;
  };
  const auto full = count(o);
  auto u_net = o, plain = o, single = o, shallow = o;
  u_net.generator = "u-net", plain.generator = "plain", single.branches = {"plain"}, shallow.deep_supervision = false;
  const auto u = count(u_net), p = count(plain);
  BOOST_TEST((p < u && u < full));
  BOOST_TEST(count(single) < full);
  BOOST_TEST(count(shallow) == full - 2 * 6);  // head1
}

// Trained, the backward pass has heads of its own in the loss: base module and generator on the reversed input, their
// outputs turned round and swapped.
BOOST_AUTO_TEST_CASE(trained_backward_pass) {
  torch::manual_seed(7);
  BsnppOptions o;
  o.rows = 12, o.durations = 9, o.samples = 4, o.first_filters = 4, o.base_filters = 4, o.generator_filters = 6,
  o.reduced_filters = 4, o.proposal_filters = 6, o.attention_filters = 2, o.head_filters = 4;
  o.train_backward = true;
  Bsnpp net(3, o);
  for (auto& item : net->named_modules())  // statistics of their own instead of the batch's, which is twice as large in
                                           // the backward pass
    if (auto* bn = dynamic_cast<torch::nn::BatchNorm1dImpl*>(item.value().get())) bn->eval();
  const auto x = torch::randn({2, 3, 12});
  const auto both = net->forward(x).logits;
  BOOST_REQUIRE(both.size() == 4u);  // forward and backward of each head
  net->eval();
  const auto forward = net->forward(x).logits, turned = net->forward(x.flip(2)).logits;
  BOOST_REQUIRE(forward.size() == 2u);
  for (std::size_t head = 0; head < 2; ++head) {
    BOOST_TEST(torch::allclose(both[2 * head], forward[head], 1e-5, 1e-6));
    for (int side = 0; side < 2; ++side)
      BOOST_TEST(
          torch::allclose(both[2 * head + 1].select(1, side), turned[head].select(1, 1 - side).flip(1), 1e-5, 1e-6));
  }
}

// Inference with and without the backward pass, by value: Eq. (1) of what the network says of the video and of the
// reversed one, or the former alone.
BOOST_AUTO_TEST_CASE(backward_pass_of_inference) {
  torch::manual_seed(9);
  BsnppOptions o;
  o.rows = 12, o.durations = 9, o.samples = 4, o.first_filters = 4, o.base_filters = 4, o.generator_filters = 6,
  o.reduced_filters = 4, o.proposal_filters = 6, o.attention_filters = 2, o.head_filters = 4;
  Bsnpp net(3, o);
  net->eval();
  const torch::NoGradGuard guard;
  const auto x = torch::randn({1, 3, 12});
  const auto forward = net->forward(x).logits.back().sigmoid()[0],
             turned = net->forward(x.flip(2)).logits.back().sigmoid()[0];
  const auto alone = net->infer(x, false)[0], fused = net->infer(x, true)[0];
  for (int row = 0; row < 12; ++row) {
    BOOST_TEST(std::abs(alone.start[row].item<float>() - forward[0][row].item<float>()) < 1e-6f);
    BOOST_TEST(std::abs(alone.end[row].item<float>() - forward[1][row].item<float>()) < 1e-6f);
    BOOST_TEST(std::abs(fused.start[row].item<float>() -
                        std::sqrt(forward[0][row].item<float>() * turned[1][11 - row].item<float>())) < 1e-6f);
    BOOST_TEST(std::abs(fused.end[row].item<float>() -
                        std::sqrt(forward[1][row].item<float>() * turned[0][11 - row].item<float>())) < 1e-6f);
    for (int j = 0; j < 9 && row + j < 12; ++j) {
      BOOST_TEST(std::abs(alone.boundary[j][row].item<float>() -
                          forward[0][row].item<float>() * forward[1][row + j].item<float>()) < 1e-6f);
    }
  }
  BOOST_TEST((alone.start - fused.start).abs().max().item<float>() > 1e-3f);
  BOOST_TEST(torch::allclose(alone.regression, fused.regression, 1e-5, 1e-7));  // the maps are of the forward pass
  BOOST_TEST(torch::allclose(alone.classification, fused.classification, 1e-5, 1e-7));
}

// Any set of branches: what a branch predicts does not depend on the others that share its attention, and an attention
// that no branch reads has no parameters.
BOOST_AUTO_TEST_CASE(sets_of_branches) {
  torch::manual_seed(10);
  BsnppOptions all;
  all.rows = 10, all.durations = 7, all.samples = 4, all.reduced_filters = 4, all.proposal_filters = 6,
  all.attention_filters = 2, all.head_filters = 4;
  all.branches = {"plain", "aggregated", "channel", "position"};
  const BoundaryMatchingTable table({10, 7, 4, 3, 0.5, false});
  const torch::NoGradGuard guard;
  ProposalRelation whole(5, all);
  const auto x = torch::randn({2, 5, 10});
  const auto want = whole->forward(x, table);
  const auto weights = whole->named_parameters();
  const auto names_of = [](const torch::nn::Module& module) {
    std::set<std::string> names;
    for (const auto& item : module.named_parameters())
      names.insert(item.key().substr(0, item.key().find('.')) +
                   (item.key().find("conv") != std::string::npos ? ".conv" : ".attention"));
    return names;
  };
  using Strings = std::vector<std::string>;
  for (const auto& [branches, parameters] : std::vector<std::pair<Strings, std::set<std::string>>>{
           {{"aggregated"}, {"aggregated.conv", "channel.attention", "position.attention"}},
           {{"position", "aggregated"},
            {"aggregated.conv", "channel.attention", "position.attention", "position.conv"}},
           {{"channel", "plain"}, {"channel.attention", "channel.conv", "plain.conv"}},
           {{"position"}, {"position.attention", "position.conv"}}}) {
    auto some = all;
    some.branches = branches;
    ProposalRelation net(5, some);
    for (auto& item : net->named_parameters()) item.value().copy_(weights[item.key()]);
    auto names = names_of(*net);
    names.erase("reduce.conv"), names.erase("conv3d.conv");
    for (auto& name : {"reduce.attention", "conv3d.attention"}) names.erase(name);
    BOOST_TEST(names == parameters, boost::test_tools::per_element());
    const auto got = net->forward(x, table);
    for (std::size_t k = 0; k < branches.size(); ++k) {
      const auto place = std::find(all.branches.begin(), all.branches.end(), branches[k]) - all.branches.begin();
      BOOST_TEST(torch::allclose(got.select(1, static_cast<std::int64_t>(k)), want.select(1, place), 1e-5, 1e-6),
                 branches[k]);
    }
  }
}

BOOST_AUTO_TEST_CASE(equals_the_plain_network) {
  torch::manual_seed(6);
  BsnppOptions o;
  o.rows = 30, o.durations = 30, o.samples = 8, o.first_filters = 8, o.base_filters = 16, o.generator_filters = 16,
  o.reduced_filters = 8, o.proposal_filters = 140, o.attention_filters = 4, o.head_filters = 12;
  const BoundaryMatchingTable table({30, 30, 8, 3, 0.5, false});
  Bsnpp net(6, o);
  net->eval();
  const auto x = torch::randn({2, 6, 30});
  const torch::NoGradGuard guard;
  const auto [heat, maps] =
      reference::PlainNetwork(*net, table.mask().to(torch::kFloat), table.valid().to(torch::kFloat)).bsnpp(x);
  const auto got = net->infer(x, true);
  for (std::int64_t b = 0; b < 2; ++b) {
    const auto& m = got[static_cast<std::size_t>(b)];
    BOOST_TEST(torch::allclose(torch::stack({m.start, m.end}), heat[b], 1e-4, 1e-5));
    BOOST_TEST(torch::allclose(torch::stack({m.regression, m.classification}), maps[b], 1e-4, 1e-5));
  }
}

BOOST_AUTO_TEST_CASE(blockwise_attention_equals_the_plain_one) {
  torch::manual_seed(3);
  for (const auto& [queries, keys] : {std::pair{1, 1}, std::pair{63, 65}, std::pair{200, 130}, std::pair{700, 64}}) {
    const auto q = torch::randn({2, queries, 5}, torch::kDouble).requires_grad_(),
               k = torch::randn({2, keys, 5}, torch::kDouble).requires_grad_();
    const auto v = torch::randn({2, keys, 7}, torch::kDouble).requires_grad_(),
               up = torch::randn({2, queries, 7}, torch::kDouble);
    const auto want = torch::bmm(torch::bmm(q, k.transpose(1, 2)).softmax(2), v);
    const auto a = torch::autograd::grad({(want * up).sum()}, {q, k, v}, {}, /*retain_graph=*/true);
    for (const auto& attention : {blockwise_attention, fused_attention}) {
      const auto got = attention(q, k, v);
      BOOST_TEST(torch::allclose(got, want, 1e-12, 1e-12));
      const auto b = torch::autograd::grad({(got * up).sum()}, {q, k, v});
      for (int i = 0; i < 3; ++i) BOOST_TEST(torch::allclose(b[i], a[i], 1e-10, 1e-10));
    }
  }
}

// Where the generator goes up on CUDA: what LibTorch's interpolation gives, and its gradient.
BOOST_AUTO_TEST_CASE(interpolation_by_product) {
  namespace F = torch::nn::functional;
  torch::manual_seed(4);
  for (const auto& [from, to] : {std::pair{1, 3}, std::pair{25, 50}, std::pair{12, 25}, std::pair{7, 7}}) {
    const auto x = torch::randn({2, 3, from}, torch::kDouble).requires_grad_(),
               up = torch::randn({2, 3, to}, torch::kDouble);
    const auto options = F::InterpolateFuncOptions().size(std::vector<std::int64_t>{to}).mode(torch::kLinear);
    const auto want = F::interpolate(x, F::InterpolateFuncOptions(options).align_corners(false)),
               got = interpolated_by_product(x, to);
    BOOST_TEST(torch::allclose(got, want, 1e-12, 1e-12));
    BOOST_TEST(torch::allclose(torch::autograd::grad({(got * up).sum()}, {x})[0],
                               torch::autograd::grad({(want * up).sum()}, {x})[0], 1e-12, 1e-12));
  }
}

// Floats take kernels of their own, with every width of vectors.
BOOST_AUTO_TEST_CASE(attention_of_floats) {
  torch::manual_seed(5);
  for (const int bytes : {64, 32, 16}) {
    const Vectors vectors(bytes);
    for (const auto& [queries, keys, width] : {std::tuple{1, 1, 1}, std::tuple{47, 65, 7}, std::tuple{200, 130, 64},
                                               std::tuple{96, 1025, 33}, std::tuple{50, 500, 256}}) {
      const auto q = torch::randn({2, queries, 20}), k = torch::randn({2, keys, 20}),
                 v = torch::randn({2, keys, width});
      const auto scores = torch::bmm(q.to(torch::kDouble), k.to(torch::kDouble).transpose(1, 2));
      const auto want = torch::bmm(scores.softmax(2), v.to(torch::kDouble));
      BOOST_TEST((blockwise_attention(q, k, v) - want).abs().max().item<double>() < 1e-5,
                 bytes << " bytes, " << queries << " queries, " << keys << " keys");
      // Differences far beyond what an exponential can hold.
      const auto sharp = torch::bmm((100 * scores).softmax(2), v.to(torch::kDouble));
      BOOST_TEST((blockwise_attention(100 * q, k, v) - sharp).abs().mean().item<double>() < 1e-3);
    }
  }
}

BOOST_AUTO_TEST_CASE(gradients_of_attention_of_floats) {
  torch::manual_seed(8);
  for (const int bytes : {64, 32, 16}) {
    const Vectors vectors(bytes);
    for (const auto& [queries, keys, depth, width] : {std::tuple{1, 1, 1, 1}, std::tuple{47, 65, 3, 7},
                                                      std::tuple{200, 481, 64, 40}, std::tuple{97, 1025, 20, 33}}) {
      const auto of = [](const torch::Tensor& t, torch::ScalarType type) {
        return t.to(type).detach().requires_grad_();
      };
      const auto q = torch::randn({2, queries, depth}), k = torch::randn({2, keys, depth}),
                 v = torch::randn({2, keys, width}), up = torch::randn({2, queries, width});
      const auto dq = of(q, torch::kDouble), dk = of(k, torch::kDouble), dv = of(v, torch::kDouble),
                 fq = of(q, torch::kFloat), fk = of(k, torch::kFloat), fv = of(v, torch::kFloat);
      const auto want = torch::autograd::grad({torch::bmm(torch::bmm(dq, dk.transpose(1, 2)).softmax(2), dv)},
                                              {dq, dk, dv}, {up.to(torch::kDouble)});
      const auto got = torch::autograd::grad({blockwise_attention(fq, fk, fv)}, {fq, fk, fv}, {up}),
                 again = torch::autograd::grad({blockwise_attention(fq, fk, fv)}, {fq, fk, fv}, {up});
      for (std::size_t i = 0; i < 3; ++i) {
        // One key: the gradients of queries and keys are 0 but for rounding.
        BOOST_TEST(
            (got[i] - want[i]).abs().max().item<double>() < 1e-5 * std::max(1.0, want[i].abs().max().item<double>()),
            bytes << " bytes, " << queries << " queries, " << keys << " keys, " << i);
        BOOST_TEST(torch::equal(got[i], again[i]));
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(convolution_of_proposals_equals_the_dense_one) {
  torch::manual_seed(4);
  for (const auto& [rows, durations] :
       {std::pair{1, 1}, std::pair{2, 2}, std::pair{7, 3}, std::pair{30, 30}, std::pair{40, 17}}) {
    const BoundaryMatchingTable table({rows, durations, 1, 1, 0.5, false});
    const auto x = torch::randn({2, table.proposals(), 3}, torch::kDouble).requires_grad_(),
               w = torch::randn({4, 3, 3, 3}, torch::kDouble).requires_grad_();
    const auto b = torch::randn({4}, torch::kDouble).requires_grad_(),
               outside = torch::randn({3}, torch::kDouble).requires_grad_();
    const auto up = torch::randn({2, table.proposals(), 4}, torch::kDouble);
    const auto dense = torch::where(table.valid(), proposals_to_map(x, table), outside.view({1, 3, 1, 1}));
    const auto want = map_to_proposals(torch::conv2d(dense, w, b, 1, 1), table),
               got = convolve_proposals(x, w, b, outside, table);
    BOOST_TEST(torch::allclose(got, want, 1e-12, 1e-12));
    const std::vector<torch::Tensor> inputs{x, w, b, outside};
    const auto want_gradients = torch::autograd::grad({(want * up).sum()}, inputs),
               got_gradients = torch::autograd::grad({(got * up).sum()}, inputs);
    for (int i = 0; i < 4; ++i) BOOST_TEST(torch::allclose(got_gradients[i], want_gradients[i], 1e-10, 1e-10));
  }
}

BOOST_AUTO_TEST_CASE(wrong_options) {
  BsnppOptions o;
  o.durations = 101;
  BOOST_CHECK_THROW(Bsnpp(4, o), Error);
  o = {};
  o.branches.clear();
  BOOST_CHECK_THROW(Bsnpp(4, o), Error);
  o.branches = {"plain", "channel", "plain"};
  BOOST_CHECK_EXCEPTION(Bsnpp(4, o), Error, [](const Error& e) {
    return e.field() == "branches" && e.message().find("'plain' is there twice") != std::string::npos;
  });
  o = {};
  o.rows = o.durations = 3;
  BOOST_CHECK_THROW(Bsnpp(4, o), Error);
}

BOOST_AUTO_TEST_SUITE_END()
