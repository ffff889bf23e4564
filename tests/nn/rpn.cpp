// The RPN's fast form against the plain one and against finite differences, and the model from samples to proposals.
#include <boost/test/unit_test.hpp>

#include "libtal/base/error.h"
#include "libtal/base/random.h"
#include "libtal/fusion/rpn_record.h"
#include "libtal/io/maps.h"
#include "libtal/models/rpn/rpn_model.h"
#include "tests/nn/vectors.h"

using namespace tal;

namespace {

std::vector<Segment> random_anchors(Random& random, std::int64_t rows, std::size_t count) {
  std::vector<Segment> out;
  for (std::size_t k = 0; k < count; ++k) {
    const double length = std::exp2(random.uniform() * std::log2(static_cast<double>(rows)));
    const double centre = random.uniform() * static_cast<double>(rows);
    out.push_back({centre - length / 2, centre + length / 2});
  }
  return out;
}

RpnInput input_of(const RpnOptions& options, const torch::Tensor& x, const std::vector<Segment>& anchors) {
  RpnInput input{x, {}, {}};
  RpnNetworkImpl::Planner planner(options, x.size(0));
  planner.add({0, x.size(0)}, anchors);
  planner.finish(input);
  return input;
}

double relative_error(const torch::Tensor& got, const torch::Tensor& want) {
  return ((got - want).abs().max() / want.abs().max().clamp_min(1e-30)).item<double>();
}

RpnOptions small_options() {
  RpnOptions o;
  o.anchor_rows = 5, o.vicinity_rows = 11, o.width = 6, o.hidden = 4, o.head_widths = {7, 6}, o.variance_width = 5,
  o.unit_widths = {4, 3, 5}, o.heads = 2;
  return o;
}

// Videos of low noise with a raised channel inside each ground truth and spikes at its ends.
class SmallSet : public TrainingSet {
 public:
  explicit SmallSet(std::int64_t rows, std::uint64_t seed = 3) {
    Random random(seed);
    inputs_.streams = {{"x", 4}};
    for (int v = 0; v < 6; ++v) {
      Video video;
      video.id = std::string("v").append(std::to_string(v)), video.rows = rows,
      video.duration = 2.0 * static_cast<double>(rows);
      video.time = {2, 2, 1, 0};
      const double start = std::floor(random.uniform() * 0.4 * static_cast<double>(rows)),
                   length = std::floor((0.2 + 0.3 * random.uniform()) * static_cast<double>(rows));
      video.truths = {{{2 * start, 2 * (start + length)}, 0}};
      torch::Tensor x = 0.3 * torch::ones({rows, 4});
      for (std::int64_t r = 0; r < rows; ++r)
        for (int c = 0; c < 4; ++c) x[r][c] += 0.05 * random.normal();
      x.slice(0, static_cast<std::int64_t>(start), static_cast<std::int64_t>(start + length)).select(1, 0) += 2;
      x[static_cast<std::int64_t>(start)][1] += 3, x[static_cast<std::int64_t>(start + length) - 1][2] += 3;
      videos_.push_back(video), features_.push_back(x);
    }
  }
  const InputContract& inputs() const override { return inputs_; }
  std::size_t size() const override { return videos_.size(); }
  const Video& video(std::size_t index) const override { return videos_.at(index); }
  torch::Tensor rows(std::size_t index, std::int64_t first, std::int64_t count) const override {
    torch::Tensor out = torch::zeros({count, 4});
    for (std::int64_t r = 0; r < count; ++r)
      if (first + r >= 0 && first + r < videos_[index].rows) out[r] = features_[index][first + r];
    return out;
  }

