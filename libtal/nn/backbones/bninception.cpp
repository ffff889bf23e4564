#include "libtal/nn/backbones/bninception.h"

#include "libtal/nn/max_pool.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

// Fig. 5 of the paper, right-hand columns.
constexpr InceptionBlockShape kBlocks[] = {
    {"3a", 64, 64, 64, 64, 96, 32, false},       {"3b", 64, 64, 96, 64, 96, 64, false},
    {"3c", 0, 128, 160, 64, 96, 0, true},        {"4a", 224, 64, 96, 96, 128, 128, false},
    {"4b", 192, 96, 128, 96, 128, 128, false},   {"4c", 160, 128, 160, 128, 160, 128, false},
    {"4d", 96, 128, 192, 160, 192, 128, false},  {"4e", 0, 128, 192, 192, 256, 0, true},
    {"5a", 352, 192, 320, 160, 224, 128, false}, {"5b", 352, 192, 320, 192, 224, 128, true}};

// Caffe rounds the extents of its poolings up.
torch::Tensor pool_3x3(const torch::Tensor& x, std::int64_t stride, std::int64_t padding) {
  return max_pool(x, {{3, 3}, {stride, stride}, {padding, padding}, true});
}

}  // namespace

BnInception::Unit BnInception::unit(const std::string& name, std::int64_t in, std::int64_t out, ConvShape shape) {
  return conv_norm(name, name + "_bn", in, out, biased(std::move(shape)));
}

BnInception::Block BnInception::block(const InceptionBlockShape& s, std::int64_t in) {
  const std::string name = "inception_" + std::string(s.name) + "_";
  const auto part = [&](std::int64_t channels) { return channels / options_.divisor; };
  const std::int64_t stride = s.one > 0 ? 1 : 2;
  Block b{s, {}, {}, {}, {}, {}, {}, {}};
  if (s.one > 0) b.one = unit(name + "1x1", in, part(s.one), square(1));
  b.three_reduce = unit(name + "3x3_reduce", in, part(s.three_reduce), square(1));
  b.three = unit(name + "3x3", part(s.three_reduce), part(s.three), square(3, stride));
  b.double_reduce = unit(name + "double_3x3_reduce", in, part(s.double_reduce), square(1));
  b.double_1 = unit(name + "double_3x3_1", part(s.double_reduce), part(s.doubled), square(3));
  b.double_2 = unit(name + "double_3x3_2", part(s.doubled), part(s.doubled), square(3, stride));
  if (s.pool > 0) b.pool = unit(name + "pool_proj", in, part(s.pool), square(1));
  b.out = part(s.one) + part(s.three) + part(s.doubled) + (s.pool > 0 ? part(s.pool) : in);
  return b;
}

torch::Tensor BnInception::Block::forward(const torch::Tensor& x) const {
  std::vector<torch::Tensor> branches;
  if (one) branches.push_back((*one)(x, kRelu));
  branches.push_back((*three)((*three_reduce)(x, kRelu), kRelu));
  branches.push_back((*double_2)((*double_1)((*double_reduce)(x, kRelu), kRelu), kRelu));
  if (!one) branches.push_back(pool_3x3(x, 2, 0));
  // Means count the padding, as Caffe's do.
  else
    branches.push_back(
        (*pool)(shape.max_pool ? pool_3x3(x, 1, 1) : torch::avg_pool2d(x, {3, 3}, {1, 1}, {1, 1}, true, true), kRelu));
  return torch::cat(branches, 1);
}

BnInception::BnInception(const BnInceptionOptions& o) : options_(o) {
  conv1_ = unit("conv1_7x7_s2", o.channels, 64 / o.divisor, square(7, 2));
  conv2_reduce_ = unit("conv2_3x3_reduce", 64 / o.divisor, 64 / o.divisor, square(1));
  conv2_ = unit("conv2_3x3", 64 / o.divisor, 192 / o.divisor, square(3));
  std::int64_t in = 192 / o.divisor;
  for (const auto& shape : kBlocks) {
    blocks_.push_back(block(shape, in));
    in = blocks_.back().out;
  }
  if (o.classes > 0) fc_ = place("fc", torch::nn::Linear(in, o.classes));
}

std::vector<LayerInfo> BnInception::layers() const {
  std::vector<LayerInfo> out = {
      {"inception_3c", blocks_[2].out}, {"inception_4e", blocks_[7].out}, {"pool", blocks_.back().out}};
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor BnInception::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, options_.channels, at_least(31), at_least(31)}, "BN-Inception: pictures [B, C, H, W]");
  x = pool_3x3((*conv1_)(x, kRelu), 2, 0);                           // [B, 64, 56, 56] of 224 x 224
  x = pool_3x3((*conv2_)((*conv2_reduce_)(x, kRelu), kRelu), 2, 0);  // [B, 192, 28, 28]
  // Two blocks halve the grid by a convolution and by a pooling, which differ for odd sizes.
  check_shape(x, {kAny, kAny, multiple_of(4), multiple_of(4)},
              "BN-Inception: the stem's output [B, C, H, W], of pictures of 32 k - 1 to 32 k + 6 pixels,");
  for (const auto& block : blocks_) {
    x = block.forward(x);  // 3: 28 x 28, 4: 14 x 14, 5: 7 x 7
    if (layer == "inception_" + std::string(block.shape.name)) return global_mean(x);
  }
  x = global_mean(x);  // [B, 1024]
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
