#include "libtal/nn/backbones/p3d.h"

#include "libtal/nn/max_pool.h"
#include "libtal/nn/shapes.h"

namespace tal {

P3dBlockImpl::P3dBlockImpl(std::int64_t in, std::int64_t width, std::int64_t stride, bool first, Kind kind)
    : kind_(kind) {
  const auto one = [&](std::int64_t s) { return kind == Kind::kFlat ? square(1, s) : in_space(1, s); };
  reduce_ = conv_norm("conv1", "bn1", in, width, one(stride));
  if (kind == Kind::kFlat) {
    space_ = conv_norm("conv_normal", "bn_normal", width, width, square(3));
  } else {
    space_ = conv_norm("conv2", "bn2", width, width, in_space(3, 1));
    time_ = conv_norm("conv3", "bn3", width, width, {{3, 1, 1}, {1, 1, 1}, {1, 0, 0}});
  }
  expand_ = conv_norm("conv4", "bn4", width, 4 * width, one(1));
  if (first) shortcut_ = conv_norm("downsample.0", "downsample.1", in, 4 * width, one(stride));
}

torch::Tensor P3dBlockImpl::forward(const torch::Tensor& x) {
  const auto reduced = (*reduce_)(x, kRelu);
  auto y = (*space_)(reduced, kRelu);
  if (kind_ == Kind::kA) y = (*time_)(y, kRelu);
  if (kind_ == Kind::kB) y = y + (*time_)(reduced, kRelu);
  if (kind_ == Kind::kC) y = y + (*time_)(y, kRelu);
  return (*expand_)(y, {.relu = true, .add = shortcut_ ? (*shortcut_)(x) : x});
}

P3d::P3d(const P3dOptions& o)
    : options_(o), stem_(conv_norm("conv1_custom", "bn1", o.channels, o.width, in_space(7, 2))) {
  using Kind = P3dBlockImpl::Kind;
  constexpr Kind kTurns[] = {Kind::kA, Kind::kB, Kind::kC};
  std::int64_t in = o.width, count = 0;
  for (std::size_t s = 0; s < 4; ++s) {
    const auto width = o.width << s;
    for (std::int64_t b = 0; b < o.blocks[s]; ++b, ++count) {
      const auto name = "layer" + std::to_string(s + 1) + "." + std::to_string(b);
      stages_[s].push_back(
          place(name, P3dBlock(in, width, s > 0 && b == 0 ? 2 : 1, b == 0, s == 3 ? Kind::kFlat : kTurns[count % 3])));
      in = 4 * width;
    }
  }
  if (o.classes > 0) fc_ = place("fc", torch::nn::Linear(in, o.classes));
}

std::vector<LayerInfo> P3d::layers() const {
  std::vector<LayerInfo> out = {{"pool", (4 * options_.width) << 3}};
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor P3d::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, options_.channels, 16, at_least(1), at_least(1)}, "P3D: clips [B, C, 16, H, W]");
  x = max_pool((*stem_)(x, kRelu), {{2, 3, 3}, {2, 2, 2}, {0, 1, 1}});  // [B, 64, 8, H/4, W/4]
  for (std::size_t s = 0; s < 3; ++s) {
    for (auto& block : stages_[s]) x = block->forward(x);
    x = max_pool(x, {{2, 1, 1}, {2, 1, 1}});  // [B, 256 2^s, 8 / 2^(s+1), H/2^(2+s), W/2^(2+s)]
  }
  x = x.squeeze(2);                                      // one step of time is left: [B, 1024, H/16, W/16]
  for (auto& block : stages_[3]) x = block->forward(x);  // [B, 2048, H/32, W/32]
  x = global_mean(x);
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