 private:
  InputContract inputs_;
  std::vector<Video> videos_;
  std::vector<torch::Tensor> features_;
};

std::unique_ptr<RpnModel> small_model(const TrainingSet& set, const std::vector<std::string>& settings) {
  auto model = std::make_unique<RpnModel>();
  Settings s = model->settings();
  for (const char* pair : {"width=16", "hidden=12", "head-widths=16,16", "unit-widths=8,8,8", "anchor-rows=6",
                           "vicinity-rows=12", "rows=32", "scales=1,1/2,3/8,1/4,1/8"})
    s.set_pair(pair);
  for (const std::string& pair : settings) s.set_pair(pair);
  torch::manual_seed(5);
  model->build(set.inputs());
  return model;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(rpn)

// Float32 at the size of ActivityNet's windows, all anchors; rows that are negative as well, so that the zeros outside
// matter in the maximum.
BOOST_AUTO_TEST_CASE(fast_form_equals_plain_form) {
  const torch::NoGradGuard guard;
  torch::manual_seed(1);
  for (const std::string form : {"B2", "A", "B2 single"}) {
    RpnOptions o;
    o.variant = form.substr(0, form.find(' ')), o.vicinity_backbone = form == "B2 single" ? "single" : "inception";
    o.width = 24, o.hidden = 16, o.head_widths = {16, 8}, o.unit_widths = {8, 8, 8};
    RpnNetwork net(40, o);
    net->eval();
    const auto x = normalise_rows(torch::randn({100, 40}) - 0.5);
    const auto anchors = make_anchors(100, std::vector<double>{1, 0.75, 0.5, 0.25, 0.125, 0.0625, 0.03125, 0.02, 0.01});
    const RpnOutput fast = net->forward(input_of(o, x, anchors)), plain = net->direct(x, anchors);
    BOOST_TEST(fast.vicinity_rows.values.size(0) < plain.vicinity_rows.values.size(0) * 2 / 3);
    BOOST_TEST(relative_error(fast.anchor_rows.expand(), plain.anchor_rows.expand()) < 1e-4);
    BOOST_TEST(relative_error(fast.vicinity_rows.expand(), plain.vicinity_rows.expand()) < 1e-4);
    BOOST_TEST(relative_error(fast.segments.kappa, plain.segments.kappa) < 1e-4);
    BOOST_TEST(relative_error(fast.segments.logit, plain.segments.logit) < 1e-4);
    BOOST_TEST(relative_error(fast.segments.offsets.offset, plain.segments.offsets.offset) < 1e-4);
    BOOST_TEST(relative_error(fast.unit_logit, plain.unit_logit) < 1e-4);
  }
}

// Anchors of any length, several sequences behind each other in x.
BOOST_AUTO_TEST_CASE(sequences_do_not_mix) {
  torch::manual_seed(2);
  Random random(2);
  RpnOptions o = small_options();
  RpnNetwork net(7, o);
  net->to(torch::kDouble);
  const auto x = normalise_rows(torch::randn({90, 7}, torch::kDouble));
  RpnInput input{x, {}, {}};
  RpnNetworkImpl::Planner planner(o, 90);
  std::vector<torch::Tensor> plain;
  for (const auto& [first, rows] : {std::pair<std::int64_t, std::int64_t>{0, 40}, {40, 20}, {60, 30}}) {
    const auto anchors = random_anchors(random, rows, 30);
    planner.add({first, first + rows}, anchors);
    plain.push_back(net->direct(x.narrow(0, first, rows), anchors).segments.logit);
  }
  planner.finish(input);
  BOOST_TEST(relative_error(net->forward(input).segments.logit, torch::cat(plain)) < 1e-12);
}

// Central differences of the total loss along random directions, for every parameter and the features.
BOOST_AUTO_TEST_CASE(gradients_by_finite_differences) {
  for (const bool multi_head : {false, true}) {
    torch::manual_seed(multi_head);
    Random random(multi_head);
    RpnOptions o = small_options();
    o.regression = "kl", o.weighting = "mtl", o.variant = multi_head ? "A2" : "B2",
    o.attention = multi_head ? "multi-head" : "soft";
    RpnNetwork net(6, o);
    net->to(torch::kDouble);
    auto x = torch::randn({25, 6}, torch::kDouble).requires_grad_();
    const auto anchors = random_anchors(random, 25, 12);
    const auto positive = (torch::arange(12) < 6).to(torch::kDouble);
    const RpnTargets targets{positive, torch::randn({12, 2}, torch::kDouble),
                             (torch::rand({12, 3, o.vicinity_rows}, torch::kDouble) < 0.3).to(torch::kDouble)};
    const RpnInput plan = input_of(o, x, anchors);
    const auto loss = [&] {
      RpnInput input = plan;
      input.x = normalise_rows(x);
      return rpn_losses(net->forward(input), targets, *net).total;
    };
    loss().backward();
    std::vector<std::pair<std::string, torch::Tensor>> tensors{{"x", x}};
    for (auto& item : net->named_parameters()) tensors.emplace_back(item.key(), item.value());
    for (auto& [name, tensor] : tensors) {
      const torch::NoGradGuard guard;
      const auto direction = torch::randn_like(tensor);
      const double step = 1e-6,
                   expected = tensor.grad().defined() ? (tensor.grad() * direction).sum().item<double>() : 0;
      tensor.add_(direction, step);
      torch::autograd::GradMode::set_enabled(true);
      const double up = loss().item<double>();
      torch::autograd::GradMode::set_enabled(false);
      tensor.sub_(direction, 2 * step);
      torch::autograd::GradMode::set_enabled(true);
      const double down = loss().item<double>();
      torch::autograd::GradMode::set_enabled(false);
      tensor.add_(direction, step);
      const double got = (up - down) / (2 * step);
      BOOST_TEST(std::abs(got - expected) <= 1e-5 * (1 + std::abs(expected)),
                 name << ": " << got << ", gradient says " << expected);
    }
  }
}

// The LSTM that shares rows equals LibTorch's, in double, and for more sequences than a group holds.
BOOST_AUTO_TEST_CASE(shared_bilstm) {
  const torch::NoGradGuard guard;
  torch::manual_seed(3);
  BiLstm lstm(5, 7);
  lstm->to(torch::kDouble);
  for (const std::int64_t sequences : {1, 3, 700}) {
    const SharedRows rows{torch::randn({50, 5}, torch::kDouble), torch::randint(50, {sequences, 9}, torch::kLong)};
    BOOST_TEST(relative_error(lstm->forward_shared(rows), lstm(rows.expand())) < 1e-12);
  }
}

// In float the recurrence is our own, with every width of vectors; states of long sequences, large and no numbers.
BOOST_AUTO_TEST_CASE(float_bilstm) {
  const torch::NoGradGuard guard;
  torch::manual_seed(4);
  for (const int bytes : {64, 32, 16}) {
    const Vectors vectors(bytes);
    for (const std::int64_t hidden : {1, 16, 21, 64}) {
      BiLstm lstm(30, hidden), wide(30, hidden);
      for (const auto& item : lstm->named_parameters()) wide->named_parameters()[item.key()].copy_(item.value());
      wide->to(torch::kDouble);
      for (const std::int64_t sequences : {1, 5, 700}) {
        const SharedRows rows{torch::randn({50, 30}) * 2, torch::randint(50, {sequences, 30}, torch::kLong)};
        const auto expected = wide(rows.expand().to(torch::kDouble));
        BOOST_TEST((lstm->forward_shared(rows).to(torch::kDouble) - expected).abs().max().item<double>() < 5e-6,
                   bytes << " bytes, " << hidden << " units, " << sequences);
      }
    }
    BiLstm lstm(4, 20);
    auto values = torch::randn({3, 4}) * 1e6;  // gates far beyond where they are open or shut
    const auto extreme = lstm->forward_shared({values, torch::tensor({{0, 1, 2}})});
    BOOST_TEST((extreme - lstm(values.unsqueeze(0))).abs().max().item<double>() < 1e-6);
    values[1][2] = std::numeric_limits<float>::quiet_NaN();
    const auto states = lstm->forward_shared({values, torch::tensor({{0, 1, 2}, {0, 2, 2}})});
    BOOST_TEST(states[0][2].narrow(0, 0, 20).isnan().all().item<bool>());
    BOOST_TEST(!states[1].isnan().any().item<bool>());
  }
}

BOOST_AUTO_TEST_CASE(contradictory_options) {
  const auto refused = [](auto change) {
    RpnOptions o;
    change(o);
    BOOST_CHECK_THROW(o.check(), Error);
  };
  refused([](RpnOptions& o) { o.shared = true; });
  refused([](RpnOptions& o) { o.shared = true, o.variant = "B", o.vicinity_backbone = "single"; });
  refused([](RpnOptions& o) { o.recurrence = "none", o.attention = "none"; });
  refused([](RpnOptions& o) { o.recurrence = "none", o.variant = "A"; });
  refused([](RpnOptions& o) { o.attention = "multi-head", o.heads = 7; });
}

// The single convolution is the fast form's three-tap kernel: each vicinity row from its two neighbours.
BOOST_AUTO_TEST_CASE(single_convolution_before_the_vicinity_lstm) {
  torch::manual_seed(3);
  RpnOptions o = small_options();
  o.vicinity_backbone = "single";
  RpnNetwork net(3, o);
  const auto parameters = net->named_parameters();
  BOOST_TEST(parameters.contains("vicinity_backbone.conv.weight"));
  BOOST_TEST(!parameters.contains("vicinity_backbone.conv1.weight"));
  const torch::NoGradGuard guard;
  const auto x = normalise_rows(torch::randn({20, 3}));
  const Segment anchor{4, 11};
  const auto rows = resample_intervals(x, {vicinity_of(anchor)}, o.vicinity_rows)[0];  // [L^, C]
  const auto &weight = parameters["vicinity_backbone.conv.weight"], &bias = parameters["vicinity_backbone.conv.bias"];
  const auto got = net->forward(input_of(o, x, {anchor})).vicinity_rows.expand()[0];
  for (std::int64_t r = 0; r < o.vicinity_rows; ++r) {
    auto want = bias.clone();
    for (std::int64_t tap = -1; tap <= 1; ++tap)
      if (r + tap >= 0 && r + tap < o.vicinity_rows) want += weight.select(2, tap + 1).mv(rows[r + tap]);
    BOOST_TEST((got[r] - torch::relu(want)).abs().max().item<double>() < 1e-5);
  }
}

// e^-s L + s / 2 with s of the regression at least -5: by hand, and pulled up again by a loss that has become positive.
BOOST_AUTO_TEST_CASE(task_weight_of_the_kl_loss_is_bounded) {
  RpnOptions o = small_options();
  o.weighting = "mtl", o.regression = "kl";
  RpnNetwork net(3, o);
  net->to(torch::kDouble);
  {
    const torch::NoGradGuard guard;
    net->log_var.copy_(torch::tensor({-6.0, -7.0, 0.0, -8.0, 1.0}, torch::kDouble));
  }
  const auto bounded = torch::tensor({-6.0, -5.0, 0.0, -8.0, 1.0}, torch::kDouble);
  BOOST_TEST(torch::equal(net->task_log_var(), bounded));
  RpnOutput output;
  output.segments.logit = torch::zeros({2}, torch::kDouble);
  output.segments.offsets = {torch::zeros({2, 2}, torch::kDouble),
                             torch::full({2, 2}, -3.0, torch::kDouble)};  // no
                                                                          // error,
                                                                          // alpha
                                                                          // -3: a
                                                                          // loss
                                                                          // of -3
  output.unit_logit = torch::zeros({2, 3, 4}, torch::kDouble);
  RpnTargets targets{torch::tensor({1.0, 0.0}, torch::kDouble), torch::zeros({2, 2}, torch::kDouble),
                     torch::zeros({2, 3, 4}, torch::kDouble)};
  const RpnLosses losses = rpn_losses(output, targets, *net);
  BOOST_TEST(losses.parts[1].item<double>() == -3.0, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(losses.terms[1].item<double>() == -3 * std::exp(5.0) - 2.5, boost::test_tools::tolerance(1e-12));
  double total = 0;
  for (int k = 0; k < 5; ++k) {
    const double s = bounded[k].item<double>(), want = std::exp(-s) * losses.parts[k].item<double>() + s / 2;
    BOOST_TEST(losses.terms[k].item<double>() == want, boost::test_tools::tolerance(1e-12));
    total += want;
  }
  BOOST_TEST(losses.total.item<double>() == total, boost::test_tools::tolerance(1e-12));

  // Each step begins on the bound, so that a positive loss raises s again.
  net->bound_log_var();
  BOOST_TEST(torch::equal(net->log_var.detach(), bounded));
  targets.offset = torch::full({2, 2}, 3.0, torch::kDouble);  // |x| = 3: e^3 2.5 - 1.5 for each boundary
  const RpnLosses wrong = rpn_losses(output, targets, *net);
  wrong.total.backward();
  const double loss = 2 * (2.5 * std::exp(3.0) - 1.5);
  BOOST_TEST(wrong.parts[1].item<double>() == loss, boost::test_tools::tolerance(1e-12));
  BOOST_TEST(net->log_var.grad()[1].item<double>() == -std::exp(5.0) * loss + 0.5, boost::test_tools::tolerance(1e-12));

  o.regression = "smooth-l1";  // bounded below by itself
  RpnNetwork plain(3, o);
  const torch::NoGradGuard guard;
  plain->log_var.fill_(-9);
  plain->bound_log_var();
  BOOST_TEST(plain->task_log_var().max().item<double>() == -9);
}

BOOST_AUTO_TEST_CASE(learning_rate_follows_the_regression_loss) {
  RpnModel model;
  BOOST_TEST(model.training_defaults() ==
             R"({"optimizer":"adam","lr":1e-3,"weight-decay":1e-9,"batch":16,"epochs":20})");
  model.settings().set("regression", "kl");
  BOOST_TEST(model.training_defaults() ==
             R"({"optimizer":"adam","lr":1e-4,"weight-decay":1e-9,"batch":16,"epochs":20})");
}

// The ground truth is [40, 44] rows. Windows of 32 rows begin at 0, 16 and 32: the first one's last anchors reach far
// over it, but it lies outside.
BOOST_AUTO_TEST_CASE(truth_outside_a_window_labels_nothing) {
  class OneTruth : public SmallSet {
   public:
    OneTruth() : SmallSet(64), video_(SmallSet::video(0)) { video_.truths = {{{80, 88}, 0}}; }
    std::size_t size() const override { return 1; }
    const Video& video(std::size_t) const override { return video_; }
    Video video_;
  } set;
  const auto model = small_model(set, {"input=windows", "stride=16", "scales=1,1/2,1/8"});
  const auto firsts = [&] {
    std::vector<std::int64_t> rows;
    for (const Sample& sample : model->samples(set, 0)) rows.push_back(sample.first);
    return rows;
  };
  // With its truth outside counted, the first window had a sample: its last anchors of 32 rows, [15.5, 47.5], hold it.
  BOOST_TEST(tiou({15.5, 47.5}, {40, 44}) >= 0.1);
  BOOST_TEST(firsts() == (std::vector<std::int64_t>{16, 32}), boost::test_tools::per_element());
  // One that only touches the window's end is outside, too; one that reaches in by half a row is not.
  set.video_.truths = {{{64, 80}, 0}};
  BOOST_TEST(firsts() == (std::vector<std::int64_t>{16, 32}), boost::test_tools::per_element());
  set.video_.truths = {{{63, 80}, 0}};
  BOOST_TEST(firsts() == (std::vector<std::int64_t>{0, 16, 32}), boost::test_tools::per_element());
  // Nor does it label units: a second truth inside makes the window's samples, whose unit labels are as if it were
  // alone.
  const auto units = [&](std::vector<TruthSegment> truths) {
    set.video_.truths = std::move(truths);
    std::vector<Sample> samples = model->samples(set, 0);
    samples.resize(1);
    Random random(0);
    return model->make_batch(set, samples, random, 0);
  };
  const Batch both = units({{{40, 60}, 0}, {{70, 90}, 0}}), alone = units({{{40, 60}, 0}});
  BOOST_TEST(torch::equal(both.at("unit"), alone.at("unit")));
  BOOST_TEST(torch::equal(both.at("positive"), alone.at("positive")));
}

// Batches depend on the samples' seeds only; positives and negatives are what 3.2 says.
BOOST_AUTO_TEST_CASE(batches) {
  const SmallSet set(32);
  const auto model = small_model(set, {});
  auto samples = model->samples(set, 0);
  BOOST_TEST(samples.size() == 6u);
  for (std::size_t k = 0; k < samples.size(); ++k) samples[k].seed = 100 + k;
  Random random(0);
  const Batch one = model->make_batch(set, samples, random, 0), two = model->make_batch(set, samples, random, 0);
  BOOST_TEST(one.tensors.size() == two.tensors.size());
  for (const auto& [name, tensor] : one.tensors) BOOST_TEST(torch::equal(tensor, two.at(name)), name);
  samples[0].seed = 7;
  BOOST_TEST(!torch::equal(one.at("anchors.index"), model->make_batch(set, samples, random, 0).at("anchors.index")));
  const auto positive = one.at("positive");
  BOOST_TEST(positive.sum().item<double>() > 6);
  BOOST_TEST((1 - positive).sum().item<double>() > 6);
  BOOST_TEST(positive.size(0) <= 6 * 20);
  // tIoU of a positive's offset target: (1 - |..|) / (1 + |..|) style bounds are loose; its target must move the anchor
  // onto the truth.
  BOOST_TEST(one.at("offset").abs().max().item<double>() <= 0.5);
  BOOST_TEST((one.at("unit") * (1 - positive).view({-1, 1, 1})).sum().item<double>() == 0);
  BOOST_TEST((one.at("unit") * positive.view({-1, 1, 1})).sum(std::vector<std::int64_t>{0, 2}).min().item<double>() >
             6);
}

BOOST_AUTO_TEST_CASE(learned_loss_weights_have_their_own_rate) {
  const SmallSet set(64);
  const auto plain = small_model(set, {"weighting=mtl"}), own = small_model(set, {"weighting=mtl", "weighting-lr=30"});
  BOOST_TEST(plain->parameters(0).size() == 1u);
  const auto groups = own->parameters(0);
  BOOST_TEST_REQUIRE(groups.size() == 2u);
  BOOST_TEST(groups[0].parameters.size() + 1 == plain->parameters(0)[0].parameters.size());
  BOOST_TEST_REQUIRE(groups[1].parameters.size() == 1u);
  BOOST_TEST(groups[1].parameters[0].is_same(own->network().named_parameters()["log_var"]));
  BOOST_TEST(groups[0].lr_factor == 1);
  BOOST_TEST(groups[1].lr_factor == 30);
}

// Learns six small videos by heart and proposes their ground truths, in windows and rescaled (by pooling and by
// padding).
BOOST_AUTO_TEST_CASE(learns_and_proposes) {
  struct Input {
    std::int64_t rows;
    std::vector<std::string> settings;
  };
  for (const Input& input : {Input{64, {"input=rescale", "regression=kl", "weighting=mtl"}},
                             Input{30, {"input=rescale"}}, Input{40, {"input=windows", "stride=16", "variant=A"}}}) {
    const SmallSet set(input.rows);
    const auto model = small_model(set, input.settings);
    auto samples = model->samples(set, 0);
    model->network().train();
    torch::optim::Adam optimizer(model->network().parameters(), torch::optim::AdamOptions(1e-2));
    Random random(0);
    double first = 0, last = 0;
    for (int step = 0; step < 60; ++step) {
      for (auto& sample : samples) sample.seed = random.bits();
      optimizer.zero_grad();
      const Losses losses = model->loss(model->make_batch(set, samples, random, 0), 0);
      const bool weighted = input.settings.size() > 1 && input.settings[1] == "regression=kl";  // the weighted
                                                                                                // regression stands
                                                                                                // beside the parts
      BOOST_TEST(losses.parts.size() == (weighted ? 6u : 5u));
      losses.loss.backward();
      optimizer.step();
      last = losses.loss.item<double>();
      if (!step) first = last;
    }
    BOOST_TEST(last < 0.5 * first);
    model->network().eval();
    double overlap = 0;
    for (std::size_t v = 0; v < set.size(); ++v) {
      const auto& video = set.video(v);
      Record record = Record::make(video.id);
      record.set_number("duration", video.duration);
      record.set_raw("maps", R"({"other":{"a":1.50}})");
      model->propose(record, {video.id, video.duration, video.time, set.all_rows(v)});
      Record read;
      const std::string line = record.str();
      read.parse(line);
      const auto& proposals = read.require_proposals();
      BOOST_REQUIRE(!proposals.empty());
      const Proposal* best = &proposals[0];
      for (const Proposal& p : proposals) {
        BOOST_TEST((p.segment.start >= 0 && p.segment.end <= video.duration));
        if (p.score > best->score) best = &p;
      }
      overlap += tiou(best->segment, video.truths[0].segment) / 6;
      BOOST_TEST((read.raw("maps")->find(R"("other":{"a":1.50})") != std::string_view::npos));
      const RpnMaps maps = read_rpn_maps(read);
      BOOST_TEST(maps.anchors.size() == proposals.size());
      BOOST_TEST(maps.rows == 12);
      refine_by_units(record = std::move(read), {});
      score_by_units(record, {});
      BOOST_TEST(record.require_proposals().size() == maps.anchors.size());
    }
    BOOST_TEST(overlap > 0.6, "mean tIoU of the best proposals " << overlap);
  }
}

// What validation makes of a record is what tal-refine and tal-score with its options make of it.
BOOST_AUTO_TEST_CASE(validation_completes_the_pipe) {
  const SmallSet set(32);
  const auto record_of = [&](RpnModel& model) {
    const auto& video = set.video(0);
    Record record = Record::make(video.id);
    record.set_number("duration", video.duration);
    model.propose(record, {video.id, video.duration, video.time, set.all_rows(0)});
    Record read;
    read.parse(std::string(record.str()));
    return read;
  };
  const auto kl = small_model(set, {"regression=kl", "val-beta=0.3", "val-kl-ev=true", "val-nms=rpn-thumos14"});
  BOOST_TEST(kl->suppression() == "rpn-thumos14");
  Record completed = record_of(*kl), piped = record_of(*kl);
  RpnFusionOptions options;
  options.beta = 0.3, options.kl_ev = true;
  kl->complete(completed);
  refine_by_units(piped, options), score_by_units(piped, options);
  BOOST_TEST(completed.str() == piped.str());
  BOOST_TEST(completed.str() != record_of(*kl).str());
  // Without unit scores there is nothing to do: the segment scores stand.
  const auto baseline = small_model(set, {"unit=false"});
  Record alone = record_of(*baseline);
  baseline->complete(alone);
  BOOST_TEST(alone.str() == record_of(*baseline).str());
  const auto none = small_model(set, {});
  none->inference().set("maps", "none");
  Record unmapped = record_of(*none);
  none->complete(unmapped);
  BOOST_TEST(unmapped.str() == record_of(*none).str());
}

BOOST_AUTO_TEST_CASE(a_diverged_model_says_so) {
  const SmallSet set(32);
  const auto model = small_model(set, {});
  {
    const torch::NoGradGuard guard;
    model->network().named_parameters()["segment.offset_head.fc3.bias"].fill_(std::numeric_limits<float>::quiet_NaN());
  }
  const auto& video = set.video(0);
  Record record = Record::make(video.id);
  std::string message;
  try {
    model->propose(record, {video.id, video.duration, video.time, set.all_rows(0)});
  } catch (const Error& error) {
    message = error.what();
  }
  BOOST_TEST(message ==
             "video 'v0': model 'rpn': scores that are not finite; a training that diverged leaves such a model");
}

BOOST_AUTO_TEST_SUITE_END()
