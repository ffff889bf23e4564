// Plain loops that encoder networks are compared with: every operation by its definition, in double precision.
#pragma once

#include <boost/test/unit_test.hpp>

#include <torch/torch.h>

#include <array>
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "libtal/nn/backbones/backbone.h"

namespace tal::plain_networks {

using Weights = std::map<std::string, torch::Tensor>;

inline Weights state_of(torch::nn::Module& network) {
  Weights out;
  for (const auto& item : network.named_parameters()) out[item.key()] = item.value();
  for (const auto& item : network.named_buffers()) out[item.key()] = item.value();
  return out;
}

// Every tensor random, variances and scales positive.
inline Weights randomise(torch::nn::Module& network) {
  torch::NoGradGuard guard;
  torch::manual_seed(7);
  Weights copies;
  for (auto& [name, tensor] : state_of(network)) {
    if (tensor.dim() == 0) continue;
    if (tensor.dim() > 1) tensor.normal_().mul_(std::sqrt(2.0 / static_cast<double>(tensor[0].numel())));
    else if (name.ends_with("running_var") || name.ends_with("weight")) tensor.uniform_(0.5, 1.5);
    else tensor.normal_(0, 0.2);
    copies[name] = tensor.clone();
  }
  return copies;
}

// A plain picture or clip: [C, T, H, W] (pictures: T = 1), every operation one loop over its definition.
struct Plain {
  std::array<std::int64_t, 4> size{};
  std::vector<double> values;
  double& at(std::int64_t c, std::int64_t t, std::int64_t y, std::int64_t x) {
    return values[static_cast<std::size_t>(((c * size[1] + t) * size[2] + y) * size[3] + x)];
  }
  double at(std::int64_t c, std::int64_t t, std::int64_t y, std::int64_t x) const {
    return const_cast<Plain*>(this)->at(c, t, y, x);
  }
  bool inside(std::int64_t t, std::int64_t y, std::int64_t x) const {
    return t >= 0 && t < size[1] && y >= 0 && y < size[2] && x >= 0 && x < size[3];
  }
};

inline Plain plain(std::array<std::int64_t, 4> size) {
  Plain out{size, {}};
  out.values.assign(static_cast<std::size_t>(size[0] * size[1] * size[2] * size[3]), 0);
  return out;
}

using Three = std::array<std::int64_t, 3>;

class Network {
 public:
  explicit Network(Weights weights) : weights_(std::move(weights)) {}

  Plain conv(const Plain& in, const std::string& name, Three stride, Three pad, std::int64_t groups = 1) const {
    auto w = weights_.at(name + ".weight").to(torch::kDouble).contiguous();
    if (w.dim() == 4) w = w.unsqueeze(2);
    const std::int64_t out_channels = w.size(0), each = w.size(1), per_group = out_channels / groups;
    std::array<std::int64_t, 4> size{out_channels, 0, 0, 0};
    for (std::size_t a = 0; a < 3; ++a)
      size[a + 1] = (in.size[a + 1] + 2 * pad[a] - w.size(static_cast<std::int64_t>(a) + 2)) / stride[a] + 1;
    Plain out = plain(size);
    const auto weight = w.accessor<double, 5>();
    const auto bias = weights_.find(name + ".bias");
    for (std::int64_t c = 0; c < size[0]; ++c)
      for (std::int64_t t = 0; t < size[1]; ++t)
        for (std::int64_t y = 0; y < size[2]; ++y)
          for (std::int64_t x = 0; x < size[3]; ++x) {
            double sum = bias == weights_.end() ? 0 : bias->second[c].item<double>();
            for (std::int64_t i = 0; i < each; ++i)
              for (std::int64_t a = 0; a < w.size(2); ++a)
                for (std::int64_t b = 0; b < w.size(3); ++b)
                  for (std::int64_t d = 0; d < w.size(4); ++d) {
                    const std::int64_t tt = t * stride[0] - pad[0] + a, yy = y * stride[1] - pad[1] + b,
                                       xx = x * stride[2] - pad[2] + d;
                    if (in.inside(tt, yy, xx))
                      sum += weight[c][i][a][b][d] * in.at(c / per_group * each + i, tt, yy, xx);
                  }
            out.at(c, t, y, x) = sum;
          }
    return out;
  }

  Plain norm(Plain x, const std::string& name, double epsilon) const {
    const auto value = [&](const char* part, std::int64_t c) {
      return weights_.at(name + "." + part)[c].item<double>();
    };
    const std::size_t each = x.values.size() / static_cast<std::size_t>(x.size[0]);
    for (std::int64_t c = 0; c < x.size[0]; ++c) {
      const double scale = value("weight", c) / std::sqrt(value("running_var", c) + epsilon),
                   mean = value("running_mean", c), shift = value("bias", c);
      for (std::size_t i = 0; i < each; ++i) {
        auto& v = x.values[static_cast<std::size_t>(c) * each + i];
        v = (v - mean) * scale + shift;
      }
    }
    return x;
  }

