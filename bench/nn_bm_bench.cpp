// Boundary matching: the re-associated layer against sample-then-convolve, and BSN++ and BMN against the networks
// written straight from the papers, in the same LibTorch and with the same threads.
#include <torch/torch.h>

#include <memory>

#include "bench/bench.h"
#include "libtal/models/bmn/bmn.h"
#include "libtal/models/bsnpp/bsnpp.h"
#include "libtal/nn/boundary_matching.h"
#include "libtal/nn/boundary_matching_map.h"
#include "tests/nn/bsnpp_reference.h"

namespace tal::bench {
namespace {

struct Layer {
  torch::Tensor features, weight, bias, upstream, mask;
  const BoundaryMatchingTable* table;
};

std::shared_ptr<Layer> layer_of(std::int64_t rows) {
  torch::manual_seed(1);
  static std::vector<std::shared_ptr<const BoundaryMatchingTable>> kept;
  kept.push_back(boundary_matching_table({rows, rows, 32, 3, 0.5, false}));
  auto layer = std::make_shared<Layer>();
  layer->table = kept.back().get();
  layer->features = torch::randn({1, 128, rows});
  layer->weight = torch::randn({512, 128, 32, 1, 1}) * 0.02;
  layer->bias = torch::randn({512});
  layer->upstream = torch::randn({1, layer->table->proposals(), 512});
  return layer;
}

Case layer_case(std::int64_t rows, bool backward, const std::string& name) {
  auto layer = layer_of(rows);
  const bool reference = rows <= 100;  // the sampled features alone take 2.6 GB at 400 rows
  if (reference) layer->mask = layer->table->mask().to(torch::kFloat);
  Case c{name,
         "T = D = " + std::to_string(rows) + ", N = 32, 128 -> 512 filters, one sample",
         "sampling by a dense mask, then conv3d",
         "ms",
         0,
         3};
  const auto run = [layer, backward](
                       const std::function<torch::Tensor(const torch::Tensor&, const torch::Tensor&)>& forward,
                       const torch::Tensor& upstream) {
    if (!backward) {
      const torch::NoGradGuard guard;
      (void)forward(layer->features, layer->weight);
      return;
    }
    const auto f = layer->features.detach().requires_grad_(), w = layer->weight.detach().requires_grad_();
    (void)torch::autograd::grad({forward(f, w)}, {f, w}, {upstream});
  };
  c.subject = [=] {
    run([&](const auto& f, const auto& w) { return boundary_matching(f, w, layer->bias, *layer->table, true); },
        layer->upstream);
  };
  if (!reference) return c;
  const auto dense = proposals_to_map(layer->upstream, *layer->table).contiguous();
  c.reference = [=] {
    run([&](const auto& f,
            const auto& w) { return reference::sample_then_convolve(f, w, layer->bias, layer->mask).relu(); },
        dense);
  };
  return c;
}

constexpr double kRows = 100, kProposals = 5050, kTaps = 480715;  // taps: entries of the sampling of T = D = 100, N =
                                                                  // 32

// Multiplications and additions that are left, in the networks' own order. A 3 x 3 convolution takes 36 of each for 16
// values (libtal/nn/winograd.h).
constexpr double kSquare = 36.0 / 16;
double layer_flops() { return 2 * (kRows * 128 * 512 * 32 + kTaps * 512); }
double bsnpp_flops() {
  const double base = kRows * 3 * (2 * (400 * 256 + 256 * 256) + 256 * 128);  // both directions
  const double generator =
      3 * (kRows * 512 * (256 + 1024 + 1536) + kRows / 2 * 512 * (512 + 1024) + kRows / 4 * 512 * 512);
  // Each attention serves two branches: its own and the aggregated one. 10 of 16 blocks of the products of channels:
  // the rest mirrors them.
  const double attention = kProposals * (2 * 512 * 64) + kProposals * kProposals * (64 + 2 * 128),
               mixing = kProposals * 512 * 512 * 10 / 16 + 2 * 128 * 512 * 512;
  const double heads = kProposals * (4 * 512 * 128 + 3 * (kSquare * 128 * 128 + 2 * 128));
  return 2 * (base + 2 * generator + attention + mixing + heads) + layer_flops();
}
double bmn_flops() {
  const double base = kRows * 3 * (400 * 256 + 256 * 128 + 128 * 256 + 256 * 2);
  return 2 * (base + kProposals * (512 * 128 + kSquare * 128 * 128 + 2 * 128)) + layer_flops();
}

std::function<void()> products(double flops) {
  const auto a = torch::randn({1024, 1024}), b = torch::randn({1024, 1024});
  const auto whole = static_cast<int>(flops / (2.0 * 1024 * 1024 * 1024));
  const auto rest = static_cast<std::int64_t>((flops / (2.0 * 1024 * 1024 * 1024) - whole) * 1024);
  return [=] {
    auto out = torch::empty({1024, 1024});
    for (int k = 0; k < whole; ++k) torch::mm_out(out, a, b);
    if (rest > 0) (void)torch::mm(a.narrow(0, 0, rest), b);
  };
}

// against: "plain" network, or "products": as much arithmetic as large matrix products (the ratio is the share of that
// speed).
template <class Network, class Options>
Case network_case(const std::string& name, double flops, bool against_products) {
  torch::manual_seed(1);
  Network network(400, Options());
  network->eval();
  const auto table = boundary_matching_table({100, 100, 32, 3, 0.5, false});
  const auto x = torch::randn({1, 400, 100});
  Case c{name, "one video, T = D = 100, 400 channels, " + std::to_string(flops / 1e9).substr(0, 4) + " GFLOP",
         "",   "ms",
         0,    3};
  constexpr bool kBsnpp = std::is_same_v<Network, Bsnpp>;
  c.subject = [network, x]() mutable {
    if constexpr (kBsnpp) (void)network->infer(x, true);
    else (void)network->infer(x);
  };
  if (against_products) {
    c.baseline = "the same operations as 1024 x 1024 matrix products";
    c.reference = products(flops);
    return c;
  }
  c.baseline = "the network as the paper writes it, LibTorch";
  const auto plain = std::make_shared<reference::PlainNetwork>(*network, table->mask().to(torch::kFloat),
                                                               table->valid().to(torch::kFloat));
  c.reference = [plain, x] {
    const torch::NoGradGuard guard;
    if constexpr (kBsnpp) (void)plain->bsnpp(x);
    else (void)plain->bmn(x);
  };
  return c;
}

struct All {
  All() {
    for (const bool products : {false, true}) {
      const std::string suffix = products ? "-products" : "";
      Register("bsnpp/video" + suffix,
               [=] { return network_case<Bsnpp, BsnppOptions>("bsnpp/video" + suffix, bsnpp_flops(), products); });
      Register("bmn/video" + suffix,
               [=] { return network_case<Bmn, BmnOptions>("bmn/video" + suffix, bmn_flops(), products); });
    }
    Register("bm/forward", [] { return layer_case(100, false, "bm/forward"); });
    Register("bm/forward-backward", [] { return layer_case(100, true, "bm/forward-backward"); });
    for (const std::int64_t rows : {50, 100, 200, 400})
      for (const bool backward : {false, true}) {
        const std::string name =
            "bm/" + std::string(backward ? "forward-backward-T" : "forward-T") + std::to_string(rows);
        Register(name, [=] { return layer_case(rows, backward, name); });
      }
  }
} all;

}  // namespace
}  // namespace tal::bench
