#include "libtal/nn/backbones/swin3d.h"

#include <utility>

#include "libtal/base/error.h"
#include "libtal/nn/backbones/dense.h"
#include "libtal/nn/channel_norm.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

using Box = std::array<std::int64_t, 3>;  // time, rows, columns

constexpr double kSwinEpsilon = 1e-5;  // of the norms

// How many zeros each axis lacks to a multiple of `unit`.
Box lacking(const Box& size, const Box& unit) {
  Box out;
  for (std::size_t a = 0; a < 3; ++a) out[a] = (unit[a] - size[a] % unit[a]) % unit[a];
  return out;
}

// [B, T, H, W, C], multiples of the window -> [B * windows, tokens of a window, C], and back.
torch::Tensor cut_windows(const torch::Tensor& x, const Box& w) {
  return x.reshape({x.size(0), x.size(1) / w[0], w[0], x.size(2) / w[1], w[1], x.size(3) / w[2], w[2], x.size(4)})
      .permute({0, 1, 3, 5, 2, 4, 6, 7})
      .reshape({-1, w[0] * w[1] * w[2], x.size(4)});
}
torch::Tensor join_windows(const torch::Tensor& x, const Box& size, const Box& w) {
  const std::int64_t C = x.size(2);
  return x.reshape({-1, size[0] / w[0], size[1] / w[1], size[2] / w[2], w[0], w[1], w[2], C})
      .permute({0, 1, 4, 2, 5, 3, 6, 7})
      .reshape({-1, size[0], size[1], size[2], C});
}

// After the shift the last window of an axis holds tokens from both ends of the clip, which must not see one another:
// -100 on the logits of such pairs, [windows, tokens, tokens].
torch::Tensor strangers(const Box& size, const Box& window, const Box& shift, const torch::TensorOptions& options) {
  const auto part_of = [&](std::size_t a) {
    auto part = torch::zeros({size[a]}, options);
    if (shift[a] > 0) part.slice(0, size[a] - window[a]).fill_(1), part.slice(0, size[a] - shift[a]).fill_(2);
    return part;
  };
  const auto part = part_of(0).view({-1, 1, 1}) * 9 + part_of(1).view({-1, 1}) * 3 + part_of(2);
  const auto of_window = cut_windows(part.unsqueeze(0).unsqueeze(4), window).squeeze(2);
  return of_window.unsqueeze(1).ne(of_window.unsqueeze(2)).to(part.scalar_type()) * -100;
}

// The row of the table of biases for each pair of tokens of a whole window, [tokens, tokens].
torch::Tensor relative_rows(const Box& w) {
  const auto grid = torch::meshgrid({torch::arange(w[0]), torch::arange(w[1]), torch::arange(w[2])}, "ij");
  auto rows = torch::zeros({1}, torch::kLong);
  for (std::size_t a = 0; a < 3; ++a) {
    const auto at = grid[a].flatten();
    rows = rows * (2 * w[a] - 1) + (at.unsqueeze(1) - at.unsqueeze(0) + w[a] - 1);
  }
  return rows;
}

struct ShiftedWindows : torch::nn::Module {
  ShiftedWindows(std::int64_t channels, std::int64_t heads_, Box window_, Box shift_, torch::Tensor rows_)
      : heads(heads_), window(window_), shift(shift_), rows(std::move(rows_)) {
    qkv = register_module("qkv", Dense(channels, 3 * channels, true));
    proj = register_module("proj", Dense(channels, channels, true));
    table = register_parameter("relative_position_bias_table",
                               torch::zeros({(2 * window[0] - 1) * (2 * window[1] - 1) * (2 * window[2] - 1), heads}));
  }

