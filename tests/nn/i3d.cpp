// I3D against its layers written out; names, sizes, padding, recomputed gradients, imported weights.
#include <boost/test/unit_test.hpp>

#include <set>

#include "libtal/base/error.h"
#include "libtal/nn/backbones/backbone.h"
#include "libtal/nn/backbones/i3d.h"
#include "tests/nn/i3d_reference.h"

namespace {

using namespace tal;

// Statistics and scales as after some training.
I3d used(I3dOptions options, std::int64_t seed = 1) {
  torch::manual_seed(static_cast<std::uint64_t>(seed));
  I3d net(options);
  const torch::NoGradGuard guard;
  for (const auto& item : net->named_buffers())
    if (item.value().is_floating_point())
      item.value().copy_(torch::rand_like(item.value()) * 0.2 + (item.key().ends_with("running_var") ? 0.2 : 0.0));
  for (const auto& item : net->named_parameters())
    if (item.value().dim() == 1) item.value().copy_(torch::rand_like(item.value()) + 0.5);
  return net;
}

std::map<std::string, torch::Tensor> copied_weights(torch::nn::Module& net) {
  std::map<std::string, torch::Tensor> all;
  for (const auto& item : net.named_parameters()) all[item.key()] = item.value().detach().clone();
  for (const auto& item : net.named_buffers()) all[item.key()] = item.value().clone();
  return all;
}

torch::Tensor sum_of(const std::vector<torch::Tensor>& levels) {
  torch::manual_seed(5);
  torch::Tensor sum;
  for (const auto& level : levels) {
    const auto part = (level * torch::randn(level.sizes(), level.options())).sum();
    sum = sum.defined() ? sum + part : part;
  }
  return sum;
}

}  // namespace

BOOST_AUTO_TEST_SUITE(i3d)

// Windows of "same" padding by TensorFlow's definition: out = ceil(size / stride), total = (out - 1) stride + kernel -
// size.
BOOST_AUTO_TEST_CASE(padding) {
  for (std::int64_t size = 1; size <= 20; ++size)
    for (const std::int64_t kernel : {1, 2, 3, 7})
      for (const std::int64_t stride : {1, 2}) {
        const std::int64_t out = (size + stride - 1) / stride,
                           total = std::max<std::int64_t>(0, (out - 1) * stride + kernel - size);
        const auto [before, behind] = same_padding(size, kernel, stride);
        BOOST_TEST(before + behind == total);
        BOOST_TEST((behind - before == 0 || behind - before == 1));
      }
}

BOOST_AUTO_TEST_CASE(layers_written_out) {
  // Even, odd and tiny extents: every case of the padding.
  for (const auto& size : std::vector<std::vector<std::int64_t>>{
           {2, 3, 16, 32, 32}, {1, 3, 9, 33, 47}, {1, 3, 1, 1, 1}, {2, 2, 11, 20, 13}}) {
    auto net = used({size[1], 0.0625});
    net->to(torch::kDouble);
    net->eval();
    const auto x = torch::randn(size, torch::kDouble);
    const auto got = net->forward(x), want = reference::PlainI3d(*net).forward(x);
    BOOST_TEST_REQUIRE(got.size() == 3u);
    for (std::size_t k = 0; k < 3; ++k) {
      BOOST_TEST(got[k].sizes() == want[k].sizes());
      BOOST_TEST(torch::allclose(got[k], want[k], 1e-9, 1e-10));
      BOOST_TEST(got[k].size(1) == net->channels()[k]);
      const auto up = [](std::int64_t n, std::int64_t by) { return (n + by - 1) / by; };
      const std::int64_t time = 2 << k, space = 8 << k;
      BOOST_TEST(got[k].size(2) == up(size[2], time));
      BOOST_TEST(got[k].size(4) == up(size[4], space));
    }
    BOOST_TEST(want[2].abs().max().item<double>() > 1e-3);  // the case compares something
  }
}

