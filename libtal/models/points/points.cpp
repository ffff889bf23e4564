#include "libtal/models/points/points.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "libtal/base/error.h"
#include "libtal/models/points/point_blocks.h"
#include "libtal/models/points/point_heads.h"
#include "libtal/nn/norm_rows.h"
#include "libtal/nn/row_convolution.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

std::int64_t width_of(const PointsOptions& o, const std::vector<std::int64_t>& inputs) {
  return o.stream_dims.empty() ? std::accumulate(inputs.begin(), inputs.end(), std::int64_t{0})
                               : std::accumulate(o.stream_dims.begin(), o.stream_dims.end(), std::int64_t{0});
}

// Attention Is All You Need, 3.5, over `rows` rows.
torch::Tensor position_table(std::int64_t rows, std::int64_t dims) {
  auto table = torch::empty({rows, dims}, torch::kFloat);
  auto value = table.accessor<float, 2>();
  for (std::int64_t t = 0; t < rows; ++t)
    for (std::int64_t c = 0; c < dims; ++c) {
      const double angle =
          static_cast<double>(t) / std::pow(10000.0, 2.0 * static_cast<double>(c / 2) / static_cast<double>(dims));
      value[t][c] = static_cast<float>(c % 2 ? std::cos(angle) : std::sin(angle));
    }
  return table;
}

// Whether a padding row that no convolution has seen stays what the norm and the ReLU made of it.
bool leaks(const PointsOptions& o) { return !o.exact() && o.code == "original"; }

double outer_eps(const PointsOptions& o) { return o.code == "opentad" ? 1e-6 : 1e-5; }

}  // namespace

PointRows::PointRows(torch::Tensor rows, std::vector<std::int64_t> inside)
    : x(std::move(rows)), lengths(std::move(inside)) {
  const std::int64_t T = x.size(1);
  if (std::all_of(lengths.begin(), lengths.end(), [&](auto n) { return n == T; })) return;
  const auto ends = torch::tensor(lengths, torch::kLong).to(x.device());
  mask = (torch::arange(T, ends.options()).unsqueeze(0) < ends.unsqueeze(1)).unsqueeze(2).to(x.scalar_type());
}

