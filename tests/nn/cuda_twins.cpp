// The CUDA kernels on a GPU against their CPU twins. Skipped, visibly, where there is no GPU or no nvcc when this was
// built.
#include "libtal/base/error.h"
#include "libtal/nn/device.h"
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