  torch::Tensor forward(const torch::Tensor& input) {  // [B, T, H, W, C]
    const Box whole = {input.size(1), input.size(2), input.size(3)};
    Box w = window, by = shift;
    for (std::size_t a = 0; a < 3; ++a)  // an axis that one window covers is not shifted
      if (whole[a] <= w[a]) w[a] = whole[a], by[a] = 0;
    const bool shifted = by[0] + by[1] + by[2] > 0;
    const auto add = lacking(whole, w);
    const Box size = {whole[0] + add[0], whole[1] + add[1], whole[2] + add[2]};
    auto x = torch::constant_pad_nd(input, {0, 0, 0, add[2], 0, add[1], 0, add[0]});
    if (shifted) x = torch::roll(x, {-by[0], -by[1], -by[2]}, {1, 2, 3});
    x = join_windows(proj->forward(attended(cut_windows(x, w), size, w, by, input.size(0))), size, w);
    if (shifted) x = torch::roll(x, {by[0], by[1], by[2]}, {1, 2, 3});
    return x.slice(1, 0, whole[0]).slice(2, 0, whole[1]).slice(3, 0, whole[2]);
  }

  // x: [clips * windows, tokens, C]
  torch::Tensor attended(const torch::Tensor& x, const Box& size, const Box& w, const Box& by, std::int64_t clips) {
    const std::int64_t all = x.size(0), tokens = x.size(1);
    const auto parts = qkv->forward(x).reshape({all, tokens, 3, heads, x.size(2) / heads}).permute({2, 0, 3, 1, 4});
    const auto q = parts[0], k = parts[1], v = parts[2];  // [all, heads, tokens, C / heads]
    if (clips == 0) return v.transpose(1, 2).flatten(2);
    // A smaller window takes the first rows of the whole window's, as the reference does, not those of its positions.
    const auto pairs = rows.slice(0, 0, tokens).slice(1, 0, tokens).flatten().to(table.device());
    auto bias = table.index_select(0, pairs).reshape({tokens, tokens, heads}).permute({2, 0, 1}).unsqueeze(0);
    if (by[0] + by[1] + by[2] > 0) bias = bias + strangers(size, w, by, table.options()).unsqueeze(1);
    const std::int64_t each = all / clips;
    bias = bias.to(q.scalar_type()).expand({each, -1, -1, -1});
    std::vector<torch::Tensor> out;  // clip by clip: the biases of one clip's windows are enough memory
    for (std::int64_t b = 0; b < clips; ++b) {
      const auto of_clip = [&](const torch::Tensor& part) { return part.slice(0, b * each, (b + 1) * each); };
      out.push_back(at::scaled_dot_product_attention(of_clip(q), of_clip(k), of_clip(v), bias));
    }
    return torch::cat(out).transpose(1, 2).flatten(2);
  }

  std::int64_t heads;
  Box window, shift;
  torch::Tensor rows, table;
  Dense qkv{nullptr}, proj{nullptr};
};

}  // namespace

struct Swin3d::Block : NamedParts {
  Block(const Swin3dOptions& o, std::int64_t channels, std::int64_t heads, bool shifted, const torch::Tensor& rows) {
    Box shift = {0, 0, 0};
    if (shifted) shift = {o.window[0] / 2, o.window[1] / 2, o.window[2] / 2};
    norm1 = place("norm1", channel_norm(channels, kSwinEpsilon));
    attention = place("attn", std::make_shared<ShiftedWindows>(channels, heads, o.window, shift, rows));
    norm2 = place("norm2", channel_norm(channels, kSwinEpsilon));
    first = place("mlp.0", Dense(channels, o.hidden * channels, true));
    second = place("mlp.3", Dense(o.hidden * channels, channels, true));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    const auto y = x + attention->forward(norm1->forward(x));
    return second->added_to(y, first->gelu(norm2->forward(y)));
  }
  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  std::shared_ptr<ShiftedWindows> attention;
  Dense first{nullptr}, second{nullptr};
};