Settings settings_of(PointsOptions& o) {
  Settings s;
  s.add("mask", &o.mask,
        "What lies behind a sequence's end: exact: nothing; reference: what the published code's norms leave there",
        {"exact", "reference"});
  s.add("code", &o.code, "Whose epsilons, and for mask=reference whose masks: each detector's own code, or OpenTAD",
        {"original", "opentad"});
  s.add("dims", &o.dims, "Channels of the neck").between(1, 1 << 16);
  s.add("embed-layers", &o.embed_layers, "Convolutions that embed the features").between(1, 16);
  s.add("embed-kernel", &o.embed_kernel, "Rows that they see, odd").between(1, 99);
  s.add("stream-dims", &o.stream_dims, "Channels that each feature stream is projected to first (none: it is not)")
      .between(1, 1 << 16);
  s.add("position-rows", &o.position_rows, "Rows of the sinusoidal position table (0: none)").between(0, 1 << 20);
  s.add("neck", &o.neck,
        "Blocks of the pyramid: window attention, TriDet's SGP, DyFADet's, scans (DBM), scans and causal attention "
        "(CausalTAD), residual convolutions, or max pooling alone",
        {"attention", "sgp", "dyn", "dbm", "causal", "conv", "pool"});
  s.add("stem", &o.stem, "Blocks before the pyramid").between(0, 32).without("neck", {"pool"});
  s.add("levels", &o.levels, "Levels of the pyramid, each with half the rows of the one before").between(1, 16);
  s.add("heads", &o.heads, "Heads of the attention").between(1, 256).with("neck", {"attention", "causal"});
  s.add(
       "windows", &o.windows,
       "Rows that a row attends to or that a convolution sees, odd; one for all levels or one a level (attention: 1 or "
       "less: all rows)")
      .between(-1, 1 << 16)
      .count(1, 16)
      .with("neck", {"attention", "sgp", "dyn"});
  s.add("relative-bias", &o.relative_bias, "A learned bias for each place in the window").with("neck", {"attention"});
  s.add("feed-forward", &o.feed_forward,
        "Channels inside of a block's perceptron (0: 4 times dims) or residual (conv; 0: twice)")
      .between(0, 1 << 18)
      .with("neck", {"attention", "sgp", "dyn", "conv"});
  s.add("sgp-factor", &o.sgp_factor, "How much wider the wide window is (TriDet's k)")
      .between(1, 100)
      .with("neck", {"sgp", "dyn"});
  s.add("sgp-init", &o.sgp_init,
        "Deviation of the depthwise weights at the start; 0 leaves all of them 0 for ever, as TriDet's THUMOS14 and "
        "EPIC settings do")
      .between(0, 10)
      .with("neck", {"sgp", "dyn"});
  s.add("downsample", &o.downsample, "Between levels: maximum of 3 rows, or mean of 2 and a linear layer",
        {"max", "average"})
      .with("neck", {"sgp"});
  s.add("fpn", &o.fpn,
        "Levels as the blocks give them, or each with the coarser ones added (a feature pyramid network's way down)",
        {"identity", "top-down"});
  s.add("neck-norm", &o.neck_norm,
        "Norm of each level: over channels, over 4 groups of channels and all rows, one over channels for all levels, "
        "none",
        {"layer", "group", "shared", "none"});
  s.add("head", &o.head, "Distances: two numbers, TriDet's bins, or DyFADet's dynamic layers",
        {"plain", "trident", "dynamic"});
  s.add("head-dims", &o.head_dims, "Channels of the heads").between(1, 1 << 16);
  s.add("head-layers", &o.head_layers, "Hidden layers of the heads").between(0, 16);
  s.add("head-kernel", &o.head_kernel, "Rows that a layer of the heads sees, odd").between(1, 99);
  s.add("boundary-kernel", &o.boundary_kernel, "The same of the start and end heads")
      .between(1, 99)
      .with("head", {"trident"});
  s.add("bins", &o.bins, "Bins to each side, in rows of the level").between(1, 1024).with("head", {"trident"});
  s.add("boundary-gradient", &o.boundary_gradient, "The start and end heads train the neck too (TriDet's do not)")
      .with("head", {"trident"});
  s.add("gate-tau", &o.gate_tau, "Shift of the gates' threshold").between(0, 100).with("head", {"dynamic"});
  s.add("quality", &o.quality, "Predict each point's overlap with its segment, and rank by it too");
  s.add("prior", &o.prior, "Probability of every class at the start").above(0).below(1);
  s.add("dropout", &o.dropout, "Dropout inside of blocks").at_least(0).below(1).with("neck", {"attention"});
  s.add("droppath", &o.droppath, "Share of samples whose branch a block drops in training (0: no layer scales either)")
      .at_least(0)
      .below(1)
      .without("neck", {"pool", "conv"});
  s.add("input-dropout", &o.input_dropout, "Share of feature columns dropped in training").at_least(0).below(1);
  s.add("input-noise", &o.input_noise, "Deviation of the noise added to the features in training").between(0, 1e6);
  return s;
}

void check(const PointsOptions& o) {
  const auto odd = [](std::int64_t k, const char* field) {
    if (k % 2 == 0) throw Error("must be odd, not " + std::to_string(k)).at_field(field);
  };
  odd(o.embed_kernel, "embed-kernel"), odd(o.head_kernel, "head-kernel");
  if (o.head == "trident") odd(o.boundary_kernel, "boundary-kernel");
  if (o.head == "dynamic" && o.head_layers < 1)
    throw Error("must be 1 or more for head=dynamic").at_field("head-layers");
  const bool windowed = o.neck == "attention" || o.neck == "sgp" || o.neck == "dyn";
  if (windowed && o.windows.size() != 1 && static_cast<std::int64_t>(o.windows.size()) != o.levels)
    throw Error("must be one number, or one for each of the " + std::to_string(o.levels) + " levels, not " +
                std::to_string(o.windows.size()))
        .at_field("windows");
  if (windowed)
    for (const auto w : o.windows)
      if ((w > 1 || o.neck != "attention") && (w < 1 || w % 2 == 0))
        throw Error("must be odd, not " + std::to_string(w)).at_field("windows");
  if (o.relative_bias && o.neck == "attention")
    for (const auto w : o.windows)
      if (w <= 1) throw Error("needs windows of 3 rows and more").at_field("relative-bias");
  if ((o.neck == "attention" && o.dims % o.heads) || (o.neck == "causal" && 2 * o.dims % o.heads))
    throw Error("must divide the channels, " + std::to_string(o.neck == "causal" ? 2 * o.dims : o.dims))
        .at_field("heads");
  if ((o.neck == "sgp" || o.neck == "dyn") && o.dims % 16)
    throw Error("must be a multiple of 16 for neck=" + o.neck + ", whose norm has 16 groups").at_field("dims");
  if (o.neck_norm == "group" && o.dims % 4) throw Error("must be a multiple of 4 for neck-norm=group").at_field("dims");
  if (!o.stream_dims.empty() && std::accumulate(o.stream_dims.begin(), o.stream_dims.end(), std::int64_t{0}) != o.dims)
    throw Error("must add up to dims, " + std::to_string(o.dims)).at_field("stream-dims");
}

