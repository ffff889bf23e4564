// How networks compute: what --precision means to LibTorch, its warnings, channels padded for half types.
#include <boost/test/unit_test.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <functional>
#include <sstream>
#include <thread>

#include <torch/torch.h>

#include "libtal/base/error.h"
#include "libtal/nn/bilstm.h"
#include "libtal/nn/convolution.h"
#include "libtal/nn/device.h"
#include "libtal/nn/torch_info.h"
#include "tests/support.h"

namespace {

using namespace tal;
using tal::test::Folder;
using tal::test::message_of;

// What `action` writes to stderr.
std::string on_stderr(const std::function<void()>& action) {
  const Folder folder;
  std::fflush(stderr);
  const int kept = ::dup(2), file = ::open((folder / "stderr").c_str(), O_CREAT | O_WRONLY, 0600);
  ::dup2(file, 2);
  action();
  std::fflush(stderr);
  ::dup2(kept, 2), ::close(kept), ::close(file);
  std::ostringstream text;
  text << std::ifstream(folder / "stderr").rdbuf();
  return text.str();
}

constexpr double kRounding = 1e-5;  // of float

// Largest difference, of the largest value.
double worst(const at::Tensor& a, const at::Tensor& b) {
  return (a - b).abs().max().item<double>() / std::max(1e-30, b.abs().max().item<double>());
}

}  // namespace

BOOST_AUTO_TEST_SUITE(device)

// LibTorch's own default is TF32 in cuDNN's convolutions and not in products. The flags can be set without a GPU.
BOOST_AUTO_TEST_CASE(float32_means_float32_on_cuda) {
  const c10::Device cuda(c10::kCUDA, 0);
  const auto tf32 = [] {
    auto& context = at::globalContext();
    return std::pair(context.allowTF32CuDNN(), context.float32MatmulPrecision() != at::Float32MatmulPrecision::HIGHEST);
  };
  BOOST_TEST(set_precision("tf32", cuda).tf32);
  BOOST_TEST((tf32() == std::pair(true, true)), "products and convolutions alike");
  for (const char* name : {"float32", "bfloat16", "float16"}) {
    set_precision("tf32", cuda);
    BOOST_TEST(!set_precision(name, cuda).tf32);
    BOOST_TEST((tf32() == std::pair(false, false)), name);
  }
  BOOST_TEST((set_precision("float32", cuda).type == c10::kFloat));
  BOOST_TEST((set_precision("bfloat16", cuda).type == c10::kBFloat16));
  BOOST_TEST((set_precision("float16", cuda).type == c10::kHalf));
}

BOOST_AUTO_TEST_CASE(precision_on_the_processor) {
  BOOST_TEST((set_precision("bfloat16", c10::kCPU).type == c10::kBFloat16));
  BOOST_CHECK_THROW(set_precision("tf32", c10::kCPU), UsageError);
  BOOST_TEST(message_of([] { set_precision("tf32", c10::kCPU); }) ==
             "--precision tf32 is for CUDA: TF32 is a GPU's arithmetic; the processor has float32 and bfloat16");
  BOOST_TEST(message_of([] { set_precision("float16", c10::kCPU); }) ==
             "--precision float16 is for CUDA: the processor has no convolutions in it; bfloat16 works there too");
  BOOST_TEST(message_of([] { set_precision("half", c10::kCPU); }) ==
             "--precision 'half': must be float32, tf32, bfloat16, float16");
}

BOOST_AUTO_TEST_CASE(features_say_their_precision) {
  const std::string torch = " torch=" TORCH_VERSION;
  BOOST_TEST(computing_parameters(c10::kCPU, {}) == "device=cpu" + torch);
  BOOST_TEST(computing_parameters(c10::kCPU, {c10::kBFloat16}) == "device=cpu precision=BFloat16" + torch);
  BOOST_TEST(computing_parameters(c10::Device(c10::kCUDA, 0), {c10::kFloat, true}) ==
             "device=cuda precision=TF32" + torch);
}

