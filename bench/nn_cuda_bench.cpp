// Our CUDA kernels against the same layers in LibTorch's operations, on the same GPU. Skipped without a GPU or without
// kernels.
#include <torch/torch.h>

#include <memory>

#include "bench/bench.h"
#include "bench/on_gpu.h"
#include "libtal/nn/boundary_matching_cuda.h"
#include "libtal/nn/roi_align_1d_cuda.h"

namespace tal::bench {
namespace {

bool has_kernels() { return has_gpu() && cuda_kernels() != nullptr; }

using Layer = std::function<torch::Tensor()>;

// inputs [..] are leaves on the GPU; made when first run.
void run(const Layer& layer, const std::vector<torch::Tensor>& inputs, bool backward) {
  if (backward) {
    const auto y = layer();
    (void)torch::autograd::grad({y}, inputs, {torch::ones_like(y)});
  } else {
    const torch::NoGradGuard guard;
    (void)layer();
  }
  torch::cuda::synchronize();
}

struct Matching {
  torch::Tensor features, weight, bias;
  std::shared_ptr<const BoundaryMatchingTable> table = boundary_matching_table({100, 100, 32, 3, 0.5, false});
  Matching() {
    torch::manual_seed(1);
    features = torch::randn({16, 128, 100}, torch::kCUDA).requires_grad_();
    weight = (torch::randn({512, 128, 32, 1, 1}, torch::kCUDA) * 0.02).requires_grad_();
    bias = torch::randn({512}, torch::kCUDA).requires_grad_();
  }
};

struct Align {
  std::vector<torch::Tensor> levels;
  torch::Tensor segments;
  Align() {
    torch::manual_seed(1);
    for (const std::int64_t rows : {128, 64, 32, 16})
      levels.push_back(torch::randn({16, 256, rows}, torch::kCUDA).requires_grad_());
    segments = torch::rand({16, 50, 2}, torch::kCUDA);
  }
};

// Made on the GPU at the first call.
template <class Inputs>
std::function<const Inputs&()> lazily() {
  auto held = std::make_shared<std::unique_ptr<Inputs>>();
  return [held]() -> const Inputs& {
    if (!*held) *held = std::make_unique<Inputs>();
    return **held;
  };
}

Case matching_case(const std::string& name, bool backward) {
  Case c{name,
         "T = D = 100, N = 32, 128 -> 512 filters, 16 samples, on the GPU",
         "a sparse matrix product of LibTorch",
         "ms",
         0,
         5};
  c.available = has_kernels;
  const auto inputs = lazily<Matching>();
  c.subject = [=] {
    const auto& in = inputs();
    run([&] { return boundary_matching_by(*cuda_kernels(), in.features, in.weight, in.bias, *in.table, true); },
        {in.features, in.weight, in.bias}, backward);
  };
  c.reference = [=] {
    const auto& in = inputs();
    run([&] { return boundary_matching_products(in.features, in.weight, in.bias, *in.table, true); },
        {in.features, in.weight, in.bias}, backward);
  };
  return c;
}

Case align_case(const std::string& name, bool backward) {
  Case c{name,
         "50 segments of 16 rows, 2 points each, pyramids of 16 clips of 256 frames, on the GPU",
         "operations of LibTorch",
         "ms",
         0,
         5};
  c.available = has_kernels;
  const auto inputs = lazily<Align>();
  c.subject = [=] {
    const auto& in = inputs();
    run([&] { return roi_align_1d_by(*cuda_kernels(), PyramidRows(in.levels), in.segments, 16, 2); }, in.levels,
        backward);
  };
  c.reference = [=] {
    const auto& in = inputs();
    run([&] { return roi_align_1d_operations(PyramidRows(in.levels), in.segments, 16, 2); }, in.levels, backward);
  };
  return c;
}

const struct All {
  All() {
    for (const bool backward : {false, true}) {
      const std::string pass = backward ? "cuda-forward-backward" : "cuda-forward";
      Register("bm/" + pass, [=] { return matching_case("bm/" + pass, backward); });
      Register("roi-align/" + pass, [=] { return align_case("roi-align/" + pass, backward); });
    }
  }
} all;

}  // namespace
}  // namespace tal::bench