BOOST_AUTO_TEST_CASE(full_size) {
  I3d net(I3dOptions{});
  std::int64_t count = 0;
  for (const auto& p : net->parameters()) count += p.numel();
  // 65,984 + 4,224 + 332,160 (stem), 386,272 + 837,888, 737,760 + 904,464 + 1,103,664 + 1,356,672 + 1,799,168,
  // 1,974,272 + 2,784,736.
  BOOST_TEST(count == 12287264);
  BOOST_TEST((net->channels() == std::vector<std::int64_t>{480, 832, 1024}));
  I3d flow(I3dOptions{2});
  BOOST_TEST(flow->named_parameters()["Conv3d_1a_7x7.conv3d.weight"].sizes() ==
             (std::vector<std::int64_t>{64, 2, 7, 7, 7}));
}

BOOST_AUTO_TEST_CASE(names_of_the_public_port) {
  std::set<std::string> units = {"Conv3d_1a_7x7", "Conv3d_2b_1x1", "Conv3d_2c_3x3"}, want, got;
  for (const std::string block : {"3b", "3c", "4b", "4c", "4d", "4e", "4f", "5b", "5c"})
    for (const std::string branch : {"b0", "b1a", "b1b", "b2a", "b2b", "b3b"})
      units.insert("Mixed_" + block + "." + branch);
  for (const auto& unit : units)
    for (const std::string tensor :
         {"conv3d.weight", "bn.weight", "bn.bias", "bn.running_mean", "bn.running_var", "bn.num_batches_tracked"})
      want.insert(unit + "." + tensor);
  I3d net(I3dOptions{3, 0.1});
  for (const auto& [name, tensor] : copied_weights(*net)) got.insert(name);
  BOOST_TEST(got == want, boost::test_tools::per_element());
}

BOOST_AUTO_TEST_CASE(training_statistics) {
  auto net = used({3, 0.0625}), frozen = used({3, 0.0625, 0.01, true});
  net->to(torch::kDouble), frozen->to(torch::kDouble);
  const auto x = torch::randn({2, 3, 8, 32, 32}, torch::kDouble);
  const auto before = copied_weights(*net);
  const auto got = net->forward(x), want = reference::PlainI3d(*net).forward(x, true);
  for (std::size_t k = 0; k < 3; ++k) BOOST_TEST(torch::allclose(got[k], want[k], 1e-7, 1e-8));
  const auto mean = "Mixed_4c.b1b.bn.running_mean";
  BOOST_TEST(!torch::equal(copied_weights(*net)[mean], before.at(mean)));
  // One value a channel has no variance.
  BOOST_CHECK_THROW(net->forward(torch::randn({1, 3, 8, 32, 32}, torch::kDouble)), Error);
  // Frozen: in training as in inference, and BatchNorm gets no gradient.
  const auto trained = frozen->forward(x), inferred = reference::PlainI3d(*frozen).forward(x);
  for (std::size_t k = 0; k < 3; ++k) BOOST_TEST(torch::allclose(trained[k], inferred[k], 1e-9, 1e-10));
  sum_of(trained).backward();
  for (const auto& item : frozen->named_parameters())
    BOOST_TEST(item.value().grad().defined() == (item.value().dim() == 5), item.key());
}

// What inference keeps ready is made again when training has gone on, even if only the statistics have changed.
BOOST_AUTO_TEST_CASE(inference_follows_training) {
  const torch::NoGradGuard guard;
  I3dOptions options;
  options.width = 0.25;
  I3d net = used(options);
  const auto x = torch::randn({1, 3, 16, 40, 40}) * 0.5;
  const auto infer = [&x](I3d& network) {
    network->eval();
    return sum_of(network->forward(x)).item<double>();
  };
  const auto fresh = [&] {
    I3d other(options);
    load_i3d_weights(*other, copied_weights(*net), "copy");
    return infer(other);
  };
  double last = infer(net);
  const auto changed = [&] {
    const double now = infer(net);
    BOOST_TEST(now == fresh());
    BOOST_TEST(now != last);
    last = now;
  };
  net->train();
  (void)net->forward(x);
  changed();  // statistics
  for (auto& parameter : net->parameters())
    if (parameter.dim() == 5) parameter.mul_(1.01);
  changed();  // filters
  for (auto& parameter : net->parameters())
    if (parameter.dim() == 1) parameter.add_(0.01);
  changed();  // scales and shifts
}

