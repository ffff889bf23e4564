// The CUDA kernels' own code, compiled as C++ and run over the whole grid on the host, behind the same C++ side: what
// is left to a GPU is the launch.
#include "libtal/base/error.h"
#include "tests/nn/kernel_cases.h"

namespace {

const tal::CudaKernels kHost{tal_cuda_message,      tal_cuda_matching_forward, tal_cuda_matching_backward,
                             tal_cuda_roi_points,   tal_cuda_roi_forward,      tal_cuda_roi_backward,
                             tal_cuda_scan_forward, tal_cuda_scan_backward,    tal_cuda_max_pool};

}  // namespace

BOOST_AUTO_TEST_SUITE(cuda_host)

BOOST_AUTO_TEST_CASE(boundary_matching) { tal::test::compare_boundary_matching(kHost, torch::kCPU, /*large=*/false); }

BOOST_AUTO_TEST_CASE(roi_align) { tal::test::compare_roi_align(kHost, torch::kCPU); }

BOOST_AUTO_TEST_CASE(scan) { tal::test::compare_selective_scan(kHost, torch::kCPU, /*large=*/false); }

BOOST_AUTO_TEST_CASE(max_pool) { tal::test::compare_max_pool(kHost, torch::kCPU); }

BOOST_AUTO_TEST_CASE(outside_nothing_is_read) {
  // Rows before and after the features' own are NaN: a read outside would show.
  const tal::BoundaryMatchingTable& table = *tal::boundary_matching_table({11, 7, 3, 3, 1.0, false});
  const auto nan = std::numeric_limits<float>::quiet_NaN();
  auto padded = torch::full({3, 11, 3, 5}, nan);
  padded[1] = torch::randn({11, 3, 5});
  std::vector<std::int32_t> taps;
  for (int j = 0; j < 7; ++j)
    for (int n = 0; n < 3; ++n)
      taps.insert(taps.end(), {table.taps(j, n).offset, table.taps(j, n).begin, table.taps(j, n).count});
  const TalMatchingTable view{11,      7,       3,       taps.data(), table.weights(0.0f), nullptr, nullptr,
                              nullptr, nullptr, nullptr, nullptr};
  const auto bias = torch::zeros({5});
  auto y = torch::full({3, table.proposals(), 5}, nan);
  kHost.check(tal_cuda_matching_forward({}, &view, padded[1].const_data_ptr<float>(), bias.const_data_ptr<float>(),
                                        y[1].data_ptr<float>(), 1, 5, 0),
              "forward");
  BOOST_TEST(!y[1].isnan().any().item<bool>());
  BOOST_TEST((y[0].isnan().all() & y[2].isnan().all()).item<bool>());  // nor written
  auto dg = torch::full_like(padded, nan);
  kHost.check(tal_cuda_matching_backward({}, &view, y[1].const_data_ptr<float>(), dg[1].data_ptr<float>(), 1, 5),
              "backward");
  BOOST_TEST(!dg[1].isnan().any().item<bool>());
  BOOST_TEST((dg[0].isnan().all() & dg[2].isnan().all()).item<bool>());
}

BOOST_AUTO_TEST_CASE(segments_that_are_no_numbers) {
  const double inf = std::numeric_limits<double>::infinity(), nan = std::numeric_limits<double>::quiet_NaN();
  const auto segments =
      torch::tensor({nan, 0.5, 0.5, nan, inf, 0.5, 0.5, inf, -inf, 1.0, 0.5, -inf}, torch::kDouble).view({1, 6, 2});
  const tal::PyramidRows rows({torch::ones({1, 2, 8}), torch::ones({1, 2, 4})});
  const auto y = tal::roi_align_1d_by(kHost, rows, segments, 4, 2);
  BOOST_TEST(torch::equal(y, torch::zeros_like(y)));
}

BOOST_AUTO_TEST_CASE(failures_are_errors) {
  const std::int64_t too_many = std::int64_t(1) << 40;
  const TalMatchingTable view{8, 8, 1};
  const std::int32_t code = tal_cuda_matching_forward({}, &view, nullptr, nullptr, nullptr, too_many, 1, 0);
  BOOST_TEST(code != 0);
  BOOST_CHECK_EXCEPTION(kHost.check(code, "boundary matching"), tal::Error, [](const tal::Error& error) {
    return std::string(error.what()).find("boundary matching on CUDA: more blocks") != std::string::npos;
  });
  BOOST_TEST(tal_cuda_abi() == kTalCudaAbi);
}

BOOST_AUTO_TEST_SUITE_END()
