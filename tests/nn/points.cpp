// The parts of the points detectors against plain forms, and what their design promises: points stand where they say,
// and what lies behind a sequence counts for nothing.
#include "libtal/models/points/points.h"

#include <torch/torch.h>
#include <boost/test/unit_test.hpp>

#include <map>

#include "libtal/models/points/point_blocks.h"
#include "libtal/models/points/point_heads.h"
#include "libtal/models/points/point_targets.h"
#include "libtal/models/points/points_model.h"
#include "libtal/nn/interval_rows.h"
#include "libtal/nn/norm_rows.h"
#include "libtal/nn/row_convolution.h"
#include "libtal/nn/window_attention.h"
#include "libtal/nn/winograd_rows.h"
#include "tests/nn/small_set.h"
#include "tests/support.h"

using namespace tal;

namespace {

double furthest(const torch::Tensor& a, const torch::Tensor& b) {
  return a.numel() ? (a - b).abs().max().item<double>() : 0;
}

using Inputs = std::vector<torch::Tensor>;
using Layer = std::function<torch::Tensor(const Inputs&)>;

// Results and gradients of both forms, with a random upstream.
void same(const Layer& fast, const Layer& plain, const Inputs& inputs, const std::string& what) {
  std::vector<torch::Tensor> results;
  std::vector<Inputs> gradients;
  torch::Tensor upstream;
  for (const auto& layer : {fast, plain}) {
    Inputs own;
    for (const auto& input : inputs) own.push_back(input.defined() ? input.clone().set_requires_grad(true) : input);
    results.push_back(layer(own));
    if (!upstream.defined()) upstream = torch::randn(results[0].sizes());
    (results.back() * upstream).sum().backward();
    gradients.emplace_back();
    for (const auto& input : own) gradients.back().push_back(input.defined() ? input.grad() : input);
  }
  BOOST_REQUIRE_MESSAGE(results[0].sizes() == results[1].sizes(), what);
  BOOST_TEST(furthest(results[0], results[1]) < 1e-5, what << ": results");
  for (std::size_t i = 0; i < inputs.size(); ++i) {
    if (!inputs[i].defined()) continue;
    const double largest = std::max(1.0, gradients[1][i].abs().max().item<double>());  // sums over many rows
    BOOST_TEST(furthest(gradients[0][i], gradients[1][i]) < 5e-5 * largest, what << ": gradient " << i);
  }
}

PointsOptions small(const std::string& neck, const std::string& head) {
  PointsOptions o;
  o.dims = 16, o.head_dims = 12, o.levels = 4, o.stem = 1, o.heads = 2, o.windows = {5}, o.bins = 4;
  o.neck = neck, o.head = head, o.sgp_init = 0.3, o.sgp_factor = 1.5, o.feed_forward = 24;
  o.neck_norm = neck == "pool" ? "group" : "layer";
  o.fpn = neck == "conv" || neck == "dbm" ? "top-down" : "identity";
  o.position_rows = 16;
  return o;
}
const std::vector<std::pair<std::string, std::string>> kKinds = {
    {"attention", "plain"}, {"sgp", "trident"},  {"dyn", "dynamic"}, {"dbm", "plain"},
    {"causal", "plain"},    {"pool", "trident"}, {"conv", "plain"}};

// Weights that no zero start hides.
void shake(torch::nn::Module& net) {
  torch::NoGradGuard guard;
  for (auto& parameter : net.parameters()) parameter.add_(0.2 * torch::randn_like(parameter));
}

}  // namespace

BOOST_AUTO_TEST_SUITE(points)

BOOST_AUTO_TEST_CASE(row_convolutions_are_conv1d) {
  torch::manual_seed(1);
  for (const std::int64_t k : {1, 3, 5})
    for (const std::int64_t stride : {1, 2})
      for (const std::int64_t T : {1, 2, 7, 16}) {
        const auto x = torch::randn({2, T, 5}), w = torch::randn({4, 5, k}), b = torch::randn({4});
        same([&](const Inputs& in) { return row_convolution(in[0], in[1], in[2], stride); },
             [&](const Inputs& in) {
               return torch::conv1d(in[0].transpose(1, 2), in[1], in[2], stride, k / 2).transpose(1, 2);
             },
             {x, w, b}, "k " + std::to_string(k) + " stride " + std::to_string(stride) + " T " + std::to_string(T));
        const auto own = torch::randn({5, 1, k}), bias = torch::randn({5});
        same([&](const Inputs& in) { return depthwise_rows(in[0], in[1], in[2], stride); },
             [&](const Inputs& in) { return depthwise_rows_reference(in[0], in[1], in[2], stride); }, {x, own, bias},
             "depthwise k " + std::to_string(k) + " stride " + std::to_string(stride) + " T " + std::to_string(T));
      }
}

