#include "libtal/nn/backbones/transnet_v2.h"

#include <array>
#include <optional>

#include "libtal/base/error.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

constexpr std::array<std::int64_t, 4> kDilations = {1, 2, 4, 8};
constexpr double kNormEpsilon = 1e-3;  // of the batch normalisation

// How much each frame is like those around it: rows x [B, T, C] -> products with the rows T - kReach .. T + kReach,
// zero beyond the run: [B, T, 2 kReach + 1].
torch::Tensor neighbours(const torch::Tensor& x) {
  const auto frames = x.size(1), reach = TransNetV2::kReach;
  const auto rows = at::linalg_vector_norm(x, 2, {2}, true).clamp_min(1e-12);
  const auto unit = x / rows;
  const auto all = at::constant_pad_nd(at::bmm(unit, unit.transpose(1, 2)), {reach, reach}).contiguous();
  // Row t begins at its own column t.
  const auto width = frames + 2 * reach;
  return all.as_strided({x.size(0), frames, 2 * reach + 1}, {frames * width, width + 1, 1});
}

// Histograms of 8 x 8 x 8 colours: [B, 3, T, H, W], 0 to 255 -> [B, T, 512].
torch::Tensor histograms(const torch::Tensor& pictures) {
  const auto bin = at::floor(pictures / 32).to(torch::kLong);
  const auto place = (bin.select(1, 0) * 64 + bin.select(1, 1) * 8 + bin.select(1, 2)).flatten(2);  // [B, T, H W]
  const auto counts = torch::zeros({place.size(0), place.size(1), 512}, pictures.options().dtype(torch::kFloat));
  return counts.scatter_add(2, place, torch::ones(place.sizes(), counts.options()));
}

}  // namespace

// Four convolutions of the same input, 3 x 3 in space and then 3 in time at distances of 1, 2, 4 and 8 frames, side by
// side, and the batch normalisation of all of them. Activations are [B T, C, H, W], channels last in memory.
class TransNetV2::Block : public torch::nn::Module, public Prepared {
 public:
  Block(std::int64_t in, std::int64_t filters) : filters_(filters) {
    for (const auto dilation : kDilations) {
      auto layers = register_module("Conv3D_" + std::to_string(dilation), std::make_shared<torch::nn::Module>())
                        ->register_module("layers", std::make_shared<torch::nn::Module>());
      const auto add = [&](const char* name, std::int64_t from, std::int64_t to, std::vector<std::int64_t> kernel) {
        kernel.insert(kernel.begin(), {to, from});
        return layers->register_module(name, std::make_shared<torch::nn::Module>())
            ->register_parameter("weight", torch::zeros(kernel), false);
      };
      space_.push_back(add("0", in, 2 * filters, {1, 3, 3}));
      time_.push_back(add("1", 2 * filters, filters, {3, 1, 1}));
    }
    norm_ = register_module("bn", Norm(4 * filters, kNormEpsilon));
  }

  // frames: T of the runs. [B T, C, H, W] -> [B T, 4 F, H, W]
  torch::Tensor forward(const torch::Tensor& x, std::int64_t frames) const {
    if (!ready_) {
      auto y = in_time(at::conv2d(x, at::cat(space_).squeeze(2), {}, 1, 1), time_, {}, frames);
      return norm_->forward(y);
    }
    return in_time((*ready_->space)(x), ready_->time, ready_->bias, frames);
  }

  // One convolution in space, and the normalisation inside those in time.
  void prepare() override {
    const torch::NoGradGuard guard;
    const auto scale =
        norm_->weight.to(torch::kDouble) / (norm_->running_var.to(torch::kDouble) + norm_->epsilon).sqrt();
    Ready ready;
    ready.space = std::make_shared<const FixedConvolution>(
        at::cat(space_).squeeze(2), torch::Tensor(), std::vector<std::int64_t>{1, 1}, std::vector<std::int64_t>{1, 1});
    for (std::size_t k = 0; k < kDilations.size(); ++k) {
      const auto part = scale.narrow(0, static_cast<std::int64_t>(k) * filters_, filters_);
      ready.time.push_back((time_[k].to(torch::kDouble) * part.view({-1, 1, 1, 1, 1})).to(time_[k].scalar_type()));
    }
    ready.bias =
        (norm_->bias.to(torch::kDouble) - norm_->running_mean.to(torch::kDouble) * scale).to(norm_->bias.scalar_type());
    ready_ = std::move(ready);
  }

 private:
  // y [B T, 8 F, H, W], the four parts side by side -> [B T, 4 F, H, W]
  torch::Tensor in_time(const torch::Tensor& y, const std::vector<torch::Tensor>& weights, const torch::Tensor& bias,
                        std::int64_t frames) const {
    const auto height = y.size(2), width = y.size(3), runs = y.size(0) / frames;
    // Time and place as the two axes of a picture: [B, 8 F, T, H W], channels last in memory.
    const auto rows =
        y.permute({0, 2, 3, 1}).reshape({runs, frames, height * width, 8 * filters_}).permute({0, 3, 1, 2});
    std::vector<torch::Tensor> parts;
    for (std::size_t k = 0; k < kDilations.size(); ++k) {
      const auto part = static_cast<std::int64_t>(k), dilation = kDilations[k];
      parts.push_back(at::conv2d(rows.narrow(1, part * 2 * filters_, 2 * filters_), weights[k].squeeze(-1),
                                 bias.defined() ? bias.narrow(0, part * filters_, filters_) : bias, 1,
                                 at::IntArrayRef({dilation, 0}), at::IntArrayRef({dilation, 1})));
    }
    return at::cat(parts, 1)
        .permute({0, 2, 3, 1})
        .reshape({runs * frames, height, width, 4 * filters_})
        .permute({0, 3, 1, 2});
  }

