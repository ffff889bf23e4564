#include "libtal/nn/backbones/mvit.h"

#include <algorithm>
#include <cmath>

#include "libtal/base/error.h"
#include "libtal/nn/backbones/dense.h"
#include "libtal/nn/channel_norm.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

using Grid = std::array<std::int64_t, 3>;  // tokens without the class's: time, rows, columns

constexpr double kMvitEpsilon = 1e-6;  // of the norms

// Applies `pool` [N, C, T, H, W] -> [N, C, T', H', W'] to the tokens [B, heads, 1 + T H W, C] and says their new grid.
// The class token goes by.
template <class Pool>
torch::Tensor over_grid(const torch::Tensor& tokens, Grid& grid, Pool pool) {
  const std::int64_t B = tokens.size(0), heads = tokens.size(1), channels = tokens.size(3);
  const auto x =
      pool(tokens.slice(2, 1).transpose(2, 3).reshape({B * heads, channels, grid[0], grid[1], grid[2]}).contiguous());
  grid = {x.size(2), x.size(3), x.size(4)};
  return torch::cat(
      {tokens.slice(2, 0, 1), x.reshape({B, heads, channels, grid[0] * grid[1] * grid[2]}).transpose(2, 3)}, 2);
}

// One convolution a channel over the grid, stride in rows and columns, then a norm over channels.
struct TokenPool : NamedParts {
  TokenPool(std::int64_t channels, std::int64_t stride) {
    auto shape = cube(3, 1, stride);
    shape.groups = channels;
    conv = place("pool", Conv(channels, channels, shape));
    norm = place("norm_act.0", channel_norm(channels, kMvitEpsilon));
  }
  torch::Tensor forward(const torch::Tensor& tokens, Grid& grid) {
    return norm->forward(over_grid(tokens, grid, [&](const torch::Tensor& x) { return conv->forward(x); }));
  }
  Conv conv{nullptr};
  torch::nn::LayerNorm norm{nullptr};
};

// What each of `queries` places on an axis adds for each of `keys` places, [queries, keys, C]. Both count on the finer
// scale of the two, the table has a row for every difference there.
torch::Tensor relative_vectors(torch::Tensor table, std::int64_t queries, std::int64_t keys) {
  const std::int64_t rows = 2 * std::max(queries, keys) - 1;
  if (table.size(0) != rows)
    table = at::upsample_linear1d(table.t().unsqueeze(0), {rows}, /*align_corners=*/false).squeeze(0).t();
  const double of_query = std::max(static_cast<double>(keys) / static_cast<double>(queries), 1.0),
               of_key = std::max(static_cast<double>(queries) / static_cast<double>(keys), 1.0);
  const auto row = torch::arange(queries).unsqueeze(1) * of_query -
                   (torch::arange(keys).unsqueeze(0) + static_cast<double>(1 - keys)) * of_key;
  return table.index_select(0, row.to(torch::kLong).flatten().to(table.device()))
      .reshape({queries, keys, table.size(1)});
}

struct PooledAttention : NamedParts {
  PooledAttention(std::int64_t in, std::int64_t out, std::int64_t heads_, std::int64_t query_stride,
                  std::int64_t key_stride, const Grid& grid, bool second)
      : heads(heads_) {
    const std::int64_t channels = out / heads;
    qkv = place("qkv", Dense(in, 3 * out, true));
    project = place("project.0", Dense(out, out, true));
    if (second || query_stride > 1) pool_q = place("pool_q", std::make_shared<TokenPool>(channels, query_stride));
    pool_k = place("pool_k", std::make_shared<TokenPool>(channels, key_stride));
    pool_v = place("pool_v", std::make_shared<TokenPool>(channels, key_stride));
    if (!second) return;
    // One table size for rows and columns, of the longer of the two.
    const std::int64_t side = std::max(grid[1], grid[2]),
                       rows = 2 * std::max(side / query_stride, side / key_stride) - 1;
    const auto table = [&](const char* name, std::int64_t size) {
      return register_parameter(name, torch::zeros({size, channels}));
    };
    of_rows = table("rel_pos_h", rows), of_columns = table("rel_pos_w", rows);
    of_time = table("rel_pos_t", 2 * grid[0] - 1);
  }

