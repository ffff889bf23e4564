// Convolutions of inference against LibTorch's own in double: Winograd's filters with every set of vectors, oneDNN's
// fused ends, weights that change.
#include <boost/test/unit_test.hpp>

#include <torch/torch.h>

#include "libtal/base/error.h"
#include "libtal/nn/convolution.h"
#include "tests/nn/vectors.h"

namespace {

using namespace tal;

// Largest difference, of the largest value.
double difference(const torch::Tensor& found, const torch::Tensor& expected) {
  BOOST_REQUIRE(found.sizes() == expected.sizes());
  return ((found.to(torch::kDouble) - expected).abs().max() / expected.abs().max()).item<double>();
}

torch::Tensor in_double(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                        const std::vector<std::int64_t>& stride, const std::vector<std::int64_t>& padding,
                        const Epilogue& then, std::int64_t groups = 1) {
  const auto d = [](const torch::Tensor& t) { return t.defined() ? t.to(torch::kDouble) : t; };
  return convolve(d(x), d(weight), d(bias), stride, padding, groups, {then.relu, d(then.add)});
}

constexpr double kWinograd = 2e-5;  // of float, up to 200 channels

}  // namespace

BOOST_AUTO_TEST_SUITE(convolution)

BOOST_AUTO_TEST_CASE(winograd_pictures) {
  torch::manual_seed(1);
  struct {
    std::int64_t batch, in, out, height, width;
  } const cases[] = {{1, 2, 3, 3, 2},    {2, 16, 16, 4, 4},     {3, 17, 31, 5, 9},  {1, 64, 48, 7, 7},
                     {2, 40, 80, 13, 6}, {1, 130, 144, 11, 12}, {5, 3, 112, 2, 30}, {1, 256, 16, 8, 8}};
  for (const int bytes : {64, 32, 16}) {
    const Vectors vectors(bytes);
    for (const auto& c : cases) {
      const auto x = torch::randn({c.batch, c.in, c.height, c.width}).relu(),
                 weight = torch::randn({c.out, c.in, 3, 3}), bias = torch::randn({c.out});
      const auto add = torch::randn({c.batch, c.out, c.height, c.width});
      const WinogradFilters filters(weight);
      for (const Epilogue& then : {Epilogue{}, Epilogue{true, {}}, Epilogue{false, add},
                                   Epilogue{true, add.contiguous(torch::MemoryFormat::ChannelsLast)}}) {
        const auto y = filters.convolve(x, bias, then);
        BOOST_TEST(y.is_contiguous(torch::MemoryFormat::ChannelsLast));
        BOOST_TEST(difference(y, in_double(x, weight, bias, {1, 1}, {1, 1}, then)) < kWinograd,
                   bytes << " bytes, " << c.in << " -> " << c.out);
      }
      BOOST_TEST(difference(filters.convolve(x, {}), in_double(x, weight, {}, {1, 1}, {1, 1}, {})) < kWinograd);
    }
  }
}

BOOST_AUTO_TEST_CASE(winograd_videos) {
  torch::manual_seed(2);
  struct {
    std::int64_t batch, in, out, kernel, frames, size;
  } const cases[] = {{1, 16, 16, 3, 1, 4}, {2, 20, 33, 3, 2, 6},  {1, 24, 64, 3, 9, 7},
                     {3, 32, 16, 1, 5, 5}, {2, 48, 96, 3, 17, 3}, {1, 16, 16, 5, 4, 8}};
  for (const int bytes : {64, 32, 16}) {
    const Vectors vectors(bytes);
    for (const auto& c : cases) {
      const auto x = torch::randn({c.batch, c.in, c.frames, c.size, c.size + 1}),
                 weight = torch::randn({c.out, c.in, c.kernel, 3, 3}), bias = torch::randn({c.out});
      const Epilogue then{true, torch::randn({c.batch, c.out, c.frames, c.size, c.size + 1})};
      BOOST_TEST(difference(WinogradFilters(weight).convolve(x, bias, then),
                            in_double(x, weight, bias, {1, 1, 1}, {c.kernel / 2, 1, 1}, then)) < kWinograd,
                 bytes << " bytes, " << c.in << " -> " << c.out << ", " << c.kernel << " frames of " << c.frames);
    }
  }
}

