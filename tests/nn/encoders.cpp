// Encoder networks against plain loops at small size, published parameter counts, names and shapes of state dicts,
// folding.
#include <boost/test/unit_test.hpp>

#include <torch/torch.h>

#include "libtal/base/error.h"
#include "libtal/encoder/networks/factory.h"
#include "libtal/nn/backbones/bninception.h"
#include "libtal/nn/backbones/c3d_network.h"
#include "libtal/nn/backbones/i3d_network.h"
#include "libtal/nn/backbones/resnet.h"
#include "libtal/nn/backbones/resnext3d.h"
#include "libtal/nn/backbones/state.h"
#include "libtal/nn/backbones/video_resnet.h"
#include "tests/nn/encoder_reference.h"

namespace {

using namespace tal;
using namespace tal::plain_networks;

std::int64_t parameters(const std::string& name, std::int64_t classes) {
  std::int64_t count = 0;
  for (const auto& tensor : make_encoder_network(*find_recipe(name), classes)->parameters()) count += tensor.numel();
  return count;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(encoders)

// torchvision's documentation; Cadene's port; Tran et al. (78.4 million with UCF101's classes); ResNeSt's own table
// (27.5, 48.3 and 110.9 million).
BOOST_AUTO_TEST_CASE(published_parameter_counts) {
  BOOST_TEST(parameters("resnet18", 1000) == 11689512);
  BOOST_TEST(parameters("resnet34", 1000) == 21797672);
  BOOST_TEST(parameters("resnet50", 1000) == 25557032);
  BOOST_TEST(parameters("resnet101", 1000) == 44549160);
  BOOST_TEST(parameters("resnet152", 1000) == 60192808);
  BOOST_TEST(parameters("resnest50", 1000) == 27483240);
  BOOST_TEST(parameters("resnest101", 1000) == 48275016);
  BOOST_TEST(parameters("resnest269", 1000) == 110929480);
  BOOST_TEST(parameters("r2plus1d-18", 400) == 31505325);
  BOOST_TEST(parameters("inception-v3", 1000) == 23834568);
  BOOST_TEST(parameters("bninception", 1000) == 11295240);
  BOOST_TEST(parameters("c3d", 101) == 78409573);
  BOOST_TEST(parameters("transnetv2", 0) == 7616258);  // of the file with its weights
}

BOOST_AUTO_TEST_CASE(every_recipe_has_a_network) {
  for (const auto& recipe : encoder_recipes()) {
    if (recipe.transformer.dim * recipe.transformer.depth > 12 * 1024)
      continue;  // gigabytes; smaller ones are the same
    const auto network = make_encoder_network(recipe, 3);
    if (recipe.head.empty()) {  // what it tells apart is its own
      BOOST_TEST(network->layers().back().dim == dim_of(recipe), recipe.name);
      BOOST_TEST(network->columns(network->default_layer()).size() == static_cast<std::size_t>(dim_of(recipe)));
      continue;
    }
    BOOST_TEST(state_of(*network).count(recipe.head) == 1u, recipe.name);
    BOOST_TEST(network->layers().back().dim == 3);
    for (const auto& layer : network->layers())
      if (layer.name == network->default_layer()) BOOST_TEST(layer.dim == dim_of(recipe), recipe.name);
    const auto bare = make_encoder_network(recipe, 0);
    BOOST_TEST(state_of(*bare).count(recipe.head) == 0u, recipe.name);
  }
}

BOOST_AUTO_TEST_CASE(names_and_shapes) {
  const auto shape = [](const std::string& encoder, const std::string& name) {
    return state_of(*make_encoder_network(*find_recipe(encoder), 5)).at(name).sizes().vec();
  };
  using Shape = std::vector<std::int64_t>;
  BOOST_TEST((shape("resnet50", "layer3.0.downsample.0.weight") == Shape{1024, 512, 1, 1}));
  BOOST_TEST((shape("resnet34", "layer2.3.conv2.weight") == Shape{128, 128, 3, 3}));
  BOOST_TEST((shape("r2plus1d-18", "stem.3.weight") == Shape{64, 45, 3, 1, 1}));
  BOOST_TEST((shape("r2plus1d-18", "layer2.0.conv2.0.0.weight") == Shape{230, 128, 1, 3, 3}));
  BOOST_TEST((shape("r2plus1d-34", "layer2.0.conv2.0.0.weight") == Shape{288, 128, 1, 3, 3}));
  BOOST_TEST((shape("bninception", "inception_5b_double_3x3_2.weight") == Shape{224, 224, 3, 3}));
  BOOST_TEST((shape("bninception-flow", "conv1_7x7_s2.weight") == Shape{64, 10, 7, 7}));
  BOOST_TEST((shape("resnet101-flow", "conv1.weight") == Shape{64, 10, 7, 7}));
  BOOST_TEST((shape("resnest50-flow", "conv1.0.weight") == Shape{32, 10, 3, 3}));
  BOOST_TEST((shape("inception-v3-flow", "Conv2d_1a_3x3.conv.weight") == Shape{32, 10, 3, 3}));
  BOOST_TEST((shape("resnest269", "conv1.6.weight") == Shape{128, 64, 3, 3}));
  BOOST_TEST((shape("resnest101", "layer1.0.conv2.conv.weight") == Shape{128, 32, 3, 3}));
  BOOST_TEST((shape("resnest101", "layer3.22.conv2.fc1.weight") == Shape{128, 256, 1, 1}));
  BOOST_TEST((shape("resnest101", "layer1.2.conv2.fc2.bias") == Shape{128}));
  BOOST_TEST((shape("resnest269", "layer4.7.conv2.bn1.running_var") == Shape{256}));
  BOOST_TEST((shape("resnest50", "layer2.0.downsample.1.weight") == Shape{512, 256, 1, 1}));
  BOOST_TEST((shape("inception-v3", "Mixed_6b.branch7x7dbl_4.conv.weight") == Shape{128, 128, 7, 1}));
  BOOST_TEST((shape("inception-v3", "Mixed_7c.branch3x3dbl_3b.conv.weight") == Shape{384, 384, 3, 1}));
  BOOST_TEST((shape("resnext101-3d", "layer1.0.conv2.weight") == Shape{128, 4, 3, 3, 3}));
  BOOST_TEST((shape("c3d", "fc6.weight") == Shape{4096, 8192}));
  BOOST_TEST((shape("c3d", "conv5b.bias") == Shape{512}));
}

BOOST_AUTO_TEST_CASE(resnet_of_both_kinds) {
  for (const bool bottleneck : {false, true}) {
    ResNetOptions o;
    o.blocks = {1, 2, 1, 1}, o.bottleneck = bottleneck, o.width = 4, o.classes = 5;
    ResNet network(o);
    const Network w(randomise(network));
    const auto input = input_of({3, 37, 45});
    const auto unit = [&](const Plain& x, const std::string& conv, const std::string& bn, std::int64_t k,
                          std::int64_t s) {
      return w.norm(w.conv(x, conv, {1, s, s}, {0, k / 2, k / 2}), bn, 1e-5);
    };
    Plain x = pool(relu(unit(input.second, "conv1", "bn1", 7, 2)), {1, 3, 3}, {1, 2, 2}, {0, 1, 1});
    for (int s = 1; s <= 4; ++s) {
      for (int b = 0; b < (s == 2 ? 2 : 1); ++b) {
        const std::string at = "layer" + std::to_string(s) + "." + std::to_string(b) + ".";
        const std::int64_t stride = s > 1 && b == 0 ? 2 : 1;
        Plain y;
        if (bottleneck) {
          y = relu(unit(x, at + "conv1", at + "bn1", 1, 1));
          y = relu(unit(y, at + "conv2", at + "bn2", 3, stride));
          y = unit(y, at + "conv3", at + "bn3", 1, 1);
        } else {
          y = relu(unit(x, at + "conv1", at + "bn1", 3, stride));
          y = unit(y, at + "conv2", at + "bn2", 3, 1);
        }
        BOOST_TEST(w.has(at + "downsample.0.weight") == (b == 0 && (s > 1 || bottleneck)));
        x = relu(sum(
            y, w.has(at + "downsample.0.weight") ? unit(x, at + "downsample.0", at + "downsample.1", 1, stride) : x));
      }
    }
    check_network(network, input, means(x), w.linear(means(x), "fc"));
  }
}

// Every two-dimensional network has one of flow beside it, but for those that nobody trained on flow: the same but for
// the first convolution's ten channels.
BOOST_AUTO_TEST_CASE(flow_networks) {
  int seen = 0;
  for (const auto& recipe : encoder_recipes()) {
    if (recipe.input != EncoderRecipe::Input::kFrames || recipe.transformer.heads > 0) continue;
    if (recipe.name.starts_with("efficientnet")) continue;
    const auto* flow = find_recipe(recipe.name + "-flow");
    BOOST_REQUIRE_MESSAGE(flow, recipe.name);
    BOOST_TEST((flow->input == EncoderRecipe::Input::kFlow && channels_of(*flow) == 10), flow->name);
    const auto of_pictures = state_of(*make_encoder_network(recipe, 3)),
               of_flow = state_of(*make_encoder_network(*flow, 3));
    BOOST_TEST(of_pictures.size() == of_flow.size());
    int different = 0;
    for (const auto& [name, tensor] : of_pictures)
      if (auto shape = tensor.sizes().vec(); shape != of_flow.at(name).sizes().vec()) {
        ++different;
        BOOST_TEST(shape[1] == 3);
        shape[1] = 10;
        BOOST_TEST(shape == of_flow.at(name).sizes().vec(), boost::test_tools::per_element());
      }
    BOOST_TEST(different == 1, recipe.name);
    ++seen;
  }
  BOOST_TEST(seen == 10);
}

BOOST_AUTO_TEST_CASE(resnest) {
  for (const std::int64_t channels : {3, 10}) {
    ResNetOptions o;
    o.blocks = {1, 2, 1, 1}, o.bottleneck = true, o.width = 4, o.stem = 3, o.radix = 2, o.channels = channels,
    o.classes = 5;
    ResNet network(o);
    const Network w(randomise(network));
    const auto input = input_of({channels, 37, 45});  // odd extents on the way: pools with partial windows
    const Plain x = resnest_stages(w, resnest_stem(w, input.second), o.blocks,
                                   [](const Plain& in, const std::string&) { return in; });
    check_network(network, input, means(x), w.linear(means(x), "fc"));
  }
}

BOOST_AUTO_TEST_CASE(r2plus1d) {
  VideoResNetOptions o;
  o.blocks = {1, 2, 1, 1}, o.width = 4, o.stem = 3, o.classes = 5;
  VideoResNet network(o);
  const Network w(randomise(network));
  const auto input = input_of({3, 6, 20, 24});
  const auto space = [&](const Plain& x, const std::string& conv, const std::string& bn, std::int64_t k,
                         std::int64_t s) {
    return w.norm(w.conv(x, conv, {1, s, s}, {0, k / 2, k / 2}), bn, 1e-5);
  };
  const auto time = [&](const Plain& x, const std::string& conv, const std::string& bn, std::int64_t s) {
    return w.norm(w.conv(x, conv, {s, 1, 1}, {1, 0, 0}), bn, 1e-5);
  };
  Plain x = relu(time(relu(space(input.second, "stem.0", "stem.1", 7, 2)), "stem.3", "stem.4", 1));
  for (int s = 1; s <= 4; ++s) {
    for (int b = 0; b < (s == 2 ? 2 : 1); ++b) {
      const std::string at = "layer" + std::to_string(s) + "." + std::to_string(b) + ".";
      const std::int64_t stride = s > 1 && b == 0 ? 2 : 1;
      Plain y = relu(time(relu(space(x, at + "conv1.0.0", at + "conv1.0.1", 3, stride)), at + "conv1.0.3",
                          at + "conv1.1", stride));
      y = time(relu(space(y, at + "conv2.0.0", at + "conv2.0.1", 3, 1)), at + "conv2.0.3", at + "conv2.1", 1);
      if (stride == 2) x = w.norm(w.conv(x, at + "downsample.0", {2, 2, 2}, {0, 0, 0}), at + "downsample.1", 1e-5);
      x = relu(sum(y, x));
    }
  }
  check_network(network, input, means(x), w.linear(means(x), "fc"));
}

BOOST_AUTO_TEST_CASE(resnext_of_clips) {
  ResNext3dOptions o;
  o.blocks = {1, 2, 1, 1}, o.stem = 6, o.width = 8, o.groups = 4, o.classes = 5;
  ResNext3d network(o);
  const Network w(randomise(network));
  const auto input = input_of({3, 8, 20, 24});
  const auto unit = [&](const Plain& x, const std::string& conv, const std::string& bn, std::int64_t k, std::int64_t s,
                        std::int64_t groups = 1) {
    return w.norm(w.conv(x, conv, {s, s, s}, {k / 2, k / 2, k / 2}, groups), bn, 1e-5);
  };
  Plain x = pool(relu(w.norm(w.conv(input.second, "conv1", {1, 2, 2}, {3, 3, 3}), "bn1", 1e-5)), {3, 3, 3}, {2, 2, 2},
                 {1, 1, 1});
  for (int s = 1; s <= 4; ++s) {
    for (int b = 0; b < (s == 2 ? 2 : 1); ++b) {
      const std::string at = "layer" + std::to_string(s) + "." + std::to_string(b) + ".";
      const std::int64_t stride = s > 1 && b == 0 ? 2 : 1;
      Plain y = relu(unit(relu(unit(x, at + "conv1", at + "bn1", 1, 1)), at + "conv2", at + "bn2", 3, stride, 4));
      y = unit(y, at + "conv3", at + "bn3", 1, 1);
      x = relu(sum(y, b == 0 ? unit(x, at + "downsample.0", at + "downsample.1", 1, stride) : x));
    }
  }
  check_network(network, input, means(x), w.linear(means(x), "fc"));
}

BOOST_AUTO_TEST_CASE(bninception) {
  for (const std::int64_t channels : {3, 10}) {
    BnInception network(BnInceptionOptions{channels, 5, 16});
    const Network w(randomise(network));
    const auto input = input_of({channels, 64, 96});
    const auto unit = [&](const Plain& x, const std::string& name, std::int64_t k, std::int64_t s = 1) {
      return relu(w.norm(w.conv(x, name, {1, s, s}, {0, k / 2, k / 2}), name + "_bn", 1e-5));
    };
    const auto halved = [](const Plain& x) { return pool(x, {1, 3, 3}, {1, 2, 2}, {0, 0, 0}, true); };
    Plain x = halved(unit(input.second, "conv1_7x7_s2", 7, 2));
    x = halved(unit(unit(x, "conv2_3x3_reduce", 1), "conv2_3x3", 3));
    for (const std::string name : {"3a", "3b", "3c", "4a", "4b", "4c", "4d", "4e", "5a", "5b"}) {
      const std::string at = "inception_" + name + "_";
      const bool reduction = name == "3c" || name == "4e";
      const std::int64_t s = reduction ? 2 : 1;
      std::vector<Plain> parts;
      if (!reduction) parts.push_back(unit(x, at + "1x1", 1));
      parts.push_back(unit(unit(x, at + "3x3_reduce", 1), at + "3x3", 3, s));
      parts.push_back(
          unit(unit(unit(x, at + "double_3x3_reduce", 1), at + "double_3x3_1", 3), at + "double_3x3_2", 3, s));
      if (reduction) parts.push_back(halved(x));
      else parts.push_back(unit(pool(x, {1, 3, 3}, {1, 1, 1}, {0, 1, 1}, false, name != "5b"), at + "pool_proj", 1));
      x = joined(parts);
    }
    check_network(network, input, means(x), w.linear(means(x), "fc"));
  }
}

BOOST_AUTO_TEST_CASE(c3d) {
  C3dNetwork network(C3dNetworkOptions{1.0 / 64, 12, 5});
  const Network w(randomise(network));
  const auto input = input_of({3, 16, 112, 112});
  const auto unit = [&](const Plain& x, const std::string& name) {
    return relu(w.conv(x, name, {1, 1, 1}, {1, 1, 1}));
  };
  const auto halved = [](const Plain& x, std::int64_t time) { return pool(x, {time, 2, 2}, {time, 2, 2}, {0, 0, 0}); };
  Plain x = halved(unit(input.second, "conv1a"), 1);
  x = halved(unit(x, "conv2a"), 2);
  x = halved(unit(unit(x, "conv3a"), "conv3b"), 2);
  x = halved(unit(unit(x, "conv4a"), "conv4b"), 2);
  x = pool(unit(unit(x, "conv5a"), "conv5b"), {2, 2, 2}, {2, 2, 2}, {0, 1, 1});
  BOOST_TEST((x.size == std::array<std::int64_t, 4>{8, 1, 4, 4}));
  const auto positive = [](std::vector<double> v) {
    for (auto& value : v) value = std::max(0.0, value);
    return v;
  };
  const auto fc6 = positive(w.linear(x.values, "fc6")), fc7 = positive(w.linear(fc6, "fc7"));
  check_network(network, input, means(x), w.linear(fc7, "fc8"));
  const torch::NoGradGuard guard;
  check_equal(network.forward(input.tensor, "fc6"), fc6, "fc6");
  check_equal(network.forward(input.tensor, "fc7"), fc7, "fc7");
  BOOST_TEST(network.default_layer() == "fc6");
}

// The backbone has its own tests; here the pooling of pairs and the classifier behind it.
BOOST_AUTO_TEST_CASE(i3d_pooling) {
  I3dNetworkOptions o;
  o.backbone.width = 1.0 / 16, o.classes = 5;
  I3dNetwork network(o);
  const auto weights = randomise(network);
  I3d backbone(o.backbone);
  {
    const torch::NoGradGuard guard;
    for (auto& [name, tensor] : state_of(*backbone))
      if (tensor.dim() > 0) tensor.copy_(weights.at(name));
  }
  backbone->eval();
  const torch::NoGradGuard guard;
  const auto input = input_of({3, 24, 40, 48});
  const auto stage = backbone->forward(input.tensor)[2];  // three steps of time: pairs 01 and 12
  BOOST_REQUIRE(stage.size(2) == 3);
  const auto steps = stage[1].mean({2, 3});  // [C, 3]
  std::vector<double> pooled, logits;
  for (std::int64_t c = 0; c < steps.size(0); ++c)
    pooled.push_back((steps[c][0] + 2 * steps[c][1] + steps[c][2]).item<double>() / 4);
  for (std::int64_t k = 0; k < 5; ++k) {
    double value = weights.at("logits.conv3d.bias")[k].item<double>();
    for (std::size_t c = 0; c < pooled.size(); ++c)
      value += pooled[c] * weights.at("logits.conv3d.weight")[k][static_cast<std::int64_t>(c)].item<double>();
    logits.push_back(value);
  }
  check_network(network, input, pooled, logits);
}

BOOST_AUTO_TEST_CASE(state_that_does_not_fit) {
  const auto& recipe = *find_recipe("resnet18");
  const auto network = make_encoder_network(recipe, 5);
  auto state = randomise(*network);  // without num_batches_tracked: old files have none
  load_state(*network, state, recipe.name, recipe.ignored_prefixes, "w");
  state["bn1.num_batches_tracked"] = torch::zeros({}, torch::kLong);
  load_state(*network, state, recipe.name, recipe.ignored_prefixes, "w");
  state.erase("bn1.bias");
  state["fc.weight"] = torch::zeros({5, 2});
  state["module.x"] = torch::zeros({3});
  BOOST_CHECK_EXCEPTION(load_state(*network, state, recipe.name, recipe.ignored_prefixes, "w"), Error,
                        [](const Error& e) {
                          const std::string text = e.what();
                          return text.find("1 tensors are missing: bn1.bias [64]") != std::string::npos &&
                                 text.find("fc.weight [5, 2] where the network has [5, 512]") != std::string::npos &&
                                 text.find("1 belong to nothing in the network: module.x [3]") != std::string::npos;
                        });
  const auto& inception = *find_recipe("inception-v3");
  const auto other = make_encoder_network(inception, 5);
  auto with_auxiliary = randomise(*other);
  with_auxiliary["AuxLogits.fc.weight"] = torch::zeros({5, 768});
  load_state(*other, with_auxiliary, inception.name, inception.ignored_prefixes, "w");
}

BOOST_AUTO_TEST_SUITE_END()
