// BSN++ and BMN as one would write them straight from the papers: every proposal sampled, dense maps, the whole
// attention matrix. What the fast networks must equal, and the baseline of the bench. Weights are taken from the
// network by name.
#pragma once

#include <torch/torch.h>

#include <string>
#include <utility>

#include "libtal/nn/boundary_matching_map.h"
#include "tests/nn/boundary_matching_reference.h"

namespace tal::reference {

class PlainNetwork {
 public:
  PlainNetwork(torch::nn::Module& network, torch::Tensor mask, torch::Tensor valid)
      : mask_(std::move(mask)), valid_(std::move(valid)) {
    for (const auto& item : network.named_parameters()) weights_.insert(item.key(), item.value());
    for (const auto& item : network.named_buffers()) weights_.insert(item.key(), item.value());
  }

  // x [B, C, T] -> heat maps of both passes fused [B, 2, T], maps [B, 2, D, T] (regression, classification).
  std::pair<torch::Tensor, torch::Tensor> bsnpp(const torch::Tensor& x) const {
    const auto base_of = [&](const torch::Tensor& video) {
      return conv1d("base.conv2", conv1d("base.conv1", video).relu()).relu();
    };
    const auto base = base_of(x);
    const auto forward = generator(base), backward = generator(base_of(x.flip(2))).flip(2).flip(1);
    const auto reduced = conv1d("prb.reduce", base).relu();
    const auto features =
        sample_then_convolve(reduced, w("prb.conv3d.weight"), w("prb.conv3d.bias"), mask_).relu() * valid_;  // [B, O,
                                                                                                             // D, T]
    const auto by_position = position(features, "prb.position"), by_channel = channel(features, "prb.channel");
    torch::Tensor sum;
    for (const std::string branch : {"position", "channel", "aggregated"}) {
      const std::string name = "prb." + branch;
      auto h = branch == "position" ? by_position : branch == "channel" ? by_channel : by_position + by_channel;
      h = conv2d(name + ".conv3", conv2d(name + ".conv2", conv2d(name + ".conv1", h).relu()).relu()).sigmoid() * valid_;
      sum = sum.defined() ? sum + h : h;
    }
    return {(forward * backward).sqrt(), sum / 3};
  }

  // The paper's form: heat maps and maps.
  std::pair<torch::Tensor, torch::Tensor> bmn(const torch::Tensor& x) const {
    const auto base = conv1d("conv1d2", conv1d("conv1d1", x).relu()).relu();
    const auto heat = conv1d("conv1d4", conv1d("conv1d3", base).relu()).sigmoid();
    auto h = sample_then_convolve(base, w("conv3d1.weight"), w("conv3d1.bias"), mask_).relu();
    h = conv2d("conv2d3", conv2d("conv2d2", conv2d("conv2d1", h).relu()).relu()).sigmoid() * valid_;
    return {heat, h};
  }

 private:
  const torch::Tensor& w(const std::string& name) const { return weights_[name]; }
  torch::Tensor conv1d(const std::string& name, const torch::Tensor& x) const {
    const auto& weight = w(name + ".weight");
    return torch::conv1d(x, weight, w(name + ".bias"), 1, weight.size(2) / 2);
  }
  torch::Tensor conv2d(const std::string& name, const torch::Tensor& x) const {
    const auto& weight = w(name + ".weight");
    return torch::conv2d(x, weight, w(name + ".bias"), 1, weight.size(2) / 2);
  }
  torch::Tensor node(const std::string& name, const torch::Tensor& x) const {
    const std::string n = "cbg." + name;
    return torch::batch_norm(conv1d(n + ".conv", x), w(n + ".bn.weight"), w(n + ".bn.bias"), w(n + ".bn.running_mean"),
                             w(n + ".bn.running_var"), false, 0.1, 1e-5, false)
        .relu();
  }
  torch::Tensor generator(const torch::Tensor& base) const {
    const auto up = [](const torch::Tensor& x, std::int64_t length) {
      return torch::upsample_linear1d(x, {length}, false);
    };
    const auto x00 = node("x00", base), x10 = node("x10", torch::max_pool1d(x00, 2, 2)),
               x20 = node("x20", torch::max_pool1d(x10, 2, 2));
    const auto x01 = node("x01", torch::cat({x00, up(x10, x00.size(2))}, 1)),
               x11 = node("x11", torch::cat({x10, up(x20, x10.size(2))}, 1));
    return conv1d("cbg.head2", node("x02", torch::cat({x00, x01, up(x11, x00.size(2))}, 1))).sigmoid();
  }
  torch::Tensor at_valid(const torch::Tensor& map) const {
    return map.flatten(2).index_select(2, valid_.flatten().nonzero().flatten());
  }  // [B, C, L]
  torch::Tensor to_map(const torch::Tensor& packed) const {
    auto map = torch::zeros({packed.size(0), packed.size(1), valid_.numel()}, packed.options());
    map.index_copy_(2, valid_.flatten().nonzero().flatten(), packed);
    return map.view({packed.size(0), packed.size(1), valid_.size(0), valid_.size(1)});
  }
  torch::Tensor position(const torch::Tensor& features, const std::string& name) const {
    const auto x = at_valid(features), a = at_valid(conv2d(name + ".a", features)),
               b = at_valid(conv2d(name + ".b", features));
    const auto p = torch::bmm(b.transpose(1, 2), a).softmax(2);  // [B, L, L]
    return to_map(x + w(name + ".scale") * torch::bmm(x, p.transpose(1, 2)));
  }
  torch::Tensor channel(const torch::Tensor& features, const std::string& name) const {
    const auto x = at_valid(features);
    return to_map(x + w(name + ".scale") * torch::bmm(torch::bmm(x, x.transpose(1, 2)).softmax(2), x));
  }

  torch::OrderedDict<std::string, torch::Tensor> weights_;
  torch::Tensor mask_, valid_;
};

}  // namespace tal::reference
