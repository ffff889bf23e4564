// LibTorch is the one that was asked for, and its CPU kernels work.
#include <boost/test/unit_test.hpp>

#include <ATen/ATen.h>

#include "libtal/nn/torch_info.h"

BOOST_AUTO_TEST_SUITE(torch_install)

BOOST_AUTO_TEST_CASE(convolution_of_ones) {
  BOOST_TEST(tal::torch_version().find("LibTorch 2.") == 0u);
  const auto x = at::ones({1, 4, 10});
  const auto w = at::ones({2, 4, 3});
  const auto y = at::conv1d(x, w);  // [1, 4, 10] * [2, 4, 3] -> [1, 2, 8]
  BOOST_TEST(y.size(2) == 8);
  BOOST_TEST(y.min().item<float>() == 12.0f);
  BOOST_TEST(y.max().item<float>() == 12.0f);
}

BOOST_AUTO_TEST_SUITE_END()