  std::vector<double> linear(const std::vector<double>& x, const std::string& name) const {
    const auto w = weights_.at(name + ".weight").to(torch::kDouble).contiguous();
    std::vector<double> out;
    for (std::int64_t o = 0; o < w.size(0); ++o) {
      double sum = weights_.at(name + ".bias")[o].item<double>();
      for (std::size_t i = 0; i < x.size(); ++i)
        sum += w.data_ptr<double>()[o * w.size(1) + static_cast<std::int64_t>(i)] * x[i];
      out.push_back(sum);
    }
    return out;
  }

  bool has(const std::string& name) const { return weights_.count(name) > 0; }

 private:
  Weights weights_;
};

inline Plain relu(Plain x) {
  for (auto& v : x.values) v = std::max(0.0, v);
  return x;
}
inline Plain sum(Plain x, const Plain& y) {
  for (std::size_t i = 0; i < x.values.size(); ++i) x.values[i] += y.values[i];
  return x;
}
// Largest value, or mean over all cells of the window, padding included. `up`: extents round up.
inline Plain pool(const Plain& in, Three kernel, Three stride, Three pad, bool up = false, bool mean = false) {
  std::array<std::int64_t, 4> size{in.size[0], 0, 0, 0};
  for (std::size_t a = 0; a < 3; ++a) {
    size[a + 1] = (in.size[a + 1] + 2 * pad[a] - kernel[a] + (up ? stride[a] - 1 : 0)) / stride[a] + 1;
    if (up && (size[a + 1] - 1) * stride[a] >= in.size[a + 1] + pad[a]) --size[a + 1];
  }
  Plain out = plain(size);
  for (std::int64_t c = 0; c < size[0]; ++c)
    for (std::int64_t t = 0; t < size[1]; ++t)
      for (std::int64_t y = 0; y < size[2]; ++y)
        for (std::int64_t x = 0; x < size[3]; ++x) {
          double best = -1e300, total = 0;
          for (std::int64_t a = 0; a < kernel[0]; ++a)
            for (std::int64_t b = 0; b < kernel[1]; ++b)
              for (std::int64_t d = 0; d < kernel[2]; ++d) {
                const std::int64_t tt = t * stride[0] - pad[0] + a, yy = y * stride[1] - pad[1] + b,
                                   xx = x * stride[2] - pad[2] + d;
                if (!in.inside(tt, yy, xx)) continue;
                best = std::max(best, in.at(c, tt, yy, xx));
                total += in.at(c, tt, yy, xx);
              }
          out.at(c, t, y, x) = mean ? total / static_cast<double>(kernel[0] * kernel[1] * kernel[2]) : best;
        }
  return out;
}
inline Plain joined(const std::vector<Plain>& parts) {
  Plain out = parts[0];
  for (std::size_t i = 1; i < parts.size(); ++i) {
    out.size[0] += parts[i].size[0];
    out.values.insert(out.values.end(), parts[i].values.begin(), parts[i].values.end());
  }
  return out;
}
inline std::vector<double> means(const Plain& x) {
  const std::size_t each = x.values.size() / static_cast<std::size_t>(x.size[0]);
  std::vector<double> out(static_cast<std::size_t>(x.size[0]), 0);
  for (std::size_t i = 0; i < x.values.size(); ++i) out[i / each] += x.values[i] / static_cast<double>(each);
  return out;
}

// Mean over each window of `size` x `size` that lies inside; extents round up.
inline Plain mean_inside(const Plain& in, std::int64_t size) {
  Plain out = plain({in.size[0], in.size[1], (in.size[2] + size - 1) / size, (in.size[3] + size - 1) / size});
  for (std::int64_t c = 0; c < out.size[0]; ++c)
    for (std::int64_t t = 0; t < out.size[1]; ++t)
      for (std::int64_t y = 0; y < out.size[2]; ++y)
        for (std::int64_t x = 0; x < out.size[3]; ++x) {
          double total = 0, count = 0;
          for (std::int64_t b = 0; b < size; ++b)
            for (std::int64_t d = 0; d < size; ++d)
              if (in.inside(t, y * size + b, x * size + d)) total += in.at(c, t, y * size + b, x * size + d), ++count;
          out.at(c, t, y, x) = total / count;
        }
  return out;
}

// ResNeSt's split attention with two splits, picture by picture.
inline Plain split_attention(const Network& w, const Plain& in, const std::string& at) {
  const Plain both = relu(w.norm(w.conv(in, at + "conv", {1, 1, 1}, {0, 1, 1}, 2), at + "bn0", 1e-5));
  const std::int64_t channels = both.size[0] / 2;
  Plain out = plain({channels, in.size[1], in.size[2], in.size[3]});
  for (std::int64_t t = 0; t < in.size[1]; ++t) {
    Plain gap = plain({channels, 1, 1, 1});
    for (std::int64_t c = 0; c < 2 * channels; ++c)
      for (std::int64_t y = 0; y < in.size[2]; ++y)
        for (std::int64_t x = 0; x < in.size[3]; ++x)
          gap.values[static_cast<std::size_t>(c % channels)] +=
              both.at(c, t, y, x) / static_cast<double>(in.size[2] * in.size[3]);
    const Plain logits = w.conv(relu(w.norm(w.conv(gap, at + "fc1", {1, 1, 1}, {0, 0, 0}), at + "bn1", 1e-5)),
                                at + "fc2", {1, 1, 1}, {0, 0, 0});
    for (std::int64_t c = 0; c < channels; ++c) {
      const double a = std::exp(logits.at(c, 0, 0, 0)), b = std::exp(logits.at(c + channels, 0, 0, 0));
      for (std::int64_t y = 0; y < in.size[2]; ++y)
        for (std::int64_t x = 0; x < in.size[3]; ++x)
          out.at(c, t, y, x) = (a * both.at(c, t, y, x) + b * both.at(c + channels, t, y, x)) / (a + b);
    }
  }
  return out;
}

inline Plain resnest_stem(const Network& w, const Plain& input) {
  const auto unit = [&](const Plain& x, const std::string& conv, const std::string& bn, std::int64_t s) {
    return relu(w.norm(w.conv(x, conv, {1, s, s}, {0, 1, 1}), bn, 1e-5));
  };
  return pool(unit(unit(unit(input, "conv1.0", "conv1.1", 2), "conv1.3", "conv1.4", 1), "conv1.6", "bn1", 1), {1, 3, 3},
              {1, 2, 2}, {0, 1, 1});
}

// The four stages; exchanged(x, "layer1.0."): what the block's first convolution sees.
template <class Exchange>
Plain resnest_stages(const Network& w, Plain x, const std::array<std::int64_t, 4>& blocks, Exchange exchanged) {
  const auto one = [&](const Plain& in, const std::string& conv, const std::string& bn) {
    return w.norm(w.conv(in, conv, {1, 1, 1}, {0, 0, 0}), bn, 1e-5);
  };
  for (int s = 1; s <= 4; ++s)
    for (std::int64_t b = 0; b < blocks[static_cast<std::size_t>(s - 1)]; ++b) {
      const std::string at = "layer" + std::to_string(s) + "." + std::to_string(b) + ".";
      const bool halves = s > 1 && b == 0;
      Plain y = split_attention(w, relu(one(exchanged(x, at), at + "conv1", at + "bn1")), at + "conv2.");
      if (halves) y = pool(y, {1, 3, 3}, {1, 2, 2}, {0, 1, 1}, false, true);
      y = one(y, at + "conv3", at + "bn3");
      x = relu(sum(y, w.has(at + "downsample.1.weight")
                          ? one(halves ? mean_inside(x, 2) : x, at + "downsample.1", at + "downsample.2")
                          : x));
    }
  return x;
}

struct Input {
  torch::Tensor tensor;  // [2, C, (T,) H, W]
  Plain second;          // its second member
};
inline Input input_of(std::vector<std::int64_t> shape) {
  torch::manual_seed(3);
  std::vector<std::int64_t> all = {2};
  all.insert(all.end(), shape.begin(), shape.end());
  Input out{torch::randn(all), {}};
  if (shape.size() == 3) shape.insert(shape.begin() + 1, 1);
  out.second = plain({shape[0], shape[1], shape[2], shape[3]});
  const auto flat = out.tensor[1].contiguous();
  for (std::size_t i = 0; i < out.second.values.size(); ++i)
    out.second.values[i] = static_cast<double>(flat.data_ptr<float>()[i]);
  return out;
}

inline void check_equal(const torch::Tensor& got, const std::vector<double>& want, const std::string& what) {
  BOOST_TEST_CONTEXT(what) {
    BOOST_REQUIRE(got.dim() == 2);
    BOOST_REQUIRE(got.size(1) == static_cast<std::int64_t>(want.size()));
    double difference = 0, largest = 0;
    for (std::size_t i = 0; i < want.size(); ++i) {
      difference = std::max(difference, std::abs(got[1][static_cast<std::int64_t>(i)].item<double>() - want[i]));
      largest = std::max(largest, std::abs(want[i]));
    }
    BOOST_TEST(largest > 1e-3);
    BOOST_TEST(difference < 1e-4 * std::max(1.0, largest));
  }
}

// Before and after folding; `want` gives the pooled features, fc the logits.
inline void check_network(EncoderNetwork& network, const Input& input, const std::vector<double>& pooled,
                          const std::vector<double>& logits) {
  const torch::NoGradGuard guard;
  network.eval();
  check_equal(network.forward(input.tensor, "pool"), pooled, "pool");
  network.prepare();
  check_equal(network.forward(input.tensor, "pool"), pooled, "pool, folded");
  check_equal(network.forward(input.tensor, "logits"), logits, "logits");
  const auto scores = network.forward(input.tensor, "scores");
  BOOST_TEST(std::abs(scores[1].sum().item<double>() - 1) < 1e-5);
  BOOST_TEST(scores[1].argmax().item<std::int64_t>() ==
             network.forward(input.tensor, "logits")[1].argmax().item<std::int64_t>());
  for (const auto& layer : network.layers())
    BOOST_TEST(network.forward(input.tensor, layer.name).size(1) == layer.dim, layer.name);
}

}  // namespace tal::plain_networks