BOOST_AUTO_TEST_CASE(winograd_rows_are_conv1d) {
  torch::manual_seed(11);
  for (const std::int64_t T : {1, 2, 3, 4, 5, 8, 31})
    same([](const Inputs& in) { return winograd_rows(in[0], in[1], in[2]); },
         [](const Inputs& in) { return torch::conv1d(in[0].transpose(1, 2), in[1], in[2], 1, 1).transpose(1, 2); },
         {torch::randn({2, T, 7}), 0.3 * torch::randn({4, 7, 3}), torch::randn({4})}, "T " + std::to_string(T));
  // Of the size that it is for, beside the same in double: error by the largest result, and row_convolution takes it.
  const auto x = torch::relu(torch::randn({1, 512, 256})), w = torch::randn({128, 256, 3}) / 28,
             b = torch::randn({128});
  BOOST_TEST(winograd_pays(x, w));
  const auto want =
      torch::conv1d(x.transpose(1, 2).to(torch::kDouble), w.to(torch::kDouble), b.to(torch::kDouble), 1, 1)
          .transpose(1, 2);
  const auto got = row_convolution(x, w, b);
  BOOST_TEST(furthest(got, want) < 4e-6 * want.abs().max().item<double>());
  BOOST_TEST(got.equal(winograd_rows(x, w, b)));
  BOOST_TEST(!winograd_pays(x.to(torch::kDouble), w.to(torch::kDouble)));
  BOOST_TEST(!winograd_pays(x, torch::randn({128, 256, 5})));
}

BOOST_AUTO_TEST_CASE(norms_of_rows_are_layer_norm) {
  torch::manual_seed(12);
  for (const bool relu : {false, true})
    for (const std::int64_t C : {8, 16, 37}) {
      const auto x = torch::randn({2, 300, C}), w = torch::randn({C}), b = torch::randn({C});
      auto kinds = torch::randint(0, 3, {2, 300}, torch::kByte);
      for (const auto& of_rows : {torch::Tensor(), kinds})
        same([&](const Inputs& in) { return norm_rows(in[0], in[1], in[2], 1e-5, of_rows, relu); },
             [&](const Inputs& in) { return norm_rows_reference(in[0], in[1], in[2], 1e-5, of_rows, relu); }, {x, w, b},
             "C " + std::to_string(C) + (relu ? " relu" : "") + (of_rows.defined() ? " kinds" : ""));
    }
  // By hand: (1, 3) has mean 2 and deviation 1; a row outside is 0, and one of zeros leaves the bias.
  const auto x = torch::tensor({{{1.0f, 3.0f}, {5.0f, 5.0f}, {5.0f, 7.0f}}}), w = torch::tensor({2.0f, 2.0f}),
             b = torch::tensor({0.5f, -0.5f});
  const auto kinds = torch::tensor({{1, 0, 2}}, torch::kByte);
  const auto y = norm_rows(x, w, b, 0, kinds, false), z = norm_rows(x, w, b, 0, kinds, true);
  BOOST_TEST(y.equal(torch::tensor({{{-1.5f, 1.5f}, {0.0f, 0.0f}, {0.5f, -0.5f}}})));
  BOOST_TEST(z.equal(torch::tensor({{{0.0f, 1.5f}, {0.0f, 0.0f}, {0.5f, 0.0f}}})));
}

BOOST_AUTO_TEST_CASE(levels_side_by_side_do_not_see_each_other) {
  // A head over joined levels gives what the same layers give of each level alone.
  torch::manual_seed(13);
  auto o = small("pool", "plain");
  o.head_layers = 2;
  PointHeadImpl head(o, 3, 5, 1e-5);
  for (auto& parameter : head.parameters())
    torch::NoGradGuard(), parameter.data().add_(0.2 * torch::randn_like(parameter));
  torch::NoGradGuard guard;
  std::vector<PointRows> levels;
  for (const std::int64_t T : {9, 5, 1})
    levels.emplace_back(torch::randn({2, T, 16}), std::vector<std::int64_t>{T, std::max<std::int64_t>(1, T - 2)});
  for (const bool leaks : {false, true}) {
    const JoinedLevels joined(levels, 5, leaks);
    const auto together = joined.split(head.output->forward(head.hidden(joined, joined.x)));
    for (std::size_t l = 0; l < levels.size(); ++l) {
      const JoinedLevels alone({levels[l]}, 5, leaks);
      BOOST_TEST(furthest(together[l], head.output->forward(head.hidden(alone, alone.x))) < 1e-5, "level " << l);
    }
  }
}

