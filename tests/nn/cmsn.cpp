// CMSN: C3D against a layer-by-layer reference, pixels, RoI pooling against plain loops, the losses' special cases.
#include <boost/test/unit_test.hpp>

#include <cmath>

#include "libtal/base/error.h"
#include "libtal/base/random.h"
#include "libtal/models/cmsn/cmsn.h"
#include "tests/nn/parity_nn.h"

using namespace tal;

namespace {

using Volume = std::vector<double>;  // [C, T, H, W]
struct Shape {
  std::int64_t c, t, h, w;
  std::size_t at(std::int64_t i, std::int64_t a, std::int64_t b, std::int64_t d) const {
    return static_cast<std::size_t>(((i * t + a) * h + b) * w + d);
  }
  std::size_t size() const { return static_cast<std::size_t>(c * t * h * w); }
};

// 3x3x3 convolution with padding 1, then ReLU, as six loops.
void convolve(Volume& x, Shape& s, const torch::Tensor& weight, const torch::Tensor& bias) {
  const auto w = weight.accessor<double, 5>();
  const Shape out{weight.size(0), s.t, s.h, s.w};
  Volume y(out.size());
  for (std::int64_t o = 0; o < out.c; ++o)
    for (std::int64_t t = 0; t < s.t; ++t)
      for (std::int64_t h = 0; h < s.h; ++h)
        for (std::int64_t v = 0; v < s.w; ++v) {
          double sum = bias[o].item<double>();
          for (std::int64_t i = 0; i < s.c; ++i)
            for (std::int64_t a = -1; a <= 1; ++a)
              for (std::int64_t b = -1; b <= 1; ++b)
                for (std::int64_t d = -1; d <= 1; ++d) {
                  const auto tt = t + a, hh = h + b, vv = v + d;
                  if (tt >= 0 && tt < s.t && hh >= 0 && hh < s.h && vv >= 0 && vv < s.w)
                    sum += w[o][i][a + 1][b + 1][d + 1] * x[s.at(i, tt, hh, vv)];
                }
          y[out.at(o, t, h, v)] = std::max(0.0, sum);
        }
  x = std::move(y), s = out;
}

void pool(Volume& x, Shape& s, std::int64_t time) {
  const Shape out{s.c, s.t / time, s.h / 2, s.w / 2};
  Volume y(out.size(), -1);
  for (std::int64_t c = 0; c < s.c; ++c)
    for (std::int64_t t = 0; t < out.t * time; ++t)
      for (std::int64_t h = 0; h < out.h * 2; ++h)
        for (std::int64_t w = 0; w < out.w * 2; ++w) {
          double& best = y[out.at(c, t / time, h / 2, w / 2)];
          best = std::max(best, x[s.at(c, t, h, w)]);
        }
  x = std::move(y), s = out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cmsn)

BOOST_AUTO_TEST_CASE(c3d_layer_by_layer) {
  torch::manual_seed(2);
  C3d network(1.0 / 32, 2);  // 2, 4, 8, 8, 16, 16, 16, 16 channels
  network->to(torch::kDouble);
  const auto clip = torch::randn({1, 3, 8, 16, 32}, torch::kDouble);
  const auto got = network->forward(clip).squeeze(0).contiguous();
  Shape s{3, 8, 16, 32};
  Volume x(clip.const_data_ptr<double>(), clip.const_data_ptr<double>() + clip.numel());
  const auto named = network->named_parameters();
  const auto conv = [&](const char* name) {
    convolve(x, s, named[std::string(name) + ".weight"].detach(), named[std::string(name) + ".bias"].detach());
  };
  conv("conv1a"), pool(x, s, 1);
  conv("conv2a"), pool(x, s, 2);
  conv("conv3a"), conv("conv3b"), pool(x, s, 2);
  conv("conv4a"), conv("conv4b"), pool(x, s, 2);
  conv("conv5a"), conv("conv5b");
  BOOST_TEST_REQUIRE((got.sizes() == torch::IntArrayRef({s.c, s.t, s.h, s.w})));
  const auto want = torch::tensor(x, torch::kDouble).view(got.sizes());
  BOOST_TEST((got - want).abs().max().item<double>() < 1e-12);
  BOOST_TEST(want.abs().max().item<double>() > 0);
}

BOOST_AUTO_TEST_CASE(full_size_has_the_papers_shapes) {
  C3d network(1, 2);
  BOOST_TEST(network->channels() == 512);
  const auto named = network->named_parameters();
  BOOST_TEST((named["conv1a.weight"].sizes() == torch::IntArrayRef({64, 3, 3, 3, 3})));
  BOOST_TEST((named["conv5b.weight"].sizes() == torch::IntArrayRef({512, 512, 3, 3, 3})));
  int frozen = 0;
  for (const auto& item : named) frozen += !item.value().requires_grad();
  BOOST_TEST(frozen == 4);  // weight and bias of conv1a and conv2a
}

BOOST_AUTO_TEST_CASE(pixels_reach_c3d_less_the_recipes_mean) {
  torch::manual_seed(3);
  CmsnOptions o;
  o.input = "clips", o.width = 1.0 / 32, o.hidden = 5, o.lstm_hidden = 4, o.evaluation_hidden = 8;
  Cmsn network(0, o);
  network->eval();
  const auto bytes = torch::randint(0, 256, {2, 3, 16, 32, 32}, torch::kByte);
  const auto got = network->cnn_of(bytes);
  // RGB in 0..255 less 104, 117, 128; the convolutions, two more, the maximum over space.
  const auto pixels = bytes.to(torch::kFloat) - torch::tensor({104.0f, 117.0f, 128.0f}).view({1, 3, 1, 1, 1});
  const auto base = network->extractor->forward(pixels);
  auto stages = network->stages;
  const auto cnn = torch::relu(stages->conv2->forward(torch::relu(stages->conv1->forward(base))));
  BOOST_TEST_REQUIRE((got.sizes() == torch::IntArrayRef({2, 2, 5})));
  for (std::int64_t b = 0; b < 2; ++b)
    for (std::int64_t t = 0; t < 2; ++t)
      for (std::int64_t f = 0; f < 5; ++f) {
        const auto most = cnn[b][f][t].max().item<float>();
        BOOST_TEST(std::fabs(got[b][t][f].item<float>() - most) <= 1e-5f * (1 + std::fabs(most)));
      }
  BOOST_TEST(got.abs().max().item<float>() > 0);
}

BOOST_AUTO_TEST_CASE(roi_pooling_against_loops) {
  Random random(7);
  const auto f = torch::randn({37, 3}, torch::kDouble);
  for (const std::int64_t P : {1, 4, 8}) {
    std::vector<RowRange> rois;
    for (int k = 0; k < 60; ++k) {
      const auto first = static_cast<std::int64_t>(random.below(37));
      rois.push_back(
          {first, first + 1 + static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(37 - first)))});
    }
    const auto got = roi_max_pool(f, rois, P);
    for (std::size_t m = 0; m < rois.size(); ++m) {
      const auto n = rois[m].count();
      for (std::int64_t k = 0; k < P; ++k) {
        const auto from = rois[m].first + k * n / P, to = rois[m].first + ((k + 1) * n + P - 1) / P;
        BOOST_TEST(torch::equal(got[static_cast<std::int64_t>(m)].select(1, k), f.narrow(0, from, to - from).amax(0)));
      }
    }
  }
  BOOST_CHECK_THROW(roi_max_pool(f, std::vector<RowRange>{{3, 3}}, 2), tal::Error);
}