std::int64_t reference_rows(const PointsOptions& o, std::int64_t rows, std::int64_t longest) {
  if (o.code == "opentad" && (o.neck == "pool" || o.neck == "dyn" || o.neck == "dbm" || o.neck == "causal"))
    return rows;
  if (rows <= longest) return longest;
  std::int64_t unit = std::int64_t{1} << (o.levels - 1);
  for (std::int64_t l = 0; l < o.levels; ++l) {
    const std::int64_t step = std::int64_t{1} << l;
    if (o.neck == "attention" && o.window_of(l) > 1) unit = std::max(unit, step * 2 * (o.window_of(l) / 2));
    if (o.neck == "sgp" || o.neck == "dyn") unit = std::max(unit, step * o.window_of(l));
  }
  return (rows + unit - 1) / unit * unit;
}

bool decays(const std::string& parameter) {
  const auto dot = parameter.rfind('.');
  if (dot == std::string::npos || parameter.substr(dot + 1) != "weight") return false;
  const auto module = parameter.substr(0, dot);
  return module.substr(module.rfind('.') + 1).find("norm") == std::string::npos;
}

// ---- embedding ----

class PointEmbeddingImpl : public torch::nn::Module {
 public:
  PointEmbeddingImpl(const std::vector<std::int64_t>& inputs, const PointsOptions& o) {
    if (!o.stream_dims.empty())
      for (std::size_t i = 0; i < inputs.size(); ++i)
        streams.push_back(
            register_module("streams" + std::to_string(i), RowConv(inputs[i], o.stream_dims[i], 1, /*bias=*/true)));
    std::int64_t width = width_of(o, inputs);
    for (std::int64_t i = 0; i < o.embed_layers; ++i) {
      convolutions.push_back(
          register_module("convolution" + std::to_string(i), RowConv(width, o.dims, o.embed_kernel, /*bias=*/false)));
      norms.push_back(register_module("norm" + std::to_string(i), channel_norm(o.dims, outer_eps(o))));
      width = o.dims;
    }
  }
  std::vector<RowConv> streams, convolutions;
  std::vector<torch::nn::LayerNorm> norms;
};

// ---- network ----