BOOST_AUTO_TEST_CASE(a_feature_pyramid_adds_coarser_levels) {
  // By hand, with linear layers that do nothing and convolutions that see their own row: each level is itself and the
  // rows of the coarser sum that its own fall into.
  auto o = small("pool", "plain");
  o.dims = 1, o.levels = 3, o.neck_norm = "none", o.fpn = "top-down";
  TopDownImpl top_down(o);
  torch::NoGradGuard guard;
  for (auto& item : top_down.named_parameters())
    if (item.value().dim() == 1) item.value().zero_();
    else item.value().zero_().select(2, item.value().size(2) / 2).fill_(1);
  const auto rows = [](std::vector<float> values) {
    const auto n = static_cast<std::int64_t>(values.size());
    return PointRows(torch::tensor(values).reshape({1, n, 1}), {n});
  };
  const auto out = top_down.forward({rows({1, 2, 3, 4, 5}), rows({10, 20, 30}), rows({100, 200})});
  BOOST_TEST(out[0].x.flatten().equal(torch::tensor({111.0f, 112.0f, 123.0f, 124.0f, 235.0f})));
  BOOST_TEST(out[1].x.flatten().equal(torch::tensor({110.0f, 120.0f, 230.0f})));
  BOOST_TEST(out[2].x.flatten().equal(torch::tensor({100.0f, 200.0f})));
}

BOOST_AUTO_TEST_CASE(pooling_is_max_pool1d) {
  torch::manual_seed(2);
  for (const std::int64_t T : {1, 2, 3, 8, 17})
    same([](const Inputs& in) { return max_pool_rows(in[0]); },
         [](const Inputs& in) { return torch::max_pool1d(in[0].transpose(1, 2), 3, 2, 1).transpose(1, 2); },
         {torch::randn({3, T, 6})}, "T " + std::to_string(T));
}

BOOST_AUTO_TEST_CASE(window_attention_is_full_attention_behind_a_band) {
  torch::manual_seed(3);
  for (const std::int64_t window : {3, 5, 19, -1})
    for (const std::int64_t T : {1, 4, 23}) {
      const std::vector<std::int64_t> lengths = {T, std::max<std::int64_t>(1, T - 3)};
      const auto q = torch::randn({2, T, 20}), k = torch::randn({2, T, 20}), v = torch::randn({2, T, 20});
      const auto bias = window > 1 ? torch::randn({2, window}) : torch::Tensor();
      same([&](const Inputs& in) { return window_attention(in[0], in[1], in[2], in[3], lengths, 2, window, 0.3); },
           [&](const Inputs& in) {
             return window_attention_reference(in[0], in[1], in[2], in[3], lengths, 2, window, 0.3);
           },
           {q, k, v, bias}, "window " + std::to_string(window) + " T " + std::to_string(T));
    }
  // The reference by hand: one head, window 3, no rows but their neighbours.
  const auto x = torch::randn({1, 4, 2});
  const auto y = window_attention_reference(x, x, x, {}, {4}, 1, 3, 1)[0];
  for (std::int64_t t = 0; t < 4; ++t) {
    const auto near = x[0].slice(0, std::max<std::int64_t>(0, t - 1), std::min<std::int64_t>(4, t + 2));
    const auto p = near.matmul(x[0][t]).exp();
    BOOST_TEST(furthest(y[t], (near * p.unsqueeze(1)).sum(0) / p.sum()) < 1e-5);
  }
}