  // [B, 1 + tokens, C] -> [B, 1 + tokens left, C']; grid: of the tokens, then of those left.
  torch::Tensor forward(const torch::Tensor& x, Grid& grid) {
    const std::int64_t B = x.size(0), N = x.size(1);
    auto parts =
        qkv->forward(x).reshape({B, N, 3, heads, project->weight.size(0) / heads}).permute({2, 0, 3, 1, 4}).unbind(0);
    Grid keys = grid, values = grid;
    const auto k = pool_k->forward(parts[1], keys), v = pool_v->forward(parts[2], values);
    const auto q = pool_q ? pool_q->forward(parts[0], grid) : parts[0];
    auto logits = torch::matmul(q * (1 / std::sqrt(static_cast<double>(q.size(3)))), k.transpose(2, 3));
    if (of_time.defined()) logits.slice(2, 1).slice(3, 1).add_(relative(q, grid, keys));
    auto y = torch::matmul(logits.softmax(-1), v);
    // The class's query is not added to what it found: nothing pooled it.
    if (of_time.defined()) y.slice(2, 1).add_(q.slice(2, 1));
    return project->forward(y.transpose(1, 2).flatten(2));
  }

  // [B, heads, tokens of the queries, tokens of the keys]
  torch::Tensor relative(const torch::Tensor& q, const Grid& from, const Grid& to) const {
    const auto x = q.slice(2, 1).reshape({q.size(0), q.size(1), from[0], from[1], from[2], q.size(3)});
    const auto along = [&](const torch::Tensor& table, std::size_t axis, const char* axes) {
      return torch::einsum(axes, {x, relative_vectors(table, from[axis], to[axis]).to(x.scalar_type())});
    };
    const auto time = along(of_time, 0, "bnthwc,tkc->bnthwk").unsqueeze(-1).unsqueeze(-1),
               rows = along(of_rows, 1, "bnthwc,hkc->bnthwk").unsqueeze(-2).unsqueeze(-1),
               columns = along(of_columns, 2, "bnthwc,wkc->bnthwk").unsqueeze(-2).unsqueeze(-2);
    return (time + rows + columns).reshape({q.size(0), q.size(1), from[0] * from[1] * from[2], to[0] * to[1] * to[2]});
  }

  std::int64_t heads;
  Dense qkv{nullptr}, project{nullptr};
  std::shared_ptr<TokenPool> pool_q, pool_k, pool_v;
  torch::Tensor of_rows, of_columns, of_time;
};

}  // namespace

struct Mvit::Block : NamedParts {
  Block(std::int64_t in, std::int64_t out, std::int64_t heads, std::int64_t query_stride, std::int64_t key_stride,
        const Grid& grid, bool second_)
      : second(second_), stride(query_stride) {
    const std::int64_t inside = second ? out : in;
    norm1 = place("norm1", channel_norm(in, kMvitEpsilon));
    attention =
        place("attn", std::make_shared<PooledAttention>(in, inside, heads, query_stride, key_stride, grid, second));
    norm2 = place("norm2", channel_norm(inside, kMvitEpsilon));
    fc1 = place("mlp.0", Dense(inside, 4 * inside, true));
    fc2 = place("mlp.3", Dense(4 * inside, out, true));
    if (in != out) project = place("project", Dense(in, out, true));
  }

  torch::Tensor forward(const torch::Tensor& x, Grid& grid) {
    const auto normed = norm1->forward(x);
    auto kept = project && second ? project->forward(normed) : x;
    if (stride > 1) {
      auto before = grid;
      kept = over_grid(kept.unsqueeze(1), before, [&](const torch::Tensor& y) {
               return at::max_pool3d(y, {1, stride + 1, stride + 1}, {1, stride, stride},
                                     {0, (stride + 1) / 2, (stride + 1) / 2});
             }).squeeze(1);
    }
    const auto middle = kept + attention->forward(normed, grid), inner = norm2->forward(middle);
    return fc2->added_to(project && !second ? project->forward(inner) : middle, fc1->gelu(inner));
  }

