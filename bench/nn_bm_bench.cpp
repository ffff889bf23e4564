// Boundary matching: the re-associated layer against sample-then-convolve in the same LibTorch and with the same threads.
#include <torch/torch.h>

#include <memory>

#include "bench/bench.h"
#include "libtal/nn/boundary_matching.h"
#include "libtal/nn/boundary_matching_map.h"
#include "tests/nn/boundary_matching_reference.h"

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
  Case c{name, "T = D = " + std::to_string(rows) + ", N = 32, 128 -> 512 filters, one sample", "sampling by a dense mask, then conv3d", "ms", 0, 3};
  const auto run = [layer, backward](const std::function<torch::Tensor(const torch::Tensor&, const torch::Tensor&)>& forward, const torch::Tensor& upstream) {
    if (!backward) {
      const torch::NoGradGuard guard;
      (void)forward(layer->features, layer->weight);
      return;
    }
    const auto f = layer->features.detach().requires_grad_(), w = layer->weight.detach().requires_grad_();
    (void)torch::autograd::grad({forward(f, w)}, {f, w}, {upstream});
  };
  c.subject = [=] { run([&](const auto& f, const auto& w) { return boundary_matching(f, w, layer->bias, *layer->table, true); }, layer->upstream); };
  const auto dense = proposals_to_map(layer->upstream, *layer->table).contiguous();
  c.reference = [=] { run([&](const auto& f, const auto& w) { return reference::sample_then_convolve(f, w, layer->bias, layer->mask).relu(); }, dense); };
  return c;
}

struct All {
  All() {
    Register("bm/forward", [] { return layer_case(100, false, "bm/forward"); });
    Register("bm/forward-backward", [] { return layer_case(100, true, "bm/forward-backward"); });
    for (const std::int64_t rows : {50, 100, 200, 400})
      for (const bool backward : {false, true}) {
        const std::string name = "bm/sweep-" + std::string(backward ? "forward-backward-" : "forward-") + std::to_string(rows);
        Register(name, [=] { return layer_case(rows, backward, name); });
      }
  }
} all;

}  // namespace
}  // namespace tal::bench
