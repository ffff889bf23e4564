// Fused Adam, AdamW and clipping against LibTorch's plain forms, on the processor, which has them too. The trainer
// takes them on CUDA.
#include <boost/test/unit_test.hpp>

#include "libtal/train/checkpoint.h"
#include "libtal/train/fused_optimizer.h"

namespace {

using namespace tal;

constexpr double kRounding = 2e-6;  // of float, relative to values of about 1, over the steps below

// Leaves of odd sizes, one in channels last.
std::vector<torch::Tensor> leaves() {
  torch::manual_seed(5);
  std::vector<torch::Tensor> all;
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{{3}, {17, 5}, {1}, {4, 3, 3, 3}, {129}})
    all.push_back(torch::randn(shape));
  all[3] = all[3].contiguous(torch::MemoryFormat::ChannelsLast);
  for (auto& leaf : all) leaf.requires_grad_();
  return all;
}

// Step `step`'s gradients; the second parameter has none at first, the fourth's have another layout than it.
void draw_gradients(std::vector<torch::Tensor>& leaves, int step) {
  torch::manual_seed(100 + step);
  for (std::size_t k = 0; k < leaves.size(); ++k) {
    const auto gradient = torch::randn(leaves[k].sizes());
    leaves[k].mutable_grad() = k == 1 && step < 3 ? torch::Tensor() : gradient;
  }
}

double worst(const std::vector<torch::Tensor>& a, const std::vector<torch::Tensor>& b) {
  double worst = 0;
  for (std::size_t k = 0; k < a.size(); ++k)
    worst = std::max(worst, (a[k].detach() - b[k].detach()).abs().max().item<double>());
  return worst;
}

template <class Optimizer, class Options>
std::vector<torch::Tensor> after_steps(bool through_checkpoint = false) {
  auto all = leaves();
  const auto make = [&] {
    std::vector<torch::optim::OptimizerParamGroup> groups;
    groups.emplace_back(std::vector<torch::Tensor>(all.begin(), all.begin() + 2),
                        std::make_unique<Options>(Options(1e-2).weight_decay(0.1).betas(std::make_tuple(0.8, 0.99))));
    groups.emplace_back(std::vector<torch::Tensor>(all.begin() + 2, all.end()),
                        std::make_unique<Options>(Options(3e-3).weight_decay(0)));
    return std::make_unique<Optimizer>(std::move(groups), Options(1e-2));
  };
  auto optimizer = make();
  for (int step = 0; step < 20; ++step) {
    if (through_checkpoint && step == 7) {
      const auto state = optimizer_state(*optimizer);
      optimizer = make();
      restore_optimizer(*optimizer, state);
    }
    draw_gradients(all, step);
    optimizer->step();
  }
  return all;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(fused_optimizer)

BOOST_AUTO_TEST_CASE(adam) {
  using torch::optim::Adam, torch::optim::AdamOptions;
  const auto found = after_steps<FusedAdam, AdamOptions>();
  BOOST_TEST(worst(found, leaves()) > 1e-2, "it moves");
  BOOST_TEST(worst(found, after_steps<Adam, AdamOptions>()) < kRounding);
  BOOST_TEST(worst(found, after_steps<FusedAdam, AdamOptions>()) == 0);
  BOOST_TEST(worst(found, after_steps<FusedAdam, AdamOptions>(true)) == 0);
}

BOOST_AUTO_TEST_CASE(adamw) {
  using torch::optim::AdamW, torch::optim::AdamWOptions;
  const auto found = after_steps<FusedAdamW, AdamWOptions>();
  BOOST_TEST(worst(found, leaves()) > 1e-2, "it moves");
  BOOST_TEST(worst(found, after_steps<AdamW, AdamWOptions>()) < kRounding);
  BOOST_TEST(worst(found, after_steps<FusedAdamW, AdamWOptions>()) == 0);
  BOOST_TEST(worst(found, after_steps<FusedAdamW, AdamWOptions>(true)) == 0);
}

BOOST_AUTO_TEST_CASE(clipping) {
  for (const double largest : {0.1, 5.0, 1000.0}) {
    auto own = leaves(), plain = leaves();
    draw_gradients(own, 0), draw_gradients(plain, 0);
    const double norm = clip_gradients_fused(own, largest),
                 expected = torch::nn::utils::clip_grad_norm_(plain, largest);
    BOOST_TEST(std::abs(norm - expected) < 1e-5 * expected);
    BOOST_TEST(!own[1].grad().defined());
    for (std::size_t k = 0; k < own.size(); ++k)
      if (own[k].grad().defined()) BOOST_TEST((own[k].grad() - plain[k].grad()).abs().max().item<double>() < kRounding);
  }
  BOOST_TEST(clip_gradients_fused({torch::zeros(2)}, 1) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