PointsNetImpl::PointsNetImpl(const std::vector<std::int64_t>& inputs, std::int64_t classes,
                             const PointsOptions& options)
    : options_(options), inputs_(inputs), classes_(classes) {
  const auto& o = options_;
  check(o);
  if (!o.stream_dims.empty() && o.stream_dims.size() != inputs.size())
    throw Error("must be one number for each of the " + std::to_string(inputs.size()) + " feature streams, not " +
                std::to_string(o.stream_dims.size()))
        .at_field("stream-dims");
  embedding_ = register_module("embedding", std::make_shared<PointEmbeddingImpl>(inputs, o));
  const std::int64_t stem = o.neck == "pool" ? 0 : o.stem;
  for (std::int64_t i = 0; i < stem + o.levels - 1; ++i) {
    blocks_.push_back(make_point_block(o, std::max<std::int64_t>(0, i - stem + 1), i < stem));
    register_module(i < stem ? "stem" + std::to_string(i) : "branch" + std::to_string(i - stem),
                    std::dynamic_pointer_cast<torch::nn::Module>(blocks_.back()));
  }
  if (o.fpn == "top-down") top_down_ = register_module("fpn", std::make_shared<TopDownImpl>(o));
  if (o.neck_norm == "shared" || o.neck_norm == "layer")
    for (std::int64_t l = 0; l < (o.neck_norm == "shared" ? 1 : o.levels); ++l)
      norms_.push_back(register_module("neck_norm" + std::to_string(l), channel_norm(o.dims, outer_eps(o))));
  const auto head = [&](const char* name, std::int64_t outputs, std::int64_t kernel) {
    return register_module(name, std::make_shared<PointHeadImpl>(o, outputs, kernel, outer_eps(o)));
  };
  class_head_ = head("class_head", classes, o.head_kernel);
  distance_head_ = head("distance_head", o.head == "trident" ? 2 * (o.bins + 1) : 2, o.head_kernel);
  if (o.quality) distance_head_->add_quality();
  if (o.head == "trident")
    start_head_ = head("start_head", classes, o.boundary_kernel),
    end_head_ = head("end_head", classes, o.boundary_kernel);
  for (std::int64_t l = 0; l < o.levels; ++l)
    scales_.push_back(register_parameter("scale" + std::to_string(l), torch::ones({})));
  normalizer = register_buffer("normalizer", torch::zeros({}));
  torch::NoGradGuard guard;
  const double prior_bias = -std::log((1 - o.prior) / o.prior);
  for (const auto& one : {class_head_, start_head_, end_head_})
    if (one) one->output->bias.fill_(prior_bias);
}

torch::Tensor PointsNetImpl::positions(const PointRows& rows) {
  // Divided so that the table does not drown the embedding.
  const auto table = position_table(options_.position_rows, options_.dims).to(rows.x.options()) /
                     std::sqrt(static_cast<double>(options_.dims));
  const auto of = [&](std::int64_t length) {  // [1, length, E]; stretched where a sequence is longer than the table
    if (length <= options_.position_rows) return table.slice(0, 0, length).unsqueeze(0);
    return torch::upsample_linear1d(table.t().unsqueeze(0), {length}, /*align_corners=*/false).transpose(1, 2);
  };
  if (!options_.exact() || !rows.mask.defined()) return of(rows.rows());
  std::vector<torch::Tensor> all;
  for (const auto length : rows.lengths)
    all.push_back(torch::constant_pad_nd(of(length), {0, 0, 0, rows.rows() - length}));
  return torch::cat(all);
}

PointRows PointsNetImpl::embed(const torch::Tensor& input, const std::vector<std::int64_t>& lengths) {
  const auto& o = options_;
  PointRows rows(input, lengths);
  if (is_training() && o.input_noise > 0) {
    rows.x = rows.x + o.input_noise * torch::randn_like(rows.x);
    if (o.exact()) rows.x = rows.masked(rows.x);
  }
  if (is_training() && o.input_dropout > 0)
    rows.x = rows.x * torch::dropout(torch::ones({rows.x.size(0), 1, rows.x.size(2)}, rows.x.options()),
                                     o.input_dropout, /*train=*/true);
  if (!embedding_->streams.empty()) {
    const auto parts = rows.x.split_with_sizes(inputs_, 2);
    std::vector<torch::Tensor> projected;
    for (std::size_t i = 0; i < parts.size(); ++i) projected.push_back(embedding_->streams[i]->forward(parts[i]));
    rows.x = rows.masked(torch::cat(projected, 2));
  }
  const auto kinds = row_kinds(rows, leaks(o));
  for (std::size_t i = 0; i < embedding_->convolutions.size(); ++i) {
    rows.x = normed_rows(embedding_->norms[i], embedding_->convolutions[i]->forward(rows.x), kinds, /*relu=*/true);
  }
  if (o.position_rows > 0) rows.x = rows.x + rows.masked(positions(rows));
  return rows;
}

std::vector<PointRows> PointsNetImpl::pyramid(PointRows rows) {
  std::vector<PointRows> levels;
  const auto stem = blocks_.size() + 1 - static_cast<std::size_t>(options_.levels);
  if (stem == 0) levels.push_back(rows);
  for (std::size_t i = 0; i < blocks_.size(); ++i) {
    rows = blocks_[i]->forward(rows);
    if (i + 1 >= stem) levels.push_back(rows);
  }
  return levels;
}

