// The transformer with adapters: against another implementation (tests/nn/transformers/make_adapted.py), and what must
// hold whatever the weights.
// label: unit
#include <boost/test/unit_test.hpp>

#include <torch/torch.h>

#include <map>

#include "libtal/base/error.h"
#include "libtal/nn/backbones/adapted_transformer.h"
#include "libtal/nn/checkpoint.h"
#include "libtal/nn/tensors.h"
#include "tests/support.h"

using namespace tal;

namespace {

AdaptedOptions small() {
  AdaptedOptions o;
  auto& t = o.transformer;
  t.dim = 16, t.depth = 2, t.heads = 2, t.hidden = 20, t.patch = 4, t.tubelet = 2, t.epsilon = 1e-12, t.sine_side = 2;
  o.mean = {0.485, 0.456, 0.406}, o.deviation = {0.229, 0.224, 0.225};
  o.clip = 4, o.adapter.kind = "tia";
  return o;
}

double apart(const torch::Tensor& got, const torch::Tensor& want) {
  BOOST_REQUIRE(got.sizes() == want.sizes());
  return ((got - want).abs().max() / want.abs().max()).item<double>();
}

// Every weight somewhere else.
void shake(torch::nn::Module& network) {
  torch::NoGradGuard guard;
  torch::manual_seed(5);
  for (auto& p : network.parameters()) p.add_(0.3 * torch::randn_like(p));
}

torch::Tensor frames_of(std::int64_t count, std::int64_t side = 8) {
  torch::manual_seed(6);
  return torch::randint(0, 256, {3, count, side, side}).to(torch::kByte);
}

std::map<std::string, torch::Tensor> gradients(torch::nn::Module& network) {
  std::map<std::string, torch::Tensor> all;
  for (const auto& item : network.named_parameters())
    if (item.value().grad().defined()) all[item.key()] = item.value().grad();
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(adapted_transformer)

BOOST_AUTO_TEST_CASE(another_implementation_gives_the_same_features_and_gradients) {
  const auto file = read_tensors(std::string(test::kSourceDir) + "/tests/nn/transformers/adapted.safetensors").tensors;
  // The weights by themselves, as a user brings them.
  std::map<std::string, torch::Tensor> weights;
  for (const auto& [name, tensor] : file)
    if (name.starts_with("weights.")) weights[name.substr(8)] = tensor;
  const test::Folder folder;
  const auto path = folder / "videomae.safetensors";
  write_tensors(path, weights, {});
  for (const std::int64_t chunk : {0, 1, 2})
    for (const bool checkpointing : {false, true}) {
      auto o = small();
      o.chunk = chunk, o.checkpointing = checkpointing;
      AdaptedTransformer network(o);
      network->load(path, "a small VideoMAE");
      {
        torch::NoGradGuard guard;
        for (const auto& item : network->named_parameters())
          if (item.key().starts_with("adapter")) item.value().copy_(file.at(item.key()));
      }
      const auto features = network->forward(file.at("frames"));
      BOOST_TEST(apart(features, file.at("features")) < 1e-5);
      features.square().sum().backward();
      std::size_t compared = 0;
      for (const auto& [name, gradient] : gradients(*network)) {
        BOOST_REQUIRE_MESSAGE(name.starts_with("adapter"), name + " has a gradient and is frozen");
        BOOST_TEST(apart(gradient, file.at("gradient." + name)) < 1e-4, name);
        ++compared;
      }
      BOOST_TEST(compared == 18);
    }
}

BOOST_AUTO_TEST_CASE(new_adapters_change_nothing) {
  auto o = small();
  AdaptedTransformer with(o);
  with->initialise();
  o.adapter.kind = "none";
  AdaptedTransformer without(o);
  torch::NoGradGuard guard;
  const auto own = with->named_parameters();
  for (const auto& item : without->named_parameters()) item.value().copy_(own[item.key()]);
  const auto x = frames_of(8);
  BOOST_TEST((with->forward(x) - without->forward(x)).abs().max().item<double>() == 0);
}

BOOST_AUTO_TEST_CASE(adapters_alone_see_beyond_a_clip) {
  const auto x = frames_of(12);
  auto other = x.clone();
  other.slice(1, 8, 12) = 255 - other.slice(1, 8, 12);  // the third clip
  for (const std::string kind : {"none", "plain", "tia"}) {
    auto o = small();
    o.adapter.kind = kind;
    AdaptedTransformer network(o);
    network->initialise();
    shake(*network);
    torch::NoGradGuard guard;
    const auto moved = (network->forward(x) - network->forward(other)).abs().amax(1);  // [6]
    BOOST_TEST(moved.slice(0, 4, 6).min().item<double>() > 1e-3, kind);
    // The first adapter brings it to moment 3, attention to all of that clip, the second adapter to moment 1.
    BOOST_TEST((moved[3].item<double>() > 1e-4) == (kind == "tia"), kind);
    BOOST_TEST((moved[1].item<double>() > 0) == (kind == "tia"), kind);
    BOOST_TEST(moved[0].item<double>() == 0, kind);
  }
}

BOOST_AUTO_TEST_CASE(gradients_are_those_of_differences) {
  for (const std::string train : {"none", "norms", "all"}) {
    auto o = small();
    o.train = train, o.chunk = 1;
    o.transformer.root_mean_square = false;
    AdaptedTransformer network(o);
    network->initialise();
    shake(*network);
    network->to(torch::kDouble);
    const auto x = frames_of(8).to(torch::kDouble);
    torch::manual_seed(8);
    const auto weights = torch::randn({4, 16}, torch::kDouble);
    const auto value = [&] { return (network->forward(x) * weights).sum(); };
    value().backward();
    std::size_t checked = 0;
    for (const auto& item : network->named_parameters()) {
      const auto p = item.value();
      BOOST_REQUIRE_EQUAL(p.requires_grad(), p.grad().defined());
      const bool norm = item.key().find("norm") != std::string::npos, adapter = item.key().starts_with("adapter");
      BOOST_TEST(p.requires_grad() == (adapter || train == "all" || (train == "norms" && norm)), item.key());
      if (!p.grad().defined()) continue;
      torch::NoGradGuard guard;
      const auto direction = torch::randn_like(p);
      constexpr double kStep = 1e-5;
      p.add_(direction, kStep);
      const double up = value().item<double>();
      p.add_(direction, -2 * kStep);
      const double down = value().item<double>();
      p.add_(direction, kStep);
      const double want = (up - down) / (2 * kStep), got = (p.grad() * direction).sum().item<double>();
      BOOST_TEST(std::abs(got - want) < 1e-5 * std::max(1.0, std::abs(want)), item.key());
      ++checked;
    }
    BOOST_TEST(checked >= 18u);
  }
}

BOOST_AUTO_TEST_CASE(blocks_before_the_first_adapter_have_none) {
  auto o = small();
  o.adapter.first = 1;
  AdaptedTransformer network(o);
  network->initialise();
  shake(*network);
  network->forward(frames_of(8)).sum().backward();
  const auto found = gradients(*network);
  BOOST_TEST(found.size() == 9u);
  for (const auto& [name, gradient] : found) BOOST_TEST(name.starts_with("adapter1."), name);
}

// What is drawn is drawn once: a checkpointed step has the gradients of one that keeps everything.
BOOST_AUTO_TEST_CASE(stochastic_depth_is_the_same_when_computed_twice) {
  std::vector<std::map<std::string, torch::Tensor>> found;
  for (const bool checkpointing : {false, true}) {
    auto o = small();
    o.train = "all", o.droppath = 0.5, o.checkpointing = checkpointing;
    torch::manual_seed(4);
    AdaptedTransformer network(o);
    network->initialise();
    shake(*network);
    torch::manual_seed(9);
    network->forward(frames_of(24)).square().sum().backward();
    found.push_back(gradients(*network));
    network->eval();
    const auto x = frames_of(24);
    BOOST_TEST((network->forward(x) - network->forward(x)).abs().max().item<double>() == 0);
  }
  for (const auto& [name, gradient] : found[0]) BOOST_TEST(apart(found[1].at(name), gradient) < 1e-5, name);
}

BOOST_AUTO_TEST_CASE(frozen_without_adapters_keeps_nothing) {
  auto o = small();
  o.adapter.kind = "none", o.droppath = 0.5;
  AdaptedTransformer network(o);
  network->initialise();
  network->train();
  BOOST_TEST(!network->is_training());
  BOOST_TEST(!network->forward(frames_of(8)).requires_grad());
}

BOOST_AUTO_TEST_CASE(what_does_not_fit_is_refused) {
  AdaptedTransformer network(small());
  BOOST_CHECK_THROW(network->forward(frames_of(6)), Error);     // no whole clips
  BOOST_CHECK_THROW(network->forward(frames_of(8, 3)), Error);  // no whole patch
  const auto wide = frames_of(8, 10);                           // what makes no patch is not seen
  BOOST_TEST(
      (network->forward(wide) - network->forward(wide.slice(2, 0, 8).slice(3, 0, 8))).abs().max().item<double>() == 0);
  auto o = small();
  o.transformer.class_token = true;
  BOOST_CHECK_THROW(AdaptedTransformer{o}, Error);
}

BOOST_AUTO_TEST_SUITE_END()
