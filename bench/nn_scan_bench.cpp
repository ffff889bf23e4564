// The selective scan of a sequence's both directions against its steps in operations of LibTorch.
#include <torch/torch.h>

#include <memory>

#include "bench/bench.h"
#include "libtal/nn/selective_scan.h"

namespace tal::bench {
namespace {

// DBM at the first level of a THUMOS14 window, as the mixing layer lays it out: channels last.
struct Sequence {
  static constexpr std::int64_t kSteps = 2304, kChannels = 512, kStates = 16;
  torch::Tensor u = rows(kChannels), delta = rows(kChannels) - 4, z = rows(kChannels), B = rows(kStates),
                C = rows(kStates);
  torch::Tensor A = -torch::arange(1, kStates + 1, torch::kFloat).repeat({kChannels, 1}), D = torch::ones({kChannels}),
                bias = torch::zeros({kChannels});

  static torch::Tensor rows(std::int64_t channels) { return torch::randn({2, kSteps, channels}).transpose(1, 2); }

  template <class Scan>
  void forward(const Scan& scan) const {
    const torch::NoGradGuard guard;
    (void)scan(u, delta, A, B, C, D, z, bias, true);
  }
  template <class Scan>
  void train_step(const Scan& scan) const {
    std::vector<torch::Tensor> leaves;
    for (const auto& t : {u, delta, A, B, C, D, z, bias}) leaves.push_back(t.detach().requires_grad_());
    const auto y = scan(leaves[0], leaves[1], leaves[2], leaves[3], leaves[4], leaves[5], leaves[6], leaves[7], true);
    (void)torch::autograd::grad({y}, leaves, {torch::ones_like(y)});
  }
};

Case scan_case(const std::string& name, bool train) {
  const auto sequence = std::make_shared<Sequence>();
  Case c;
  c.name = name, c.unit = "ms", c.rounds = 3;
  c.what = "both directions of 2,304 steps, 512 channels of 16 states";
  c.baseline = "one step after the other, LibTorch";
  if (train) c.what += ", all gradients";
  const auto plain = [](const auto&... inputs) { return selective_scan_reference(inputs...); };
  c.subject = [=] { train ? sequence->train_step(selective_scan) : sequence->forward(selective_scan); };
  c.reference = [=] { train ? sequence->train_step(plain) : sequence->forward(plain); };
  return c;
}

const struct All {
  All() {
    Register("scan/forward", [] { return scan_case("scan/forward", false); });
    Register("scan/train-step", [] { return scan_case("scan/train-step", true); });
  }
} all;

}  // namespace
}  // namespace tal::bench
