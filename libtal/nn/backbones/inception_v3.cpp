#include "libtal/nn/backbones/inception_v3.h"

#include "libtal/nn/max_pool.h"
#include "libtal/nn/shapes.h"

namespace tal {

InceptionV3::Unit InceptionV3::unit(const std::string& name, std::int64_t in, const Step& step) {
  ConvShape shape{step.kernel, {step.stride, step.stride}, {0, 0}};
  if (step.padded) shape.padding = {step.kernel[0] / 2, step.kernel[1] / 2};
  return conv_norm(name + ".conv", name + ".bn", in, step.channels / options_.divisor, shape, 1e-3);
}

InceptionV3::Path InceptionV3::path(const std::string& block, std::int64_t in, const std::vector<Step>& steps,
                                    const std::vector<Step>& fork) {
  Path out;
  for (const auto& step : steps) {
    out.units.push_back(unit(block + "." + step.name, in, step));
    in = step.channels / options_.divisor;
  }
  for (const auto& step : fork) out.fork.push_back(unit(block + "." + step.name, in, step));
  return out;
}

InceptionV3::Path InceptionV3::headed(Path::Head head, Path path) const {
  path.head = head;
  return path;
}

void InceptionV3::add(const std::string& name, std::vector<Path> paths, std::int64_t out) {
  blocks_.push_back({name, std::move(paths), out});
  width_ = out;
}

// Figure 5: factorised 5x5.
void InceptionV3::block_a(const std::string& name, std::int64_t pool) {
  add(name,
      {path(name, width_, {{"branch1x1", 64, {1, 1}}}),
       path(name, width_, {{"branch5x5_1", 48, {1, 1}}, {"branch5x5_2", 64, {5, 5}}}),
       path(name, width_,
            {{"branch3x3dbl_1", 64, {1, 1}}, {"branch3x3dbl_2", 96, {3, 3}}, {"branch3x3dbl_3", 96, {3, 3}}}),
       headed(Path::Head::kMean, path(name, width_, {{"branch_pool", pool, {1, 1}}}))},
      (64 + 64 + 96 + pool) / options_.divisor);
}

// Figure 10: the grid is halved.
void InceptionV3::block_b(const std::string& name) {
  add(name,
      {path(name, width_, {{"branch3x3", 384, {3, 3}, 2, false}}),
       path(name, width_,
            {{"branch3x3dbl_1", 64, {1, 1}}, {"branch3x3dbl_2", 96, {3, 3}}, {"branch3x3dbl_3", 96, {3, 3}, 2, false}}),
       headed(Path::Head::kMax, {})},
      (384 + 96) / options_.divisor + width_);
}

// Figure 6: 7x7 as 1x7 and 7x1; `s` channels inside.
void InceptionV3::block_c(const std::string& name, std::int64_t s) {
  add(name,
      {path(name, width_, {{"branch1x1", 192, {1, 1}}}),
       path(name, width_, {{"branch7x7_1", s, {1, 1}}, {"branch7x7_2", s, {1, 7}}, {"branch7x7_3", 192, {7, 1}}}),
       path(name, width_,
            {{"branch7x7dbl_1", s, {1, 1}},
             {"branch7x7dbl_2", s, {7, 1}},
             {"branch7x7dbl_3", s, {1, 7}},
             {"branch7x7dbl_4", s, {7, 1}},
             {"branch7x7dbl_5", 192, {1, 7}}}),
       headed(Path::Head::kMean, path(name, width_, {{"branch_pool", 192, {1, 1}}}))},
      4 * 192 / options_.divisor);
}

void InceptionV3::block_d(const std::string& name) {
  add(name,
      {path(name, width_, {{"branch3x3_1", 192, {1, 1}}, {"branch3x3_2", 320, {3, 3}, 2, false}}),
       path(name, width_,
            {{"branch7x7x3_1", 192, {1, 1}},
             {"branch7x7x3_2", 192, {1, 7}},
             {"branch7x7x3_3", 192, {7, 1}},
             {"branch7x7x3_4", 192, {3, 3}, 2, false}}),
       headed(Path::Head::kMax, {})},
      (320 + 192) / options_.divisor + width_);
}

// Figure 7: filter banks that spread out.
void InceptionV3::block_e(const std::string& name) {
  add(name,
      {path(name, width_, {{"branch1x1", 320, {1, 1}}}),
       path(name, width_, {{"branch3x3_1", 384, {1, 1}}},
            {{"branch3x3_2a", 384, {1, 3}}, {"branch3x3_2b", 384, {3, 1}}}),
       path(name, width_, {{"branch3x3dbl_1", 448, {1, 1}}, {"branch3x3dbl_2", 384, {3, 3}}},
            {{"branch3x3dbl_3a", 384, {1, 3}}, {"branch3x3dbl_3b", 384, {3, 1}}}),
       headed(Path::Head::kMean, path(name, width_, {{"branch_pool", 192, {1, 1}}}))},
      (320 + 768 + 768 + 192) / options_.divisor);
}

InceptionV3::InceptionV3(const InceptionV3Options& o) : options_(o) {
  const Step steps[] = {{"Conv2d_1a_3x3", 32, {3, 3}, 2, false},
                        {"Conv2d_2a_3x3", 32, {3, 3}, 1, false},
                        {"Conv2d_2b_3x3", 64, {3, 3}},
                        {"Conv2d_3b_1x1", 80, {1, 1}},
                        {"Conv2d_4a_3x3", 192, {3, 3}, 1, false}};
  width_ = o.channels;
  for (const auto& step : steps) {
    stem_.push_back(unit(step.name, width_, step));
    width_ = step.channels / o.divisor;
  }
  block_a("Mixed_5b", 32), block_a("Mixed_5c", 64), block_a("Mixed_5d", 64);
  block_b("Mixed_6a");
  block_c("Mixed_6b", 128), block_c("Mixed_6c", 160), block_c("Mixed_6d", 160), block_c("Mixed_6e", 192);
  block_d("Mixed_7a");
  block_e("Mixed_7b"), block_e("Mixed_7c");
  if (o.classes > 0) fc_ = place("fc", torch::nn::Linear(width_, o.classes));
}

torch::Tensor InceptionV3::run(const Block& block, const torch::Tensor& x) const {
  std::vector<torch::Tensor> ends;
  for (const auto& path : block.paths) {
    auto y = x;
    if (path.head == Path::Head::kMean) y = torch::avg_pool2d(y, {3, 3}, {1, 1}, {1, 1});
    if (path.head == Path::Head::kMax) y = max_pool(y, {{3, 3}, {2, 2}});
    for (const auto& unit : path.units) y = (*unit)(y, kRelu);
    for (const auto& unit : path.fork) ends.push_back((*unit)(y, kRelu));
    if (path.fork.empty()) ends.push_back(y);
  }
  return torch::cat(ends, 1);
}

std::vector<LayerInfo> InceptionV3::layers() const {
  std::vector<LayerInfo> out;
  for (const auto& block : blocks_)
    if (block.name == "Mixed_5d" || block.name == "Mixed_6e") out.push_back({block.name, block.out});
  out.push_back({"pool", width_});
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor InceptionV3::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, options_.channels, at_least(75), at_least(75)}, "Inception-v3: pictures [B, C, H, W]");
  for (std::size_t i = 0; i < stem_.size(); ++i) {
    x = (*stem_[i])(x, kRelu);
    if (i == 2 || i == 4) x = max_pool(x, {{3, 3}, {2, 2}});  // [B, 64, 73, 73], [B, 192, 35, 35] of 299 x 299
  }
  for (const auto& block : blocks_) {
    x = run(block, x);  // 5: 35 x 35, 6: 17 x 17, 7: 8 x 8
    if (layer == block.name) return global_mean(x);
  }
  x = global_mean(x);  // [B, 2048]
  return layer == "pool" ? x : classify(fc_->forward(x), layer);
}

}  // namespace tal
