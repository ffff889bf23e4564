// Encoder networks against what their reference implementations make of small random weights
// (tests/nn/encoder_cases/make.py), sizes and names of the published ones, and what is refused.
// label: parity
#ifdef TAL_HAVE_ENCODE
#include <boost/test/unit_test.hpp>

#include <torch/torch.h>

#include "libtal/base/error.h"
#include "libtal/encoder/networks/factory.h"
#include "libtal/nn/backbones/efficientnet_lite.h"
#include "libtal/nn/backbones/mvit.h"
#include "libtal/nn/backbones/state.h"
#include "libtal/nn/backbones/swin3d.h"
#include "libtal/nn/backbones/transnet_v2.h"
#include "libtal/nn/tensors.h"
#include "tests/nn/encoder_reference.h"
#include "tests/support.h"

namespace {

using namespace tal;

struct FrozenCase {
  plain_networks::Weights weights, values;  // values: input, pool, logits, each with the suffixes of other inputs
};
FrozenCase frozen_case(const std::string& name) {
  const auto file = std::string(test::kSourceDir) + "/tests/nn/encoder_cases/" + name + ".safetensors";
  FrozenCase out;
  for (const auto& [key, tensor] : read_tensors(file).tensors)
    if (key.starts_with("weights.")) out.weights[key.substr(8)] = tensor;
    else out.values[key] = tensor;
  return out;
}

// Every input of the file, before and after the network is made ready for inference.
void compare_frozen(EncoderNetwork& network, const std::string& name, int inputs) {
  const torch::NoGradGuard guard;
  const auto file = frozen_case(name);
  load_state(network, file.weights, name, {}, name);
  network.eval();
  for (const bool ready : {false, true}) {
    if (ready) network.prepare();
    int compared = 0;
    for (const auto& [key, x] : file.values) {
      if (!key.starts_with("input")) continue;
      const auto suffix = key.substr(5);
      for (const char* layer : {"pool", "logits"}) {
        const auto got = network.forward(x, layer), want = file.values.at(layer + suffix);
        BOOST_REQUIRE(got.sizes() == want.sizes());
        const double apart = ((got - want).abs().max() / want.abs().max()).item<double>();
        BOOST_TEST_MESSAGE(name + " " + layer + suffix + ": " + std::to_string(apart * 1e6) + "e-6");
        BOOST_TEST(apart < 1e-5, name << " " << layer << suffix << ", ready: " << ready);
      }
      ++compared;
      for (const auto& layer : network.layers())
        BOOST_TEST((network.forward(x, layer.name).sizes() == at::IntArrayRef({x.size(0), layer.dim})), layer.name);
    }
    BOOST_TEST(compared == inputs);
  }
  // No clips give no rows.
  const auto none = network.forward(file.values.at("input").slice(0, 0, 0), "scores");
  BOOST_TEST((none.sizes() == at::IntArrayRef({0, network.layers().back().dim})));
}

std::int64_t weights_of_recipe(const std::string& name, std::int64_t classes) {
  std::int64_t count = 0;
  for (const auto& tensor : make_encoder_network(*find_recipe(name), classes)->parameters()) count += tensor.numel();
  return count;
}

template <class Call>
void refused_with(const std::string& words, Call call) {
  BOOST_CHECK_EXCEPTION(call(), Error, [&](const Error& e) {
    BOOST_TEST_MESSAGE(e.message());
    return e.message().find(words) != std::string::npos;
  });
}

Swin3dOptions small_swin() {
  Swin3dOptions o;
  o.window = {2, 3, 3}, o.dim = 8, o.depths = {2, 2}, o.heads = {2, 4}, o.classes = 3;
  return o;
}

MvitOptions small_mvit(bool second) {
  MvitOptions o;
  o.second = second, o.depths = {1, 2}, o.width = 8, o.grid = {3, 6, 8}, o.classes = 3;
  return o;
}

EfficientNetLiteOptions small_efficientnet() {
  EfficientNetLiteOptions o;
  o.stem = 8, o.stages = {{1, 3, 1, 1, 16}, {2, 5, 2, 6, 8}, {2, 3, 2, 6, 16}}, o.head = 320, o.classes = 3;
  return o;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(encoders_frozen)

BOOST_AUTO_TEST_CASE(video_swin) {
  Swin3d network(small_swin());
  compare_frozen(network, "swin3d", 4);
  // Files of torchvision have the rows of the tables too.
  auto weights = frozen_case("swin3d").weights;
  weights["features.0.0.attn.relative_position_index"] = torch::zeros({18, 18}, torch::kLong);
  load_state(network, weights, "swin3d", {}, "swin3d");
  auto options = small_swin();
  options.window = {4, 3, 3};
  refused_with("relative_position_bias_table [75, 2] where the network has [175, 2]", [&] {
    Swin3d other(options);
    load_state(other, weights, "swin3d", {}, "swin3d");
  });
  options.heads = {3, 4};
  refused_with("3 heads do not divide 8 channels", [&] { Swin3d other(options); });
  options.heads = {2};
  refused_with("2 depths and 1 numbers of heads", [&] { Swin3d other(options); });
}

BOOST_AUTO_TEST_CASE(multiscale_transformers) {
  Mvit second(small_mvit(true)), first(small_mvit(false));
  compare_frozen(second, "mvit-v2", 1);
  compare_frozen(first, "mvit-v1", 1);
  // Relative positions stand for clips of other sizes, a table of positions does not.
  const auto longer = torch::randn({1, 3, 10, 40, 20});
  BOOST_TEST(second.forward(longer, "pool").isfinite().all().item<bool>());
  refused_with("must have 3 x 6 x 8 tokens, as the weights' table of positions, not 5 x 10 x 5",
               [&] { first.forward(longer, "pool"); });
  refused_with("rel_pos_h", [&] { load_state(second, frozen_case("mvit-v1").weights, "mvit-v2", {}, "mvit-v1"); });
}

BOOST_AUTO_TEST_CASE(transnet_v2) {
  const torch::NoGradGuard guard;
  const auto file = frozen_case("transnet-v2");
  const auto options = transnet_v2_options(file.weights);
  BOOST_TEST((options.filters == 1 && options.cells == 3 && options.blocks == 2 && options.hidden == 8));
  TransNetV2 network(options);
  load_state(network, file.weights, "transnetv2", {}, "transnet-v2");
  network.eval();
  // The pictures of make.py.
  const auto axis = [](std::int64_t size, std::size_t behind) {
    std::vector<std::int64_t> shape(behind + 1, 1);
    shape[0] = size;
    return torch::arange(size, torch::kLong).view(shape);
  };
  const auto run = axis(2, 4), time = axis(64, 3), row = axis(27, 2), column = axis(48, 1), channel = axis(3, 0);
  const auto value = (7 + 4 * run) * row + 13 * column + 3 * time + 50 * channel + 91 * at::floor_divide(time, 9);
  const auto pictures = at::remainder(value, 256).to(torch::kFloat).permute({0, 4, 1, 2, 3});
  for (const bool ready : {false, true}) {
    if (ready) network.prepare();
    for (const char* layer : {"features", "logits"}) {
      const auto want = file.values.at(layer).flatten(0, 1), got = network.forward(pictures, layer);
      BOOST_REQUIRE(got.sizes() == want.sizes());
      const double apart = ((got - want).abs().max() / want.abs().max()).item<double>();
      BOOST_TEST_MESSAGE("transnet-v2 " << layer << ": " << apart * 1e6 << "e-6");
      BOOST_TEST(apart < 1e-5, layer << ", ready: " << ready << ": " << apart);
    }
    BOOST_TEST(network.forward(pictures, "scores").equal(network.forward(pictures, "logits").sigmoid()));
  }
  BOOST_TEST((network.forward(pictures.slice(2, 0, 0), "scores").sizes() == at::IntArrayRef({0, 2})));
  auto lacking = file.weights;
  lacking.erase("fc1.weight");
  refused_with("there is no fc1.weight", [&] { transnet_v2_options(lacking); });
  refused_with("TransNet V2: runs [B, 3, T, 27, 48]", [&] { network.forward(pictures.transpose(3, 4), "scores"); });
}

BOOST_AUTO_TEST_CASE(efficientnet_lite) {
  for (const char* name : {"efficientnet-lite", "efficientnet-lite-odd"}) {
    EfficientNetLite network(small_efficientnet());
    compare_frozen(network, name, 1);
  }
}

// torchvision's documentation, num_params of the weights with the 400 classes of Kinetics; EfficientNet-Lite's table
// says 4.7 million.
BOOST_AUTO_TEST_CASE(published_sizes) {
  BOOST_TEST(weights_of_recipe("swin3d-t", 400) == 28158070);
  BOOST_TEST(weights_of_recipe("swin3d-s", 400) == 49816678);
  BOOST_TEST(weights_of_recipe("swin3d-b", 400) == 88048984);
  BOOST_TEST(weights_of_recipe("mvit-v1-b", 400) == 36610672);
  BOOST_TEST(weights_of_recipe("mvit-v2-s", 400) == 34537744);
  BOOST_TEST(weights_of_recipe("efficientnet-lite0", 1000) == 4652008);
}

BOOST_AUTO_TEST_SUITE_END()
#endif