  struct Ready {
    std::shared_ptr<const FixedConvolution> space;
    std::vector<torch::Tensor> time;
    torch::Tensor bias;
  };
  std::int64_t filters_;
  std::vector<torch::Tensor> space_, time_;  // weights, by dilation
  Norm norm_{nullptr};
  std::optional<Ready> ready_;
};

TransNetV2::TransNetV2(const TransNetV2Options& o) : options_(o) {
  std::int64_t in = 3, all = 0, height = kHeight, width = kWidth;
  for (std::int64_t cell = 0; cell < o.cells; ++cell) {
    const auto filters = o.filters << cell;
    auto& blocks = cells_.emplace_back();
    for (std::int64_t block = 0; block < o.blocks; ++block) {
      blocks.push_back(place("SDDCNN." + std::to_string(cell) + ".DDCNN." + std::to_string(block),
                             std::make_shared<Block>(in, filters)));
      in = 4 * filters;
    }
    all += in, height /= 2, width /= 2;
  }
  projection_ = place("frame_sim_layer.projection", torch::nn::Linear(all, o.similarity));
  similar_ = place("frame_sim_layer.fc", torch::nn::Linear(2 * kReach + 1, o.similar));
  coloured_ = place("color_hist_layer.fc", torch::nn::Linear(2 * kReach + 1, o.coloured));
  hidden_ = place("fc1", torch::nn::Linear(o.coloured + o.similar + in * height * width, o.hidden));
  cut_ = place("cls_layer1", torch::nn::Linear(o.hidden, 1));
  transition_ = place("cls_layer2", torch::nn::Linear(o.hidden, 1));
}

std::vector<LayerInfo> TransNetV2::layers() const {
  return {{"features", options_.hidden}, {"logits", 2}, {"scores", 2}};
}

std::vector<std::string> TransNetV2::columns(std::string_view layer) const {
  if (layer == "features") return {};
  return {"cut", "transition"};
}

// The cells: [B, 3, T, H, W], 0 to 1 -> [B T, C, H', W']; means: of each cell's output over space, [B T, C of the
// cell].
torch::Tensor TransNetV2::trunk(const torch::Tensor& pictures, std::vector<torch::Tensor>& means) {
  const auto frames = pictures.size(2);
  auto x = pictures.permute({0, 2, 3, 4, 1}).contiguous().flatten(0, 1).permute({0, 3, 1, 2});
  for (const auto& blocks : cells_) {
    torch::Tensor first;
    for (std::size_t k = 0; k < blocks.size(); ++k) {
      x = blocks[k]->forward(x, frames);
      if (k + 1 < blocks.size()) x = at::relu(x);
      if (k == 0) first = x;
    }
    x = at::avg_pool2d(at::relu(x) + first, {2, 2});
    means.push_back(x.mean({2, 3}));
  }
  return x;
}

torch::Tensor TransNetV2::forward(torch::Tensor pictures, std::string_view layer) {
  check_shape(pictures, {kAny, 3, kAny, kHeight, kWidth}, "TransNet V2: runs [B, 3, T, 27, 48]");
  const auto runs = pictures.size(0), frames = pictures.size(2);
  const auto dim = layer == "features" ? options_.hidden : 2;
  if (pictures.numel() == 0) return torch::zeros({runs * frames, dim}, pictures.options());
  std::vector<torch::Tensor> means;
  auto x = trunk(pictures / 255, means);
  x = x.permute({0, 2, 3, 1}).reshape({runs, frames, -1});
  const auto colours = at::relu(coloured_->forward(neighbours(histograms(pictures))));
  const auto similar =
      at::relu(similar_->forward(neighbours(projection_->forward(at::cat(means, 1)).view({runs, frames, -1}))));
  x = at::relu(hidden_->forward(at::cat({colours, similar, x}, 2))).flatten(0, 1);  // [B T, D]
  if (layer == "features") return x;
  x = at::cat({cut_->forward(x), transition_->forward(x)}, 1);
  return layer == "scores" ? at::sigmoid(x) : x;
}

TransNetV2Options transnet_v2_options(const std::map<std::string, torch::Tensor>& state) {
  const auto rows = [&](const std::string& name) -> std::int64_t {
    const auto found = state.find(name + ".weight");
    if (found == state.end() || found->second.dim() < 1 || found->second.size(0) < 1)
      throw Error("there is no " + name + ".weight");
    return found->second.size(0);
  };
  const auto has_block = [&](std::int64_t cell, std::int64_t block) {
    return state.count("SDDCNN." + std::to_string(cell) + ".DDCNN." + std::to_string(block) + ".bn.weight") > 0;
  };
  TransNetV2Options o;
  o.filters = rows("SDDCNN.0.DDCNN.0.Conv3D_1.layers.1");
  for (o.cells = 1; o.cells < 4 && has_block(o.cells, 0);) ++o.cells;  // a fourth pooling leaves one row of pixels
  for (o.blocks = 1; has_block(0, o.blocks);) ++o.blocks;
  o.hidden = rows("fc1"), o.similarity = rows("frame_sim_layer.projection");
  o.similar = rows("frame_sim_layer.fc"), o.coloured = rows("color_hist_layer.fc");
  return o;
}

}  // namespace tal