BOOST_AUTO_TEST_CASE(no_device_is_a_mistake_of_the_command_line) {
  if (torch::cuda::is_available()) return;
  BOOST_CHECK_THROW(open_device("cuda"), UsageError);
  BOOST_TEST(message_of([] { open_device("cuda"); }).starts_with("--device cuda: "));
  BOOST_CHECK_THROW(open_device("gpu"), UsageError);
}

BOOST_AUTO_TEST_CASE(warnings_are_heard_when_asked_for) {
  const auto warn = [] {
    TORCH_WARN("first thread");
    std::thread([] { TORCH_WARN("second thread"); }).join();
  };
  settle_torch_warnings(false);
  BOOST_TEST(on_stderr(warn) == "");
  settle_torch_warnings(true);
  const std::string heard = on_stderr(warn);
  BOOST_TEST(heard.find("first thread") != std::string::npos);
  BOOST_TEST(heard.find("second thread") != std::string::npos);
  settle_torch_warnings(false);
  BOOST_TEST(on_stderr(warn) == "");
}

// The same sums in another order: within rounding of float, exact in integers.
BOOST_AUTO_TEST_CASE(padded_channels_change_nothing) {
  torch::manual_seed(3);
  for (const std::int64_t channels : {1, 2, 3, 7, 8, 10})
    for (const std::int64_t axes : {1, 2, 3}) {
      std::vector<std::int64_t> picture{2, channels}, filter{5, channels}, ones, half;
      for (std::int64_t k = 0; k < axes; ++k)
        picture.push_back(9), filter.push_back(3), ones.push_back(1), half.push_back(1);
      auto x = torch::randn(picture), w = torch::randn(filter);
      const auto bias = torch::randn({5});
      if (axes == 2) x = x.contiguous(torch::MemoryFormat::ChannelsLast);
      if (axes == 3) x = x.contiguous(torch::MemoryFormat::ChannelsLast3d);
      x.requires_grad_(), w.requires_grad_();
      const auto [wide_x, wide_w] = pad_channels(x, w, 8);
      BOOST_TEST(wide_x.size(1) == (channels + 7) / 8 * 8);
      BOOST_TEST(wide_w.size(1) == wide_x.size(1));
      BOOST_TEST(wide_x.is_same(x) == (channels == 8));
      BOOST_TEST((wide_x.suggest_memory_format() == x.suggest_memory_format()));
      const auto y = convolve(x, w, bias, ones, half), padded = convolve(wide_x, wide_w, bias, ones, half);
      BOOST_TEST(worst(padded, y) < kRounding);
      const auto own = torch::autograd::grad({y.square().sum()}, {x, w}),
                 through = torch::autograd::grad({padded.square().sum()}, {x, w});
      BOOST_TEST(worst(through[0], own[0]) < kRounding);
      BOOST_TEST(worst(through[1], own[1]) < kRounding);
      const auto whole_x = x.detach().mul(4).round(), whole_w = w.detach().mul(4).round();
      const auto [more_x, more_w] = pad_channels(whole_x, whole_w, 8);
      BOOST_TEST(worst(convolve(more_x, more_w, {}, ones, half), convolve(whole_x, whole_w, {}, ones, half)) == 0);
      // On the processor there is nothing to gain.
      for (const auto type : {at::kFloat, at::kBFloat16}) {
        const Autocast autocast(at::kCPU, type);
        BOOST_TEST(pad_for_half(x, w).first.is_same(x));
      }
    }
  BOOST_CHECK_THROW(pad_channels(torch::randn({1, 2, 4}), torch::randn({1, 3, 3}), 8), Error);
}

BOOST_AUTO_TEST_CASE(a_moved_lstm_computes_the_same) {
  torch::manual_seed(4);
  BiLstm lstm(3, 5);
  const auto x = torch::randn({2, 6, 3});
  const auto before = lstm->forward(x);
  torch::nn::Sequential parent(lstm);
  parent->to(torch::kDouble);
  BOOST_TEST((lstm->parameters()[0].scalar_type() == at::kDouble));
  BOOST_TEST(worst(lstm->forward(x), before) < 1e-6);
  parent->to(torch::kCPU, torch::kFloat);
  parent->to(torch::kCPU);
  BOOST_TEST(worst(lstm->forward(x), before) == 0);
}

BOOST_AUTO_TEST_SUITE_END()