// The rounding that the header states, at sizes of the networks and with their positive inputs.
BOOST_AUTO_TEST_CASE(winograd_rounding) {
  torch::manual_seed(3);
  const auto x = torch::randn({1, 256, 24, 24}).relu(), weight = torch::randn({64, 256, 3, 3}) * 0.02;
  const auto expected = in_double(x, weight, {}, {1, 1}, {1, 1}, {});
  const double ours = difference(WinogradFilters(weight).convolve(x, {}), expected),
               direct = difference(torch::conv2d(x, weight, {}, 1, 1), expected);
  BOOST_TEST_MESSAGE("largest difference of the largest value: Winograd " << ours << ", direct " << direct);
  BOOST_TEST(ours < 5e-6);
}

// A triangle of pixels in the order of its columns, values beyond it, nothing around the picture.
BOOST_AUTO_TEST_CASE(winograd_packed) {
  torch::manual_seed(4);
  const std::int64_t height = 9, width = 14;
  std::vector<std::int64_t> places;
  for (std::int64_t x = 0; x < width; ++x)
    for (std::int64_t y = 0; y < height; ++y)
      if (x + y < 10) places.push_back(y * width + x);
  const auto at = torch::tensor(places);
  const auto count = static_cast<std::int64_t>(places.size());
  const auto rows = torch::full({height * width}, -1, torch::kInt)
                        .index_copy(0, at, torch::arange(count, torch::kInt))
                        .view({height, width});
  for (const int bytes : {64, 32, 16}) {
    const Vectors vectors(bytes);
    const auto packed = torch::randn({2, count, 20}), weight = torch::randn({18, 20, 3, 3}), bias = torch::randn({18}),
               outside = torch::randn({20});
    const auto dense = outside.expand({2, height * width, 20})
                           .index_copy(1, at, packed)
                           .view({2, height, width, 20})
                           .permute({0, 3, 1, 2});
    const auto expected =
        in_double(dense, weight, bias, {1, 1}, {1, 1}, {}).flatten(2).index_select(2, at).transpose(1, 2);
    BOOST_TEST(difference(WinogradFilters(weight).convolve_packed(packed, rows, outside, bias), expected) < kWinograd);
  }
  const WinogradFilters filters(torch::randn({16, 20, 3, 3}));
  BOOST_CHECK_THROW(filters.convolve_packed(torch::randn({2, count - 1, 20}), rows, torch::randn({20}), {}),
                    tal::Error);
  BOOST_CHECK_THROW(filters.convolve_packed(torch::randn({2, count, 20}), rows, torch::randn({19}), {}), tal::Error);
}

BOOST_AUTO_TEST_CASE(winograd_keeps_what_is_no_number) {
  auto x = torch::zeros({1, 16, 8, 8});
  x[0][3][1][1] = std::numeric_limits<float>::quiet_NaN();
  const auto y = WinogradFilters(torch::randn({16, 16, 3, 3})).convolve(x, {}, {true, {}});
  BOOST_TEST(y.isnan().any().item<bool>());
}

BOOST_AUTO_TEST_CASE(wrong_sizes_are_refused) {
  const WinogradFilters filters(torch::randn({16, 16, 3, 3}));
  BOOST_CHECK_THROW(WinogradFilters(torch::randn({16, 16, 3, 5})), tal::Error);
  BOOST_CHECK_THROW(WinogradFilters(torch::randn({16, 16, 2, 3, 3})), tal::Error);
  BOOST_CHECK_THROW(WinogradFilters(torch::randn({16, 16, 3, 3}, torch::kDouble)), tal::Error);
  BOOST_CHECK_THROW(filters.convolve(torch::randn({1, 15, 4, 4}), {}), tal::Error);
  BOOST_CHECK_THROW(filters.convolve(torch::randn({1, 16, 4, 4}), {}, {false, torch::randn({1, 16, 4, 5})}),
                    tal::Error);
}