BOOST_AUTO_TEST_CASE(losses_leave_unlabelled_snippets_out) {
  torch::manual_seed(5);
  for (const char* form : {"softmax", "lmcl", "vmcl", "angular"}) {
    CosineLossOptions o;
    o.form = form;
    ActionStageClassifier classifier(5, o);
    classifier->to(torch::kDouble);
    const auto x = torch::randn({2, 6, 5}, torch::kDouble);
    const auto label = torch::randint(0, 6, {2, 6}, torch::kLong);
    auto partly = label.clone();
    partly[0].narrow(0, 3, 3).fill_(-1);
    partly[1].fill_(-1);
    const auto alone = classifier->loss(classifier->forward(x[0].narrow(0, 0, 3)), label[0].narrow(0, 0, 3));
    BOOST_TEST(std::fabs((classifier->loss(classifier->forward(x), partly) - alone).item<double>()) < 1e-12, form);
    const auto p = classifier->probabilities(classifier->forward(x));
    BOOST_TEST((p.sum(-1) - 1).abs().max().item<double>() < 1e-12);
    BOOST_TEST(torch::equal(p.argmax(-1), classifier->forward(x).argmax(-1)));
    // Margins make the task harder, never easier.
    if (o.form != "softmax") {
      CosineLossOptions none = o;
      none.form = "lmcl", none.constant_margin = 0;
      ActionStageClassifier plain(5, none);
      plain->to(torch::kDouble);
      torch::NoGradGuard guard;
      plain->weight.copy_(classifier->weight);
      BOOST_TEST(classifier->loss(classifier->forward(x), label).item<double>() >
                     plain->loss(plain->forward(x), label).item<double>(),
                 form);
    }
  }
  // A zero feature has no direction: finite all the same.
  ActionStageClassifier angular(5, [] {
    CosineLossOptions o;
    o.form = "angular";
    return o;
  }());
  auto zero = torch::zeros({1, 5});
  zero.requires_grad_();
  const auto loss = angular->loss(angular->forward(zero), torch::zeros({1}, torch::kLong));
  loss.backward();
  BOOST_TEST(std::isfinite(loss.item<double>()));
  BOOST_TEST(zero.grad().isfinite().all().item<bool>());
}

BOOST_AUTO_TEST_SUITE_END()
