// The CUDA kernels on a GPU against their CPU twins. Skipped, visibly, where there is no GPU or no nvcc when this was
// built.
#include "libtal/base/error.h"
#include "libtal/nn/blockwise_attention.h"
#include "libtal/nn/convolution.h"
#include "libtal/nn/device.h"
#include "libtal/nn/replayed_pass.h"
#include "tests/nn/kernel_cases.h"

namespace {

// Null: skipped.
const tal::CudaKernels* open_kernels() {
  std::string why;
  try {
    tal::open_device("cuda");
    if (const auto* kernels = tal::cuda_kernels()) return kernels;
    why = tal::cuda_kernels_state();
  } catch (const std::exception& error) {
    why = error.what();
  }
  std::cout << "SKIPPED: no data: no GPU with kernels here: " << why << std::endl;
  return nullptr;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(cuda_twins)

BOOST_AUTO_TEST_CASE(boundary_matching) {
  if (const auto* kernels = open_kernels())
    tal::test::compare_boundary_matching(*kernels, torch::kCUDA, /*large=*/true);
}

BOOST_AUTO_TEST_CASE(roi_align) {
  if (const auto* kernels = open_kernels()) tal::test::compare_roi_align(*kernels, torch::kCUDA);
}

BOOST_AUTO_TEST_CASE(scan) {
  if (const auto* kernels = open_kernels()) tal::test::compare_selective_scan(*kernels, torch::kCUDA, /*large=*/true);
}

BOOST_AUTO_TEST_CASE(max_pool) {
  if (const auto* kernels = open_kernels()) tal::test::compare_max_pool(*kernels, torch::kCUDA);
}

// Convolutions that finish themselves, with channels that are padded for half types.
BOOST_AUTO_TEST_CASE(fixed_convolutions) {
  if (!open_kernels()) return;
  tal::set_precision("float32", torch::kCUDA);
  torch::manual_seed(12);
  struct Size {
    std::vector<std::int64_t> x, weight, stride, padding;
    std::int64_t groups;
  };
  const std::vector<Size> sizes{{{2, 3, 20, 22}, {16, 3, 7, 7}, {2, 2}, {3, 3}, 1},
                                {{2, 24, 9, 11}, {32, 24, 3, 3}, {1, 1}, {1, 1}, 1},
                                {{1, 3, 9, 14, 15}, {16, 3, 3, 3, 3}, {2, 2, 2}, {1, 1, 1}, 1},
                                {{2, 12, 4, 7, 7}, {20, 12, 1, 1, 1}, {1, 1, 1}, {0, 0, 0}, 1},
                                {{2, 12, 4, 7, 7}, {20, 12, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}, 1},
                                {{2, 16, 9, 9}, {16, 8, 3, 3}, {1, 1}, {1, 1}, 2},
                                {{2, 6, 30}, {10, 6, 3}, {1}, {1}, 1}};
  for (const auto& s : sizes) {
    const auto x = torch::randn(s.x), weight = torch::randn(s.weight), bias = torch::randn({s.weight[0]});
    const auto plain = tal::convolve(x, weight, bias, s.stride, s.padding, s.groups);
    const auto add = torch::randn_like(plain);
    for (const tal::Epilogue& then : {tal::Epilogue{}, tal::Epilogue{true, {}}, tal::Epilogue{true, add}}) {
      const auto want = tal::convolve(x, weight, bias, s.stride, s.padding, s.groups, then);
      const tal::FixedConvolution fixed(weight.cuda(), bias.cuda(), s.stride, s.padding, s.groups);
      const tal::Epilogue own{then.relu, then.add.defined() ? then.add.cuda() : then.add};
      BOOST_TEST_CONTEXT(s.weight.size() - 2 << " axes, " << s.weight[1] << " channels") {
        BOOST_TEST(tal::test::relative_difference(fixed(x.cuda(), own), want) <= tal::test::kLimit);
        const tal::Autocast half(torch::Device(torch::kCUDA, 0), torch::kBFloat16);
        const auto coarse = fixed(x.cuda(), own);
        BOOST_TEST((coarse.scalar_type() == torch::kBFloat16));
        BOOST_TEST(tal::test::relative_difference(coarse, want) <= 0.05);
      }
    }
  }
}

BOOST_AUTO_TEST_CASE(fused_attention) {
  if (!open_kernels()) return;
  tal::set_precision("float32", torch::kCUDA);
  torch::manual_seed(13);
  for (const std::int64_t depth : {4, 7, 64}) {
    const std::vector<torch::Tensor> of{torch::randn({2, 210, depth}).requires_grad_(),
                                        torch::randn({2, 210, depth}).requires_grad_(),
                                        torch::randn({2, 210, 13}).requires_grad_()};
    std::vector<torch::Tensor> on;
    for (const auto& one : of) on.push_back(one.detach().cuda().requires_grad_());
    const auto want = tal::blockwise_attention(of[0], of[1], of[2]),
               got = tal::blockwise_attention(on[0], on[1], on[2]);
    BOOST_TEST(tal::test::relative_difference(got, want) <= tal::test::kLimit, depth);
    const auto up = torch::randn_like(want);
    const auto wanted = torch::autograd::grad({want}, of, {up}), found = torch::autograd::grad({got}, on, {up.cuda()});
    for (std::size_t k = 0; k < 3; ++k)
      BOOST_TEST(tal::test::relative_difference(found[k], wanted[k]) <= tal::test::kLimit, depth << ", gradient " << k);
  }
}

// Recorded passes give what the first, unrecorded one gives; follow the weights; and a second shape has its own.
BOOST_AUTO_TEST_CASE(replayed_passes) {
  if (!open_kernels()) return;
  torch::manual_seed(14);
  const torch::Device device(torch::kCUDA, 0);
  torch::nn::Linear layer(24, 40);
  layer->to(device);
  tal::ReplayedPass replayed;
  int calls = 0;
  const auto run = [&](const torch::Tensor& x) {
    const torch::NoGradGuard guard;
    const auto found = replayed(x, device, layer->parameters(), [&](const torch::Tensor& own) {
      ++calls;
      return std::vector<torch::Tensor>{layer(own).relu(), own.sum(1)};
    });
    const auto want = torch::linear(x, layer->weight.cpu(), layer->bias.cpu()).relu();
    BOOST_TEST(tal::test::relative_difference(found[0], want) <= tal::test::kLimit);
    BOOST_TEST(tal::test::relative_difference(found[1], x.sum(1)) <= tal::test::kLimit);
  };
  for (int k = 0; k < 5; ++k) run(torch::randn({7, 24}));
  BOOST_TEST(replayed.refusal() == "");
  const int recorded = calls;
  for (int k = 0; k < 5; ++k) run(torch::randn({7, 24}));
  BOOST_TEST(calls == recorded, "a recorded pass is not called again");
  for (int k = 0; k < 4; ++k) run(torch::randn({2, 24}));
  {
    const torch::NoGradGuard guard;
    layer->weight.mul_(-2);
  }
  for (int k = 0; k < 4; ++k) run(torch::randn({7, 24}));
  BOOST_TEST(calls > recorded);
}

BOOST_AUTO_TEST_CASE(layers_take_the_kernels) {
  if (!open_kernels()) return;
  torch::manual_seed(10);
  const auto& table = *tal::boundary_matching_table({20, 20, 8, 3, 0.5, false});
  const auto f = torch::randn({2, 6, 20}), w = torch::randn({50, 6, 8});
  const auto want = tal::boundary_matching(f, w, {}, table, true);
  BOOST_TEST(tal::test::relative_difference(tal::boundary_matching(f.cuda(), w.cuda(), {}, table, true), want) <=
             tal::test::kLimit);
  BOOST_TEST(tal::test::relative_difference(
                 tal::boundary_matching(f.cuda().to(torch::kDouble), w.cuda().to(torch::kDouble), {}, table, true),
                 want) <= tal::test::kLimit);
  BOOST_TEST(tal::test::relative_difference(
                 tal::boundary_matching(f.cuda().to(torch::kBFloat16), w.cuda(), {}, table, true), want) <= 0.05);
  const std::vector<torch::Tensor> levels{torch::randn({2, 6, 16}), torch::randn({2, 6, 8})},
      own{levels[0].cuda(), levels[1].cuda()};
  const auto segments = torch::rand({2, 5, 2});
  BOOST_TEST(tal::test::relative_difference(tal::roi_align_1d(tal::PyramidRows(own), segments.cuda(), 4, 2),
                                            tal::roi_align_1d(tal::PyramidRows(levels), segments, 4, 2)) <=
             tal::test::kLimit);
  const tal::test::Scan scan({2, 40, 70, 16}, true);
  BOOST_TEST(tal::test::relative_difference(scan.to(torch::kCUDA).run(), scan.run()) <= tal::test::kLimit);
}

BOOST_AUTO_TEST_SUITE_END()