// Every way that FixedConvolution may take, by size, stride, groups, layout and type.
BOOST_AUTO_TEST_CASE(fixed_convolutions) {
  torch::manual_seed(5);
  struct {
    std::vector<std::int64_t> x, weight, stride, padding;
    std::int64_t groups;
  } const cases[] = {{{4, 32, 16, 16}, {32, 32, 3, 3}, {1, 1}, {1, 1}, 1},
                     {{1, 32, 4, 4}, {32, 32, 3, 3}, {1, 1}, {1, 1}, 1},
                     {{2, 3, 20, 20}, {16, 3, 7, 7}, {2, 2}, {3, 3}, 1},
                     {{2, 32, 9, 9}, {64, 32, 1, 1}, {1, 1}, {0, 0}, 1},
                     {{2, 32, 9, 9}, {32, 8, 3, 3}, {1, 1}, {1, 1}, 4},
                     {{2, 16, 4, 12, 12}, {24, 16, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}, 1},
                     {{2, 16, 4, 12, 12}, {24, 16, 1, 3, 3}, {1, 1, 1}, {0, 1, 1}, 1},
                     {{1, 16, 4, 12, 12}, {24, 16, 3, 1, 1}, {1, 1, 1}, {1, 0, 0}, 1},
                     {{1, 16, 4, 12, 12}, {24, 16, 3, 3, 3}, {2, 2, 2}, {1, 1, 1}, 1},
                     {{1, 16, 1, 1, 1}, {24, 16, 3, 3, 3}, {1, 1, 1}, {1, 1, 1}, 1},
                     {{1, 16, 4, 6, 6}, {24, 16, 1, 1, 1}, {1, 1, 1}, {0, 0, 0}, 1},
                     {{2, 16, 30}, {8, 16, 3}, {1}, {1}, 1}};
  for (const auto& c : cases) {
    const auto x = torch::randn(c.x), weight = torch::randn(c.weight), bias = torch::randn({c.weight[0]});
    const FixedConvolution fixed(weight, bias, c.stride, c.padding, c.groups),
        wide(weight.to(torch::kDouble), bias.to(torch::kDouble), c.stride, c.padding, c.groups);
    const auto add = torch::randn_like(fixed(x));
    for (const Epilogue& then : {Epilogue{}, Epilogue{true, {}}, Epilogue{false, add}, Epilogue{true, add}}) {
      const auto expected = in_double(x, weight, bias, c.stride, c.padding, then, c.groups);
      BOOST_TEST(difference(fixed(x, then), expected) < kWinograd, c10::str(c.weight));
      const Epilogue wider{then.relu, then.add.defined() ? then.add.to(torch::kDouble) : then.add};
      BOOST_TEST(difference(wide(x.to(torch::kDouble), wider), expected) < 1e-12);
      if (c.x.size() > 3) {
        const auto format = c.x.size() == 5 ? torch::MemoryFormat::ChannelsLast3d : torch::MemoryFormat::ChannelsLast;
        BOOST_TEST(difference(fixed(x.contiguous(format), then), expected) < kWinograd, c10::str(c.weight));
      }
    }
  }
}

// To the last bit: a video's features must not depend on which windows share a batch.
BOOST_AUTO_TEST_CASE(samples_do_not_depend_on_their_company) {
  torch::manual_seed(7);
  for (const auto& shape : std::vector<std::vector<std::int64_t>>{
           {9, 256, 7, 7}, {5, 64, 28, 28}, {4, 48, 3, 3}, {3, 32, 5, 9, 9}, {3, 512, 2, 4, 4}}) {
    const bool video = shape.size() == 5;
    const auto x =
        torch::randn(shape).contiguous(video ? torch::MemoryFormat::ChannelsLast3d : torch::MemoryFormat::ChannelsLast);
    const FixedConvolution fixed(video ? torch::randn({32, shape[1], 3, 3, 3}) : torch::randn({32, shape[1], 3, 3}),
                                 torch::randn({32}), std::vector<std::int64_t>(shape.size() - 2, 1),
                                 std::vector<std::int64_t>(shape.size() - 2, 1));
    const auto all = fixed(x);
    for (std::int64_t b = 0; b < shape[0]; ++b)
      BOOST_TEST(torch::equal(fixed(x.narrow(0, b, 1)), all.narrow(0, b, 1)), c10::str(shape));
    BOOST_TEST(torch::equal(fixed(x.narrow(0, 1, 2)), all.narrow(0, 1, 2)), c10::str(shape));
  }
}

BOOST_AUTO_TEST_CASE(changed_weights_are_seen) {
  torch::manual_seed(6);
  auto weight = torch::randn({16, 16, 3, 3});
  const auto x = torch::randn({1, 16, 32, 32});
  FixedConvolutionCache cache;
  int made = 0;
  const auto get = [&] {
    return cache.get({weight}, [&] {
      ++made;
      return FixedConvolution(weight, {}, {1, 1}, {1, 1});
    });
  };
  const auto first = (*get())(x);
  (void)get();
  BOOST_TEST(made == 1);
  weight.mul_(2);
  BOOST_TEST(difference((*get())(x), 2 * first.to(torch::kDouble)) < kWinograd);
  BOOST_TEST(made == 2);
  weight = weight.clone();
  (void)get();
  BOOST_TEST(made == 3);
}

BOOST_AUTO_TEST_SUITE_END()