torch::Tensor PointsNetImpl::normalised(const PointRows& rows, std::size_t level) {
  const auto& o = options_;
  if (!norms_.empty())
    return normed_rows(norms_[norms_.size() == 1 ? 0 : level], rows.x,
                       o.exact() ? row_kinds(rows, false) : torch::Tensor(), /*relu=*/false);
  const auto x = o.neck_norm == "group" ? group_norm(rows, 4, {}, {}, outer_eps(o), o.exact()) : rows.x;
  return o.exact() ? rows.masked(x) : x;
}

std::vector<PointLevel> PointsNetImpl::forward(const torch::Tensor& x, const std::vector<std::int64_t>& lengths) {
  check_shape(x,
              {static_cast<std::int64_t>(lengths.size()), at_least(1),
               std::accumulate(inputs_.begin(), inputs_.end(), std::int64_t{0})},
              "points: rows [B, T, C]");
  auto rows = pyramid(embed(x, lengths));
  if (top_down_) rows = top_down_->forward(rows);
  std::vector<PointLevel> levels(rows.size());
  for (std::size_t l = 0; l < rows.size(); ++l) {
    rows[l].x = normalised(rows[l], l);
    levels[l].features = rows[l].x, levels[l].lengths = rows[l].lengths;
  }
  const JoinedLevels joined(rows, std::max(options_.head_kernel, options_.boundary_kernel), leaks(options_));
  const auto cut_off = options_.boundary_gradient ? joined.x : joined.x.detach();
  const auto said = [&](RowConv& output, const torch::Tensor& hidden) {
    const auto y = output->forward(hidden);
    return options_.exact() || options_.code == "original" ? joined.masked(y) : y;
  };
  const auto distance_rows = distance_head_->hidden(joined, joined.x);
  const auto logits = joined.split(said(class_head_->output, class_head_->hidden(joined, joined.x))),
             offsets = joined.split(said(distance_head_->output, distance_rows));
  std::vector<torch::Tensor> quality, starts, ends;
  if (options_.quality) quality = joined.split(distance_head_->quality->forward(distance_rows));
  if (start_head_)
    starts = joined.split(said(start_head_->output, start_head_->hidden(joined, cut_off))),
    ends = joined.split(said(end_head_->output, end_head_->hidden(joined, cut_off)));
  for (std::size_t l = 0; l < rows.size(); ++l) {
    levels[l].logits = logits[l];
    levels[l].offsets = torch::relu(offsets[l] * scales_[l]);
    if (options_.quality) levels[l].quality = quality[l];
    if (start_head_) levels[l].starts = starts[l], levels[l].ends = ends[l];
  }
  return levels;
}

// ---- distances ----

torch::Tensor trident_distances(const PointLevel& level, const torch::Tensor& b, const torch::Tensor& t,
                                const torch::Tensor& c) {
  const auto T = level.offsets.size(1), bins = level.offsets.size(2) / 2 - 1;
  const auto own = level.offsets.index({b, t}).reshape({-1, 2, bins + 1});
  const auto steps = torch::arange(bins + 1, t.options());
  const auto side = [&](const torch::Tensor& response, const torch::Tensor& rows) {  // rows [n, bins + 1]
    const auto inside = (rows >= 0).logical_and(rows < T);
    const auto values = response.index({b.unsqueeze(1), rows.clamp(0, T - 1), c.unsqueeze(1)});
    return values * inside.to(values.scalar_type());
  };
  const auto left = (side(level.starts, t.unsqueeze(1) - bins + steps) + own.select(1, 0)).softmax(1),
             right = (side(level.ends, t.unsqueeze(1) + steps) + own.select(1, 1)).softmax(1);
  const auto weights = steps.to(own.scalar_type());
  return torch::stack({left.matmul(static_cast<double>(bins) - weights), right.matmul(weights)}, 1);
}

torch::Tensor point_distances(const PointLevel& level, const torch::Tensor& b, const torch::Tensor& t,
                              const torch::Tensor& c) {
  return level.starts.defined() ? trident_distances(level, b, t, c) : level.offsets.index({b, t});
}

}  // namespace tal