  bool second;
  std::int64_t stride;
  torch::nn::LayerNorm norm1{nullptr}, norm2{nullptr};
  std::shared_ptr<PooledAttention> attention;
  Dense fc1{nullptr}, fc2{nullptr}, project{nullptr};
};

Mvit::Mvit(const MvitOptions& o) : options_(o) {
  if (o.depths.empty() || o.heads < 1 || o.width % o.heads != 0)
    throw Error("MViT: needs at least one stage, and heads that divide its channels");
  patches_ = place("conv_proj", Conv(3, o.width, ConvShape{{3, 7, 7}, {2, 4, 4}, {1, 3, 3}, 1, true}));
  const auto encoding = place("pos_encoding", std::make_shared<torch::nn::Module>());
  class_token_ = encoding->register_parameter("class_token", torch::zeros({o.width}));
  if (!o.second) {
    places_ = encoding->register_parameter("spatial_pos", torch::zeros({o.grid[1] * o.grid[2], o.width}));
    moments_ = encoding->register_parameter("temporal_pos", torch::zeros({o.grid[0], o.width}));
    class_position_ = encoding->register_parameter("class_pos", torch::zeros({o.width}));
  }
  auto grid = o.grid;
  std::int64_t in = o.width;
  for (std::size_t s = 0; s < o.depths.size(); ++s)
    for (std::int64_t b = 0; b < o.depths[s]; ++b) {
      const bool halves = s > 0 && b == 0, last = b + 1 == o.depths[s] && s + 1 < o.depths.size();
      const std::int64_t width = o.width << s, out = !o.second && last ? 2 * width : width;
      blocks_.push_back(place("blocks." + std::to_string(blocks_.size()),
                              std::make_shared<Block>(in, out, o.heads << s, halves ? 2 : 1,
                                                      std::int64_t{1} << (o.depths.size() - 1 - s), grid, o.second)));
      widths_.push_back(in = out);
      if (halves) grid[1] /= 2, grid[2] /= 2;
    }
  norm_ = place("norm", channel_norm(in, kMvitEpsilon));
  if (o.classes > 0) head_ = place("head.1", torch::nn::Linear(in, o.classes));
}

std::vector<LayerInfo> Mvit::layers() const {
  std::vector<LayerInfo> out;
  for (std::size_t k = 0; k < blocks_.size(); ++k) out.push_back({"block" + std::to_string(k + 1), widths_[k]});
  out.push_back({"tokens", widths_.back()});
  out.push_back({"pool", widths_.back()});
  add_class_layers(out, options_.classes);
  return out;
}

torch::Tensor Mvit::forward(torch::Tensor x, std::string_view layer) {
  check_shape(x, {kAny, 3, at_least(1), at_least(1), at_least(1)}, "MViT: clips [B, 3, T, H, W]");
  x = patches_->forward(x);  // [B, C, T / 2, H / 4, W / 4]
  Grid grid = {x.size(2), x.size(3), x.size(4)};
  x = torch::cat({class_token_.to(x.scalar_type()).expand({x.size(0), 1, -1}), x.flatten(2).transpose(1, 2)}, 1);
  if (places_.defined()) {
    if (grid != options_.grid) {
      const auto text = [](const Grid& g) {
        return std::to_string(g[0]) + " x " + std::to_string(g[1]) + " x " + std::to_string(g[2]);
      };
      throw Error("MViT: the clips must have " + text(options_.grid) +
                  " tokens, as the weights' table of positions, not " + text(grid));
    }
    const auto all = (moments_.unsqueeze(1) + places_.unsqueeze(0)).flatten(0, 1);
    x = x + torch::cat({class_position_.unsqueeze(0), all}).unsqueeze(0);
  }
  for (std::size_t k = 0; k < blocks_.size(); ++k) {
    x = blocks_[k]->forward(x, grid);
    if (layer == "block" + std::to_string(k + 1)) return x.slice(1, 1).mean(1);
  }
  x = norm_->forward(x);
  if (layer == "tokens") return x.slice(1, 1).mean(1);
  x = x.select(1, 0);
  return layer == "pool" ? x : classify(head_->forward(x), layer);
}

}  // namespace tal
