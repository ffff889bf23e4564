// Vision transformers against what the reference implementations make of small random weights
// (tests/nn/transformers/make.py), names and shapes of the published ones, and what is refused.
// label: parity
#ifdef TAL_HAVE_ENCODE
#include <boost/test/unit_test.hpp>

#include <torch/torch.h>

#include <filesystem>
#include <limits>

#include "libtal/base/error.h"
#include "libtal/encoder/networks/factory.h"
#include "libtal/nn/backbones/vision_transformer.h"
#include "libtal/nn/tensors.h"
#include "tests/support.h"

using namespace tal;

namespace {

const std::string kFolder = std::string(test::kSourceDir) + "/tests/nn/transformers/";

// A recipe of the small networks, beside the published ones.
EncoderRecipe small(const std::string& name) {
  EncoderRecipe recipe;
  recipe.name = name;
  auto& t = recipe.transformer;
  t.dim = 16, t.heads = 2;
  t.tubelet = name.starts_with("videomae") ? 2 : name.starts_with("internvideo2") ? 1 : 0;
  if (name == "clip") t.quick_gelu = true, t.epsilon = 1e-5;
  if (name == "dinov2-own") t.gated = true;
  if (name.starts_with("internvideo2")) t.pool_heads = 2;
  return recipe;
}

double apart(const torch::Tensor& got, const torch::Tensor& want) {
  BOOST_REQUIRE(got.sizes() == want.sizes());
  return ((got - want).abs().max() / want.abs().max()).item<double>();
}

auto says(const std::string& words) {
  return [words](const Error& e) {
    BOOST_TEST_MESSAGE(e.message());
    return e.message().find(words) != std::string::npos;
  };
}

}  // namespace

BOOST_AUTO_TEST_SUITE(vision_transformer)

BOOST_AUTO_TEST_CASE(small_networks_give_what_the_references_give) {
  const auto expected = read_tensors(kFolder + "expected.safetensors").tensors;
  int compared = 0;
  for (const auto& [key, want] : expected) {
    const auto name = key.substr(0, key.find('.')), layer = key.substr(key.find('.') + 1);
    if (layer == "input") continue;
    const auto network = load_encoder_network(small(name), kFolder + name + ".safetensors", torch::kCPU);
    torch::NoGradGuard guard;
    BOOST_TEST(apart(network->forward(expected.at(name + ".input"), layer), want) < 1e-5, key);
    ++compared;
  }
  BOOST_TEST(compared == 14);
}

BOOST_AUTO_TEST_CASE(layers_and_shapes) {
  const auto network = load_encoder_network(small("videomae"), kFolder + "videomae.safetensors", torch::kCPU);
  torch::NoGradGuard guard;
  const auto x = torch::randn({1, 3, 6, 12, 8});  // sines stand for any number of tokens
  for (const auto& layer : network->layers())
    BOOST_TEST((network->forward(x, layer.name).sizes() == at::IntArrayRef({1, layer.dim})), layer.name);
  BOOST_TEST(network->default_layer() == "pool");
  BOOST_TEST(apart(network->forward(x, "scores").sum(1), torch::ones({1})) < 1e-5);
  BOOST_CHECK_THROW(network->forward(torch::randn({1, 3, 5, 8, 8}), "pool"), Error);
  BOOST_CHECK_THROW(network->forward(torch::randn({1, 3, 4, 8, 9}), "pool"), Error);
  const auto clips = load_encoder_network(small("internvideo2"), kFolder + "internvideo2.safetensors", torch::kCPU);
  BOOST_CHECK_EXCEPTION(clips->forward(torch::randn({1, 3, 2, 8, 8}), "pool"), Error, says("8 tokens"));
  const auto pictures = load_encoder_network(small("clip"), kFolder + "clip.safetensors", torch::kCPU);
  BOOST_TEST(pictures->default_layer() == "projection");
}