BOOST_AUTO_TEST_CASE(what_lies_behind_a_sequence_counts_for_nothing) {
  torch::manual_seed(4);
  for (const auto& [neck, head] : kKinds) {
    PointsNet net(std::vector<std::int64_t>{5}, 3, small(neck, head));
    shake(*net);
    net->eval();
    torch::NoGradGuard guard;
    for (const std::int64_t T : {11, 16}) {
      const auto x = torch::randn({1, T, 5});
      const auto alone = net->forward(x, {T});
      const auto beside =
          net->forward(torch::cat({torch::constant_pad_nd(x, {0, 0, 0, 24 - T}), torch::randn({1, 24, 5})}), {T, 24});
      for (std::size_t l = 0; l < alone.size(); ++l) {
        const auto rows = alone[l].logits.size(1);
        const auto where = neck + " level " + std::to_string(l) + " of " + std::to_string(T) + " rows";
        BOOST_TEST(beside[l].lengths[0] == rows, where);
        BOOST_TEST(furthest(alone[l].logits, beside[l].logits.slice(0, 0, 1).slice(1, 0, rows)) < 1e-4, where);
        const auto all = torch::ones({1, rows, 3}).nonzero();
        const auto b = all.select(1, 0), t = all.select(1, 1), c = all.select(1, 2);
        BOOST_TEST(furthest(point_distances(alone[l], b, t, c), point_distances(beside[l], b, t, c)) < 1e-4, where);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(a_point_stands_on_its_row) {
  // Around a single row with something in it, what a level sees is the same to both sides of the point on that row when
  // the network itself is: mirror the weights over time.
  torch::manual_seed(5);
  for (const std::string neck : {"attention", "pool", "sgp", "conv"}) {
    auto o = small(neck, "plain");
    o.position_rows = 0, o.fpn = "identity";  // repeated rows stand to one side
    PointsNet net(std::vector<std::int64_t>{5}, 3, o);
    shake(*net);
    net->eval();
    torch::NoGradGuard guard;
    for (auto& parameter : net->parameters())
      if (parameter.dim() == 3) parameter.copy_((parameter + parameter.flip(2)) / 2);
    const std::int64_t T = 65, row = 32;
    auto x = torch::zeros({1, T, 5});
    x[0][row] = torch::randn({5});
    const auto levels = net->forward(x, {T});
    for (std::size_t l = 0; l < levels.size(); ++l) {
      const auto at = row >> l;
      const auto& logits = levels[l].logits[0];
      const auto n = std::min(at, logits.size(0) - 1 - at);
      const auto before = logits.slice(0, at - n, at).flip(0), after = logits.slice(0, at + 1, at + 1 + n);
      BOOST_TEST(furthest(before, after) < 1e-4, neck << " level " << l);
      BOOST_TEST(furthest(logits.slice(0, at, at + 1), logits.slice(0, 0, 1)) > 1e-3, neck << " level " << l);
    }
  }
}

BOOST_AUTO_TEST_CASE(points_and_ranges_of_the_levels) {
  const std::vector<std::int64_t> rows = {4, 2, 1};
  const auto adjacent = grid_points(rows, "adjacent"), overlapping = grid_points(rows, "overlapping");
  BOOST_TEST(adjacent.size() == 7u);
  const auto is = [](const GridPoint& p, double at, double low, double high, double stride) {
    return p.at == at && p.low == low && p.high == high && p.stride == stride;
  };
  BOOST_TEST(is(adjacent[3], 3, 0, 4, 1));
  BOOST_TEST(is(adjacent[5], 2, 4, 8, 2));
  BOOST_TEST(is(adjacent[6], 0, 8, 10000, 4));
  BOOST_TEST(is(overlapping[5], 2, 2, 8, 2));
  BOOST_TEST(is(overlapping[6], 0, 4, 10000, 4));
}

BOOST_AUTO_TEST_CASE(a_step_counts_the_same_however_it_is_split) {
  // The positives of a step, and its loss as the sum of its parts weighed by their shares.
  test::ActionSet set(6, 96, 7);
  PointsModel model;
  model.settings().read_json(
      R"({"dims":16,"head-dims":12,"levels":4,"stem":1,"heads":2,"windows":[5],"rows":64,"droppath":0})");
  torch::manual_seed(6);
  model.build(set.inputs());
  auto samples = model.samples(set, 0);
  BOOST_TEST(samples.size() == 6u);
  for (std::size_t i = 0; i < samples.size(); ++i) samples[i].seed = 100 + i;
  const double whole = model.step_total(set, samples, 0);
  double parts = 0;
  for (std::size_t i = 0; i < samples.size(); ++i) parts += model.step_total(set, std::span(samples).subspan(i, 1), 0);
  BOOST_TEST(whole == parts);
  BOOST_TEST(whole > 0);
  model.begin_step(whole);
  Random random(0);
  const double together = model.loss(model.make_batch(set, samples, random, 0), 0).loss.item<double>();
  double sum = 0;
  for (std::size_t i = 0; i < samples.size(); i += 3) {
    auto batch = model.make_batch(set, std::span(samples).subspan(i, 3), random, 0);
    batch.share = 0.5;
    sum += 0.5 * model.loss(batch, 0).loss.item<double>();
  }
  BOOST_TEST(std::abs(together - sum) < 1e-4 * together);
  // Positives of a sample are those of its targets.
  const auto batch = model.make_batch(set, std::span(samples).subspan(0, 1), random, 0);
  BOOST_TEST(std::get<0>(batch.at("classes").max(2)).sum().item<double>() ==
             model.step_total(set, std::span(samples).subspan(0, 1), 0));
}

// Two points of each of two parts of three rows: at -0.125, 0.625, 1.375 and 2.125 of the rows' centres.
BOOST_AUTO_TEST_CASE(aligned_rows_are_means_of_points) {
  const auto hand = align_rows(torch::tensor({{0.f}, {1.f}, {2.f}}), 2);
  BOOST_TEST(torch::equal(hand, torch::tensor({{0.3125f}, {1.6875f}})));
  const auto rows = torch::arange(5, torch::kFloat).unsqueeze(1);
  BOOST_TEST(torch::equal(align_rows(rows, 5), rows));
  BOOST_TEST(align_rows(torch::tensor({{0.1f}}), 3)[2].item<float>() == 0.0999755859375f);  // half precision
  const auto many = torch::arange(2049, torch::kFloat).unsqueeze(1) / 64;  // as many rows have no half: 2048
  BOOST_TEST(torch::equal(align_rows(many, 2048), many.slice(0, 0, 2048).to(torch::kHalf).to(torch::kFloat)));
}

BOOST_AUTO_TEST_CASE(resized_rows_share_the_duration) {
  const test::ActionSet set(2, 96, 8);
  PointsModel model;
  model.settings().read_json(
      R"({"input":"rescale","rows":16,"resize":"align","row-at":"start","crop":1,"dims":16,"head-dims":16,"levels":3,)"
      R"("stem":1,"heads":2,"windows":[5]})");
  model.build(set.inputs());
  Random random(0);
  const auto samples = model.samples(set, 0);
  const auto batch = model.make_batch(set, samples, random, 0);
  for (std::size_t v = 0; v < 2; ++v) {
    const auto& video = set.video(samples[v].video);
    BOOST_TEST_REQUIRE(!video.truths.empty());
    for (std::size_t k = 0; k < video.truths.size(); ++k) {
      const auto segment = batch.at("segments")[static_cast<std::int64_t>(v)][static_cast<std::int64_t>(k)];
      BOOST_TEST(std::abs(segment[0].item<double>() - video.truths[k].segment.start / video.duration * 16) < 1e-6);
      BOOST_TEST(std::abs(segment[1].item<double>() - video.truths[k].segment.end / video.duration * 16) < 1e-6);
    }
  }
}

BOOST_AUTO_TEST_CASE(every_kind_learns_where_actions_are) {
  test::ActionSet set(4, 96, 8);
  for (const auto& [neck, head] : kKinds) {
    PointsModel model;
    model.settings().read_json(
        R"({"dims":16,"head-dims":16,"levels":4,"stem":1,"heads":2,"windows":[5],"rows":96,)"
        R"("droppath":0,"feed-forward":32,"sgp-init":0.2,"sgp-factor":1.5,"bins":8,"prior":0.1,"normalizer":20,)"
        R"("neck":")" +
        neck + R"(","head":")" + head + R"("})");
    torch::manual_seed(9);
    model.build(set.inputs());
    torch::optim::AdamW optimizer(model.network().parameters(), torch::optim::AdamWOptions(3e-3));
    auto samples = model.samples(set, 0);
    double first = 0, last = 0;
    for (int step = 0; step < 60; ++step) {
      for (auto& sample : samples) sample.seed = static_cast<std::uint64_t>(step) * 31 + sample.video;
      model.begin_step(model.step_total(set, samples, 0));
      Random random(0);
      const auto loss = model.loss(model.make_batch(set, samples, random, 0), 0).loss;
      optimizer.zero_grad();
      loss.backward();
      optimizer.step();
      (step == 0 ? first : last) = loss.item<double>();
    }
    BOOST_TEST(last < 0.6 * first, neck << " with " << head << ": " << first << " -> " << last);
  }
}

BOOST_AUTO_TEST_SUITE_END()
