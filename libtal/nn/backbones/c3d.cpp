#include "libtal/nn/backbones/c3d.h"

#include <torch/csrc/autograd/functions/utils.h>

#include <algorithm>
#include <cmath>

#include "libtal/nn/backbones/state.h"
#include "libtal/nn/max_pool.h"
#include "libtal/nn/shapes.h"

namespace tal {

C3dImpl::C3dImpl(double width, std::int64_t frozen) {
  static constexpr struct {
    const char* name;
    std::int64_t channels;
  } kLayers[] = {{"conv1a", 64},  {"conv2a", 128}, {"conv3a", 256}, {"conv3b", 256},
                 {"conv4a", 512}, {"conv4b", 512}, {"conv5a", 512}, {"conv5b", 512}};
  channels_ = 3;
  for (const auto& layer : kLayers) {
    const auto next = std::max<std::int64_t>(1, std::llround(width * static_cast<double>(layer.channels)));
    auto convolution =
        register_module(layer.name, torch::nn::Conv3d(torch::nn::Conv3dOptions(channels_, next, 3).padding(1)));
    if (static_cast<std::int64_t>(convolutions_.size()) < frozen)
      for (auto& parameter : convolution->parameters()) parameter.requires_grad_(false);
    convolutions_.push_back(convolution);
    channels_ = next;
  }
}

torch::Tensor C3dImpl::forward(torch::Tensor x) {
  check_shape(x, {kAny, 3, multiple_of(kTimeScale), at_least(16), at_least(16)}, "C3D: clips [B, 3, T, H, W]");
  x = x.contiguous(torch::MemoryFormat::ChannelsLast3d);
  const auto conv = [&](std::size_t k) {
    const auto &weight = convolutions_[k]->weight, &bias = convolutions_[k]->bias;
    if (torch::autograd::compute_requires_grad(x, weight))
      x = convolve(x, weight, bias, {1, 1, 1}, {1, 1, 1}, 1, {.relu = true});
    else
      x = (*fixed_[k].get({weight, bias}, [&] {
        return FixedConvolution(weight, bias, {1, 1, 1}, {1, 1, 1});
      }))(x, {.relu = true});
  };
  const auto pool = [&](std::int64_t time) { x = max_pool(x, {{time, 2, 2}, {time, 2, 2}}); };
  conv(0), pool(1);           // [B, 64, T, H/2, W/2]
  conv(1), pool(2);           // [B, 128, T/2, H/4, W/4]
  conv(2), conv(3), pool(2);  // [B, 256, T/4, H/8, W/8]
  conv(4), conv(5), pool(2);  // [B, 512, T/8, H/16, W/16]
  conv(6), conv(7);
  return x;
}

void load_c3d_weights(C3dImpl& network, const std::string& file) {
  load_state(network, read_state(file), "c3d", {"fc6.", "fc7.", "fc8."}, file);
}

}  // namespace tal