// Model cards and papers: VideoMAE-B 86 million without the classifier (Kinetics: 87), V2-g 1,013 (710 classes: +1),
// CLIP's B/32 87.8 with its projection, DINOv2 B 86.6.
BOOST_AUTO_TEST_CASE(published_parameter_counts) {
  const auto millions = [](const char* name, std::int64_t classes) {
    double count = 0;
    for (const auto& tensor : make_encoder_network(*find_recipe(name), classes)->parameters())
      count += static_cast<double>(tensor.numel());
    return count / 1e6;
  };
  BOOST_TEST(std::abs(millions("videomae-b", 400) - 86.5) < 0.3);
  BOOST_TEST(std::abs(millions("videomae-s", 400) - 22.0) < 0.3);
  BOOST_TEST(std::abs(millions("clip-b32", 0) - 87.85) < 0.1);
  BOOST_TEST(std::abs(millions("dinov2-b14", 0) - 85.9) < 0.8);
}

BOOST_AUTO_TEST_CASE(pictures_are_of_the_size_of_the_positions) {
  BOOST_TEST(load_encoder_network(small("clip"), kFolder + "clip.safetensors", torch::kCPU)->side() == 8);
  BOOST_TEST(load_encoder_network(small("dinov2"), kFolder + "dinov2.safetensors", torch::kCPU)->side() == 20);
  BOOST_TEST(load_encoder_network(small("videomae"), kFolder + "videomae.safetensors", torch::kCPU)->side() == 0);
}

BOOST_AUTO_TEST_CASE(clips_are_of_the_length_of_the_positions) {
  for (const char* name : {"internvideo2", "internvideo2-parts"})
    BOOST_TEST(load_encoder_network(small(name), kFolder + name + ".safetensors", torch::kCPU)->frames(8) == 4, name);
  BOOST_TEST(load_encoder_network(small("videomae"), kFolder + "videomae.safetensors", torch::kCPU)->frames(8) == 0);
}

BOOST_AUTO_TEST_CASE(other_weights_are_refused_by_name) {
  auto recipe = small("videomae");
  const auto load = [&](const std::string& file) { return load_encoder_network(recipe, kFolder + file, torch::kCPU); };
  BOOST_CHECK_EXCEPTION(load("clip.safetensors"), Error, says("sees pictures, videomae sees clips"));
  recipe.transformer.dim = 384;
  BOOST_CHECK_EXCEPTION(load("videomae.safetensors"), Error, says("has 16 channels, videomae has 384"));
  BOOST_CHECK_EXCEPTION(load("expected.safetensors"), Error, says("does not hold the weights of videomae"));
  // A value that is no number.
  recipe.transformer.dim = 16;
  auto weights = read_tensors(kFolder + "videomae.safetensors").tensors;
  auto& broken = weights.at("videomae.encoder.layer.1.layernorm_after.bias");
  broken = broken.clone();
  broken[3] = std::numeric_limits<float>::quiet_NaN();
  const test::Folder folder;
  write_tensors(folder / "nan.safetensors", weights, {});
  BOOST_CHECK_EXCEPTION(load_encoder_network(recipe, folder / "nan.safetensors", torch::kCPU), Error,
                        says("nan.safetensors': tensor 'blocks.1.norm2.bias' has values that are not finite"));
  // A part of query, key and value.
  VitState state = {{"blocks.0.norm1.weight", torch::ones({2})}, {"blocks.0.attn.q.weight", torch::ones({2, 2})}};
  BOOST_CHECK_EXCEPTION(tidy_vit_state(state), Error, says("no key or no value"));
  state = {{"blocks.0.norm1.weight", torch::ones({2})}, {"blocks.0.attn.v.bias", torch::ones({2})}};
  BOOST_CHECK_EXCEPTION(tidy_vit_state(state), Error, says("alone"));
}

BOOST_AUTO_TEST_SUITE_END()
#endif
