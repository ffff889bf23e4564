#include "libtal/nn/backbones/resnext3d.h"

#include "libtal/nn/max_pool.h"
#include "libtal/nn/shapes.h"

namespace tal {

GroupedBlockImpl::GroupedBlockImpl(std::int64_t in, std::int64_t width, std::int64_t groups, std::int64_t stride) {
  auto grouped = cube(3, stride, stride);
  grouped.groups = groups;
  reduce_ = conv_norm("conv1", "bn1", in, width, cube(1));
  spread_ = conv_norm("conv2", "bn2", width, width, grouped);
  expand_ = conv_norm("conv3", "bn3", width, 2 * width, cube(1));
  if (stride != 1 || in != 2 * width)
    shortcut_ = conv_norm("downsample.0", "downsample.1", in, 2 * width, cube(1, stride, stride));
}

torch::Tensor GroupedBlockImpl::forward(const torch::Tensor& x) {
  return (*expand_)((*spread_)((*reduce_)(x, kRelu), kRelu), {.relu = true, .add = shortcut_ ? (*shortcut_)(x) : x});
}

ResNext3d::ResNext3d(const ResNext3dOptions& o)
    : options_(o), stem_(conv_norm("conv1", "bn1", 3, o.stem, cube(7, 1, 2))) {
  std::int64_t in = o.stem;
  for (std::size_t s = 0; s < o.blocks.size(); ++s) {
    const std::int64_t width = o.width << s;
    auto& stage = stages_.emplace_back();
    for (std::int64_t b = 0; b < o.blocks[s]; ++b) {
      stage.push_back(place("layer" + std::to_string(s + 1) + "." + std::to_string(b),
                            GroupedBlock(in, width, o.groups, s > 0 && b == 0 ? 2 : 1)));
      in = 2 * width;
    }
  }
  if (o.classes > 0) fc_ = place("fc", torch::nn::Linear(in, o.classes));
}

std::vector<LayerInfo> ResNext3d::layers() const {
  std::vector<LayerInfo> out;
  for (int s = 0; s < 4; ++s) out.push_back({"layer" + std::to_string(s + 1), (2 * options_.width) << s});
  out.push_back({"pool", (2 * options_.width) << 3});
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor ResNext3d::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, 3, at_least(1), at_least(1), at_least(1)}, "ResNeXt-3D: clips [B, 3, T, H, W]");
  x = (*stem_)(x, kRelu);                              // [B, 64, T, H/2, W/2]
  x = max_pool(x, {{3, 3, 3}, {2, 2, 2}, {1, 1, 1}});  // [B, 64, T/2, H/4, W/4]
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (auto& block : stages_[s]) x = block->forward(x);  // [B, 256 2^s, T/2^(1+s), H/2^(2+s), W/2^(2+s)]
    if (layer == "layer" + std::to_string(s + 1)) return global_mean(x);
  }
  x = global_mean(x);  // [B, 2048]
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