BOOST_AUTO_TEST_CASE(recomputed_gradients) {
  for (const bool freeze : {false, true}) {
    for (const bool input_gradient : {false, true}) {
      I3dOptions options{3, 0.0625, 0.01, freeze};
      auto plain = used(options);
      options.checkpointing = true;
      auto less = used(options);
      plain->to(torch::kDouble), less->to(torch::kDouble);
      const auto x = torch::randn({1, 3, 9, 36, 36}, torch::kDouble);
      auto a = x.clone().requires_grad_(input_gradient), b = x.clone().requires_grad_(input_gradient);
      const auto y = plain->forward(a), z = less->forward(b);
      for (std::size_t k = 0; k < 3; ++k) BOOST_TEST(torch::equal(y[k], z[k]));
      sum_of(y).backward(), sum_of(z).backward();
      const auto expected = plain->named_parameters(), found = less->named_parameters();
      for (const auto& item : expected) {
        const auto& own = found[item.key()];
        BOOST_TEST(own.grad().defined() == item.value().grad().defined(), item.key());
        if (own.grad().defined()) BOOST_TEST(torch::allclose(own.grad(), item.value().grad(), 1e-9, 1e-9), item.key());
      }
      if (input_gradient) BOOST_TEST(torch::allclose(a.grad(), b.grad(), 1e-9, 1e-9));
      // The statistics took the batch once.
      for (const auto& [name, tensor] : copied_weights(*plain))
        BOOST_TEST(torch::equal(tensor, copied_weights(*less)[name]), name);
    }
  }
}

BOOST_AUTO_TEST_CASE(imported_weights) {
  auto source = used({3, 0.0625}, 2);
  auto weights = copied_weights(*source);
  weights["logits.conv3d.weight"] = torch::zeros({400, 64, 1, 1, 1});
  std::erase_if(weights, [](const auto& item) { return item.first.ends_with("num_batches_tracked"); });  // the
                                                                                                         // published
                                                                                                         // files have
                                                                                                         // none
  I3d net(I3dOptions{3, 0.0625});
  load_i3d_weights(*net, weights, "port.safetensors");
  for (const auto& [name, tensor] : copied_weights(*net))
    if (weights.count(name)) BOOST_TEST(torch::equal(tensor, weights[name]), name);

  const auto message = [&](const std::map<std::string, torch::Tensor>& bad) {
    try {
      load_i3d_weights(*net, bad, "port.safetensors");
    } catch (const Error& error) {
      return std::string(error.what());
    }
    return std::string("no error");
  };
  auto missing = weights, wrong = weights, more = weights;
  missing.erase("Mixed_3b.b0.bn.weight");
  wrong["Conv3d_1a_7x7.conv3d.weight"] = torch::zeros({4, 2, 7, 7, 7});
  more["fc.weight"] = torch::zeros({2, 3});
  BOOST_TEST(message(missing) == "'port.safetensors': no tensor 'Mixed_3b.b0.bn.weight', which I3D needs as [4]");
  BOOST_TEST(message(wrong) ==
             "'port.safetensors': tensor 'Conv3d_1a_7x7.conv3d.weight' is [4, 2, 7, 7, 7], I3D needs [4, 3, 7, 7, 7]");
  BOOST_TEST(message(more) == "'port.safetensors': tensor 'fc.weight' [2, 3] belongs to nothing in I3D");
}

BOOST_AUTO_TEST_SUITE_END()
