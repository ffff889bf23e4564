// SlowFast, TSM, TIN and P3D against plain loops at small size, and against what is published of their sizes.
#include <boost/test/unit_test.hpp>

#include <torch/torch.h>

#include "libtal/encoder/networks/factory.h"
#include "libtal/nn/backbones/p3d.h"
#include "libtal/nn/backbones/segment_resnet.h"
#include "libtal/nn/backbones/slowfast.h"
#include "tests/nn/encoder_reference.h"

namespace {

using namespace tal;
using namespace tal::plain_networks;

Plain frames_of(const Plain& clip, const std::vector<std::int64_t>& frames) {
  Plain out = plain({clip.size[0], static_cast<std::int64_t>(frames.size()), clip.size[2], clip.size[3]});
  for (std::int64_t c = 0; c < out.size[0]; ++c)
    for (std::int64_t t = 0; t < out.size[1]; ++t)
      for (std::int64_t y = 0; y < out.size[2]; ++y)
        for (std::int64_t x = 0; x < out.size[3]; ++x)
          out.at(c, t, y, x) = clip.at(c, frames[static_cast<std::size_t>(t)], y, x);
  return out;
}

// out(c, t) = in(c, from(c, t)), zero where that lies outside.
template <class From>
Plain moved(const Plain& in, From from) {
  Plain out = plain(in.size);
  for (std::int64_t c = 0; c < in.size[0]; ++c)
    for (std::int64_t t = 0; t < in.size[1]; ++t) {
      const std::int64_t source = from(c, t);
      if (source < 0 || source >= in.size[1]) continue;
      for (std::int64_t y = 0; y < in.size[2]; ++y)
        for (std::int64_t x = 0; x < in.size[3]; ++x) out.at(c, t, y, x) = in.at(c, source, y, x);
    }
  return out;
}

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

using Table = std::vector<std::vector<double>>;  // [channels][frames]

// A convolution over three frames, zeros outside.
Table conv_of_three(const Table& in, const torch::Tensor& weight, const torch::Tensor& bias) {
  const auto frames = static_cast<std::int64_t>(in[0].size());
  Table out;
  for (std::int64_t o = 0; o < weight.size(0); ++o) {
    auto& row = out.emplace_back();
    for (std::int64_t t = 0; t < frames; ++t) {
      double sum = bias[o].item<double>();
      for (std::size_t c = 0; c < in.size(); ++c)
        for (std::int64_t k = 0; k < 3; ++k)
          if (t + k - 1 >= 0 && t + k - 1 < frames)
            sum +=
                weight[o][static_cast<std::int64_t>(c)][k].item<double>() * in[c][static_cast<std::size_t>(t + k - 1)];
      row.push_back(sum);
    }
  }
  return out;
}

// TIN's operator as its authors compute it: two whole shifts (out[t + s] = in[t]) around each offset, weighed by the
// distances.
Plain interlaced(const Plain& x, const Weights& all, const Network& w, const std::string& at) {
  const std::int64_t count = x.size[0] / 4, frames = x.size[1];
  Table pooled;
  for (std::int64_t c = 0; c < count; ++c) {
    auto& row = pooled.emplace_back();
    for (std::int64_t t = 0; t < frames; ++t) {
      double sum = 0;
      for (std::int64_t y = 0; y < x.size[2]; ++y)
        for (std::int64_t k = 0; k < x.size[3]; ++k) sum += x.at(c, t, y, k);
      row.push_back(sum / static_cast<double>(x.size[2] * x.size[3]));
    }
  }
  auto hidden =
      w.linear(conv_of_three(pooled, all.at(at + "offset_net.conv.weight"), all.at(at + "offset_net.conv.bias"))[0],
               at + "offset_net.fc1");
  for (auto& value : hidden) value = std::max(0.0, value);
  std::vector<double> offsets;
  for (const double value : w.linear(hidden, at + "offset_net.fc2")) offsets.push_back(4 * (sigmoid(value) - 0.5));
  offsets.push_back(-offsets[0]), offsets.push_back(-offsets[1]);
  const auto scale = conv_of_three(pooled, all.at(at + "weight_net.conv.weight"), all.at(at + "weight_net.conv.bias"));

  const auto group = [&](std::int64_t c) { return static_cast<std::size_t>(c / (count / 4)); };
  const auto shift = [&](std::int64_t c, std::int64_t more) {
    return c < count ? static_cast<std::int64_t>(std::floor(offsets[group(c)])) + more : 0;
  };
  const Plain near = moved(x, [&](std::int64_t c, std::int64_t t) { return t - shift(c, 0); });
  const Plain far = moved(x, [&](std::int64_t c, std::int64_t t) { return t - shift(c, 1); });
  Plain out = x;
  for (std::int64_t c = 0; c < count; ++c) {
    const double part = offsets[group(c)] - std::floor(offsets[group(c)]);
    for (std::int64_t t = 0; t < frames; ++t)
      for (std::int64_t y = 0; y < x.size[2]; ++y)
        for (std::int64_t k = 0; k < x.size[3]; ++k)
          out.at(c, t, y, k) = 2 * sigmoid(scale[group(c) % 2][static_cast<std::size_t>(t)]) *
                               ((1 - part) * near.at(c, t, y, k) + part * far.at(c, t, y, k));
  }
  return out;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(video_encoders)

// The model zoos: PyTorchVideo's count is in millions, MMAction2's exact.
BOOST_AUTO_TEST_CASE(published_sizes) {
  const auto parameters = [](const std::string& name) {
    std::int64_t count = 0;
    for (const auto& tensor : make_encoder_network(*find_recipe(name), 400)->parameters()) count += tensor.numel();
    return count;
  };
  const auto millions = [&](const std::string& name) {
    return std::round(static_cast<double>(parameters(name)) / 1e4) / 100;
  };
  BOOST_TEST(millions("slowfast-r50") == 34.57);
  BOOST_TEST(millions("slowfast-r101") == 62.83);
  BOOST_TEST(parameters("slowfast-r50-mmaction2") == 34565560);
  BOOST_TEST(parameters("slowfast-r101-mmaction2") == 62912312);
  BOOST_TEST(parameters("slowfast-r50-4x16-mmaction2") == 34479288);
}

BOOST_AUTO_TEST_CASE(names_and_shapes) {
  using Shape = std::vector<std::int64_t>;
  const auto shape = [](const Weights& state, const std::string& name) { return state.at(name).sizes().vec(); };
  const auto of = [](const std::string& name) { return state_of(*make_encoder_network(*find_recipe(name), 5)); };
  const auto slowfast = of("slowfast-r50"), p3d = of("p3d-199"), tin = of("tin-r50");
  BOOST_TEST((shape(slowfast, "blocks.4.multipathway_blocks.0.res_blocks.0.branch2.conv_a.weight") ==
              Shape{512, 1280, 3, 1, 1}));
  BOOST_TEST(
      (shape(slowfast, "blocks.2.multipathway_blocks.1.res_blocks.3.branch2.conv_b.weight") == Shape{16, 16, 1, 3, 3}));
  BOOST_TEST((shape(slowfast, "blocks.0.multipathway_fusion.conv_fast_to_slow.weight") == Shape{16, 8, 7, 1, 1}));
  BOOST_TEST((shape(slowfast, "blocks.6.proj.weight") == Shape{5, 2304}));
  BOOST_TEST(slowfast.count("blocks.4.multipathway_fusion.conv_fast_to_slow.weight") == 0u);
  BOOST_TEST((shape(p3d, "layer3.35.conv3.weight") == Shape{256, 256, 3, 1, 1}));
  BOOST_TEST((shape(p3d, "layer4.0.conv1.weight") == Shape{512, 1024, 1, 1}));
  BOOST_TEST((shape(p3d, "layer4.2.conv_normal.weight") == Shape{512, 512, 3, 3}));
  BOOST_TEST((shape(tin, "layer2.0.interlace.offset_net.conv.weight") == Shape{1, 64, 3}));
  BOOST_TEST((shape(tin, "layer1.0.interlace.offset_net.fc2.weight") == Shape{2, 8}));
  BOOST_TEST((shape(of("i3d-flow"), "Conv3d_1a_7x7.conv3d.weight") == Shape{64, 2, 7, 7, 7}));
}

void check_slowfast(SlowFastOptions::Reference reference) {
  const bool mmaction2 = reference == SlowFastOptions::Reference::kMmaction2;
  SlowFastOptions o;
  o.reference = reference, o.blocks = {1, 2, 1, 1}, o.width = 16, o.classes = 5;
  SlowFast network(o);
  const Network w(randomise(network));
  const auto input = input_of({3, 8, 32, 40});
  const auto unit = [&](const Plain& x, const std::string& conv, const std::string& norm, std::int64_t time,
                        std::int64_t k, std::int64_t s) {
    return w.norm(w.conv(x, conv, {1, s, s}, {time / 2, k / 2, k / 2}), norm, 1e-5);
  };
  const auto stem = [&](const Plain& x, const std::string& at, std::int64_t time) {
    return pool(relu(unit(x, at + ".conv", at + ".norm", time, 7, 2)), {1, 3, 3}, {1, 2, 2}, {0, 1, 1});
  };
  Plain slow = stem(frames_of(input.second, {0, mmaction2 ? 4 : 7}), "blocks.0.multipathway_blocks.0", 1),
        fast = stem(input.second, "blocks.0.multipathway_blocks.1", 5);
  for (int s = 0; s < 4; ++s) {
    const std::string lateral = "blocks." + std::to_string(s) + ".multipathway_fusion.",
                      next = "blocks." + std::to_string(s + 1) + ".multipathway_blocks.";
    const Plain from_fast = w.conv(fast, lateral + "conv_fast_to_slow", {4, 1, 1}, {3, 0, 0});
    slow = joined({slow, mmaction2 ? from_fast : relu(w.norm(from_fast, lateral + "norm", 1e-5))});
    for (const int p : {0, 1}) {
      Plain& x = p == 0 ? slow : fast;
      for (int b = 0; b < (s == 1 ? 2 : 1); ++b) {
        const std::string at = next + std::to_string(p) + ".res_blocks." + std::to_string(b) + ".";
        const std::int64_t stride = s > 0 && b == 0 ? 2 : 1, time = p == 1 || s >= 2 ? 3 : 1;
        Plain y = relu(unit(x, at + "branch2.conv_a", at + "branch2.norm_a", time, 1, 1));
        y = relu(unit(y, at + "branch2.conv_b", at + "branch2.norm_b", 1, 3, stride));
        y = unit(y, at + "branch2.conv_c", at + "branch2.norm_c", 1, 1, 1);
        x = relu(sum(y, b == 0 ? unit(x, at + "branch1_conv", at + "branch1_norm", 1, 1, stride) : x));
      }
    }
  }
  auto pooled = means(mmaction2 ? fast : slow);
  const auto behind = means(mmaction2 ? slow : fast);
  pooled.insert(pooled.end(), behind.begin(), behind.end());
  check_network(network, input, pooled, w.linear(pooled, "blocks.6.proj"));
}

BOOST_AUTO_TEST_CASE(slowfast) { check_slowfast(SlowFastOptions::Reference::kPyTorchVideo); }
BOOST_AUTO_TEST_CASE(slowfast_of_mmaction2) { check_slowfast(SlowFastOptions::Reference::kMmaction2); }

// TSM on ResNeSt, of flow: a frame is a stack of five fields.
BOOST_AUTO_TEST_CASE(shift_on_resnest) {
  SegmentResNetOptions o;
  o.resnet.blocks = {1, 2, 1, 1}, o.resnet.bottleneck = true, o.resnet.width = 4, o.resnet.stem = 8, o.resnet.radix = 2,
  o.resnet.channels = 10, o.resnet.classes = 5;
  o.frames = 4;
  SegmentResNet network(o);
  const Network w(randomise(network));
  const auto input = input_of({10, 4, 33, 40});
  const Plain x =
      resnest_stages(w, resnest_stem(w, input.second), o.resnet.blocks, [&](const Plain& in, const std::string&) {
        const auto fold = in.size[0] / 8;
        return moved(in, [&](std::int64_t c, std::int64_t t) { return c < fold ? t + 1 : c < 2 * fold ? t - 1 : t; });
      });
  check_network(network, input, means(x), w.linear(means(x), "fc"));
}

// The encoders of the paper's two-stream list, on both modalities: TSM on ResNeSt-50, -101 and -269, TIN on ResNet-101,
// SlowFast-101, P3D-199.
BOOST_AUTO_TEST_CASE(two_streams) {
  using Shape = std::vector<std::int64_t>;
  const auto first = [](const std::string& name, const std::string& weight) {
    const auto* recipe = find_recipe(name);
    BOOST_REQUIRE_MESSAGE(recipe, name);
    return state_of(*make_encoder_network(*recipe, 5)).at(weight).sizes().vec();
  };
  BOOST_TEST((first("tsm-resnest101", "conv1.0.weight") == Shape{64, 3, 3, 3}));
  BOOST_TEST((first("tsm-resnest50-flow", "conv1.0.weight") == Shape{32, 10, 3, 3}));
  BOOST_TEST((first("tsm-resnest269-flow", "layer2.29.conv2.conv.weight") == Shape{256, 64, 3, 3}));
  BOOST_TEST((first("tsm-r101", "layer3.22.conv1.weight") == Shape{256, 1024, 1, 1}));
  BOOST_TEST((first("tin-r101", "layer3.22.interlace.offset_net.conv.weight") == Shape{1, 256, 3}));
  BOOST_TEST((first("tin-r101-flow", "conv1.weight") == Shape{64, 10, 7, 7}));
  BOOST_TEST((first("slowfast-r101-flow", "blocks.0.multipathway_blocks.1.conv.weight") == Shape{8, 2, 5, 7, 7}));
  BOOST_TEST((first("p3d-199-flow", "conv1_custom.weight") == Shape{64, 2, 1, 7, 7}));
  // Same network but for the first convolution.
  for (const std::string name :
       {"tsm-r50", "tsm-r101", "tsm-resnest101", "tin-r50", "tin-r101", "slowfast-r50", "slowfast-r101", "p3d-199"}) {
    const auto rgb = state_of(*make_encoder_network(*find_recipe(name), 5)),
               flow = state_of(*make_encoder_network(*find_recipe(name + "-flow"), 5));
    BOOST_REQUIRE(rgb.size() == flow.size());
    int different = 0;
    for (const auto& [weight, tensor] : rgb) different += tensor.sizes() != flow.at(weight).sizes();
    BOOST_TEST(different == (name.starts_with("slowfast") ? 2 : 1), name);
  }
}

BOOST_AUTO_TEST_CASE(shift_and_interlace) {
  using Exchange = SegmentResNetOptions::Exchange;
  for (const auto exchange : {Exchange::kShift, Exchange::kInterlace}) {
    SegmentResNetOptions o;
    o.resnet.blocks = {1, 2, 1, 1}, o.resnet.bottleneck = true, o.resnet.width = 16, o.resnet.classes = 5;
    o.exchange = exchange, o.frames = 6;
    SegmentResNet network(o);
    const auto weights = randomise(network);
    const Network w(weights);
    const auto input = input_of({3, 6, 33, 40});
    const auto unit = [&](const Plain& x, const std::string& conv, const std::string& bn, std::int64_t k,
                          std::int64_t s) {
      return w.norm(w.conv(x, conv, {1, s, s}, {0, k / 2, k / 2}), bn, 1e-5);
    };
    const auto exchanged = [&](const Plain& x, const std::string& at) {
      if (exchange == Exchange::kInterlace) return interlaced(x, weights, w, at + "interlace.");
      const auto fold = x.size[0] / 8;
      return moved(x, [&](std::int64_t c, std::int64_t t) { return c < fold ? t + 1 : c < 2 * fold ? t - 1 : t; });
    };
    Plain x = pool(relu(unit(input.second, "conv1", "bn1", 7, 2)), {1, 3, 3}, {1, 2, 2}, {0, 1, 1});
    for (int s = 1; s <= 4; ++s)
      for (int b = 0; b < (s == 2 ? 2 : 1); ++b) {
        const std::string at = "layer" + std::to_string(s) + "." + std::to_string(b) + ".";
        const std::int64_t stride = s > 1 && b == 0 ? 2 : 1;
        Plain y = relu(unit(exchanged(x, at), at + "conv1", at + "bn1", 1, 1));
        y = unit(relu(unit(y, at + "conv2", at + "bn2", 3, stride)), at + "conv3", at + "bn3", 1, 1);
        x = relu(sum(y, b == 0 ? unit(x, at + "downsample.0", at + "downsample.1", 1, stride) : x));
      }
    check_network(network, input, means(x), w.linear(means(x), "fc"));
  }
}

BOOST_AUTO_TEST_CASE(p3d) {
  P3dOptions o;
  o.blocks = {2, 2, 1, 2}, o.width = 4, o.classes = 5;
  P3d network(o);
  const Network w(randomise(network));
  const auto input = input_of({3, 16, 40, 48});
  const auto unit = [&](const Plain& x, const std::string& at, const std::string& number, Three pad,
                        std::int64_t stride = 1) {
    return w.norm(w.conv(x, at + "conv" + number, {1, stride, stride}, pad), at + "bn" + number, 1e-5);
  };
  Plain x = pool(relu(w.norm(w.conv(input.second, "conv1_custom", {1, 2, 2}, {0, 3, 3}), "bn1", 1e-5)), {2, 3, 3},
                 {2, 2, 2}, {0, 1, 1});
  int count = 0;
  for (int s = 1; s <= 4; ++s) {
    for (int b = 0; b < (s == 3 ? 1 : 2); ++b, ++count) {
      const std::string at = "layer" + std::to_string(s) + "." + std::to_string(b) + ".";
      const std::int64_t stride = s > 1 && b == 0 ? 2 : 1;
      const Plain reduced = relu(unit(x, at, "1", {0, 0, 0}, stride));
      Plain y;
      if (s == 4) {
        y = relu(unit(reduced, at, "_normal", {0, 1, 1}));
      } else {
        const Plain space = relu(unit(reduced, at, "2", {0, 1, 1}));
        const Plain time = relu(unit(count % 3 == 1 ? reduced : space, at, "3", {1, 0, 0}));
        y = count % 3 == 0 ? time : sum(space, time);
      }
      y = unit(y, at, "4", {0, 0, 0});
      x = relu(sum(
          y, b == 0 ? w.norm(w.conv(x, at + "downsample.0", {1, stride, stride}, {0, 0, 0}), at + "downsample.1", 1e-5)
                    : x));
    }
    if (s < 4) x = pool(x, {2, 1, 1}, {2, 1, 1}, {0, 0, 0});
  }
  check_network(network, input, means(x), w.linear(means(x), "fc"));
}

BOOST_AUTO_TEST_SUITE_END()