// Four neighbours of a picture become one token of twice the channels; an odd picture gets a row or column of zeros.
struct Swin3d::Merging : torch::nn::Module {
  explicit Merging(std::int64_t channels) {
    norm = register_module("norm", channel_norm(4 * channels, kSwinEpsilon));
    reduction = register_module("reduction", Dense(4 * channels, 2 * channels, false));
  }
  torch::Tensor forward(const torch::Tensor& input) {
    const auto x = torch::constant_pad_nd(input, {0, 0, 0, input.size(3) % 2, 0, input.size(2) % 2});
    std::vector<torch::Tensor> parts;
    for (const std::int64_t column : {0, 1})
      for (const std::int64_t row : {0, 1})
        parts.push_back(x.slice(2, row, std::nullopt, 2).slice(3, column, std::nullopt, 2));
    return reduction->forward(norm->forward(torch::cat(parts, 4)));
  }
  torch::nn::LayerNorm norm{nullptr};
  Dense reduction{nullptr};
};

Swin3dOptions swin3d_options(char size, std::int64_t classes) {
  Swin3dOptions o;
  o.classes = classes;
  if (size != 't') o.depths = {2, 2, 18, 2};
  if (size == 'b') o.dim = 128, o.heads = {4, 8, 16, 32};
  return o;
}

Swin3d::Swin3d(const Swin3dOptions& o) : options_(o) {
  if (o.depths.empty() || o.depths.size() != o.heads.size())
    throw Error("Video Swin: " + std::to_string(o.depths.size()) + " depths and " + std::to_string(o.heads.size()) +
                " numbers of heads, where every stage has one of each");
  const std::vector<std::int64_t> patch(o.patch.begin(), o.patch.end());
  patches_ = place("patch_embed.proj", Conv(3, o.dim, biased({patch, patch, {0, 0, 0}})));
  patch_norm_ = place("patch_embed.norm", channel_norm(o.dim, kSwinEpsilon));
  const auto rows = relative_rows(o.window);
  std::int64_t channels = o.dim;
  for (std::size_t s = 0; s < o.depths.size(); ++s) {
    if (channels % o.heads[s] != 0)
      throw Error("Video Swin: " + std::to_string(o.heads[s]) + " heads do not divide " + std::to_string(channels) +
                  " channels");
    auto& stage = stages_.emplace_back();
    const std::string at = "features." + std::to_string(2 * s);  // the merging of patches is a feature too
    for (std::int64_t b = 0; b < o.depths[s]; ++b)
      stage.push_back(
          place(at + "." + std::to_string(b), std::make_shared<Block>(o, channels, o.heads[s], b % 2 == 1, rows)));
    if (s + 1 == o.depths.size()) break;
    merging_.push_back(place("features." + std::to_string(2 * s + 1), std::make_shared<Merging>(channels)));
    channels *= 2;
  }
  norm_ = place("norm", channel_norm(channels, kSwinEpsilon));
  if (o.classes > 0) head_ = place("head", torch::nn::Linear(channels, o.classes));
}

std::vector<LayerInfo> Swin3d::layers() const {
  std::vector<LayerInfo> out;
  for (std::size_t s = 0; s < stages_.size(); ++s) out.push_back({"stage" + std::to_string(s + 1), options_.dim << s});
  out.push_back({"pool", out.back().dim});
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor Swin3d::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, 3, at_least(1), at_least(1), at_least(1)}, "Video Swin: clips [B, 3, T, H, W]");
  const auto add = lacking({x.size(2), x.size(3), x.size(4)}, options_.patch);
  x = patches_->forward(torch::constant_pad_nd(x, {0, add[2], 0, add[1], 0, add[0]}));
  x = patch_norm_->forward(x.permute({0, 2, 3, 4, 1}));  // [B, T, H, W, C]
  for (std::size_t s = 0; s < stages_.size(); ++s) {
    for (auto& block : stages_[s]) x = block->forward(x);
    if (layer == "stage" + std::to_string(s + 1)) return x.mean({1, 2, 3});
    if (s < merging_.size()) x = merging_[s]->forward(x);
  }
  x = norm_->forward(x).mean({1, 2, 3});
  return layer == "pool" ? x : classify(head_->forward(x), layer);
}

}  // namespace tal
