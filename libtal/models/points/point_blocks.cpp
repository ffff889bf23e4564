#include "libtal/models/points/point_blocks.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "libtal/models/points/mixers.h"
#include "libtal/models/points/point_heads.h"
#include "libtal/nn/row_convolution.h"
#include "libtal/nn/window_attention.h"

namespace tal {
namespace {

// Stochastic depth: a sample's branch is dropped with probability p in training, then scaled channel by channel.
class DropPathImpl : public torch::nn::Module {
 public:
  DropPathImpl(std::int64_t channels, double share) : share_(share) {
    if (share > 0) scale_ = register_parameter("scale", torch::full({channels}, 1e-4));
  }
  torch::Tensor forward(const torch::Tensor& x) {
    if (!scale_.defined()) return x;
    const auto scaled = x * scale_;
    if (!is_training()) return scaled;
    return scaled * torch::dropout(torch::ones({x.size(0), 1, 1}, x.options()), share_, /*train=*/true);
  }

 private:
  double share_;
  torch::Tensor scale_;
};
TORCH_MODULE(DropPath);

class PerceptronRowsImpl : public torch::nn::Module {
 public:
  PerceptronRowsImpl(std::int64_t channels, std::int64_t inside, double dropout)
      : dropout_(dropout),
        widen_(register_module("widen", RowConv(channels, inside, 1, true))),
        narrow_(register_module("narrow", RowConv(inside, channels, 1, true))) {}
  torch::Tensor forward(const torch::Tensor& x) {
    const auto inside = torch::dropout(torch::gelu(widen_->forward(x)), dropout_, is_training() && dropout_ > 0);
    return torch::dropout(narrow_->forward(inside), dropout_, is_training() && dropout_ > 0);
  }

 private:
  double dropout_;
  RowConv widen_, narrow_;
};
TORCH_MODULE(PerceptronRows);

// Which rows of a level with half the rows are inside. pooled: where any of the three rows below is.
std::vector<std::int64_t> halved(const PointRows& rows, bool pooled) {
  std::vector<std::int64_t> lengths;
  const std::int64_t T = (rows.rows() + 1) / 2;
  for (const auto n : rows.lengths) lengths.push_back(std::min(T, pooled ? n / 2 + 1 : (n + 1) / 2));
  return lengths;
}

// The next level's rows by the maximum of three. exact: of those inside.
PointRows pooled(const PointRows& rows, bool exact, bool pooled_mask) {
  auto x = rows.x;
  if (exact && rows.mask.defined()) x = x.masked_fill(rows.mask == 0, -std::numeric_limits<float>::infinity());
  PointRows below(max_pool_rows(x), halved(rows, pooled_mask));
  if (exact && below.mask.defined()) below.x = below.x.masked_fill(below.mask == 0, 0);
  return below;
}

std::int64_t inside_of(const PointsOptions& o) {
  return o.feed_forward > 0 ? o.feed_forward : (o.neck == "conv" ? 2 : 4) * o.dims;
}

class PoolBlockImpl : public torch::nn::Module, public PointBlock {
 public:
  explicit PoolBlockImpl(const PointsOptions& o) : exact_(o.exact()), pooled_(!o.exact() && o.code == "opentad") {}
  PointRows forward(const PointRows& rows) override {
    auto below = pooled(rows, exact_, pooled_);
    below.x = below.masked(below.x);
    return below;
  }

 private:
  bool exact_, pooled_;
};

// ActionFormer's `conv` backbone: the basic block of a ResNet over rows.
class ConvBlockImpl : public torch::nn::Module, public PointBlock {
 public:
  ConvBlockImpl(const PointsOptions& o, bool stem)
      : stride_(stem ? 1 : 2),
        first_(register_module("conv1", RowConv(o.dims, inside_of(o), 3, true))),
        second_(register_module("conv2", RowConv(inside_of(o), o.dims, 3, true))) {
    if (!stem) downsample_ = register_module("downsample", RowConv(o.dims, o.dims, 1, true));
  }
  PointRows forward(const PointRows& rows) override {
    PointRows out = rows;
    if (downsample_)
      out = PointRows(downsample_->forward(rows.x, stride_), halved(rows, false)), out.x = out.masked(out.x);
    const auto inside = torch::relu(out.masked(first_->forward(rows.x, stride_)));
    out.x = torch::relu(out.masked(second_->forward(inside)) + out.x);
    return out;
  }

 private:
  std::int64_t stride_;
  RowConv first_, second_, downsample_{nullptr};
};

// ActionFormer, 3.2: local attention and a perceptron, each after a norm.
class AttentionBlockImpl : public torch::nn::Module, public PointBlock {
 public:
  AttentionBlockImpl(const PointsOptions& o, std::int64_t level, bool stem)
      : exact_(o.exact()), stride_(stem ? 1 : 2), heads_(o.heads), window_(o.window_of(level)), dropout_(o.dropout) {
    const auto E = o.dims;
    norm1_ = register_module("norm1", channel_norm(E, 1e-5));
    norm2_ = register_module("norm2", channel_norm(E, 1e-5));
    for (Input* input : {&query_, &key_, &value_}) {
      const std::string name = input == &query_ ? "query" : input == &key_ ? "key" : "value";
      input->convolution = register_module(name + "_conv", DepthwiseConv(E, 3, false));
      input->norm = register_module(name + "_norm", channel_norm(E, 1e-5));
      input->linear = register_module(name, RowConv(E, E, 1, true));
    }
    out_ = register_module("out", RowConv(E, E, 1, true));
    if (o.relative_bias && window_ > 1)
      bias_ = register_parameter("bias", std::sqrt(2.0 / static_cast<double>(E)) * torch::randn({heads_, window_}));
    mlp_ = register_module("mlp", PerceptronRows(E, inside_of(o), o.dropout));
    drop_attention_ = register_module("drop_attention", DropPath(E, o.droppath));
    drop_mlp_ = register_module("drop_mlp", DropPath(E, o.droppath));
  }
  PointRows forward(const PointRows& rows) override {
    PointRows skip = rows;
    if (stride_ == 2) skip = pooled(rows, exact_, false);
    skip.x = skip.masked(skip.x);
    const auto normed = normed_rows(norm1_, rows.x, exact_ ? row_kinds(rows, false) : torch::Tensor(), /*relu=*/false);
    const auto kinds = row_kinds(skip, true);
    const auto input = [&](Input& one) {
      const auto seen = one.convolution->forward(normed, stride_);
      return one.linear->forward(normed_rows(one.norm, seen, kinds, /*relu=*/false));
    };
    const auto q = input(query_), k = input(key_), v = input(value_);
    const double scale = std::pow(static_cast<double>(q.size(2) / heads_), -0.5);
    auto attended = out_->forward(window_attention(q, k, v, bias_, skip.lengths, heads_, window_, scale));
    attended = skip.masked(torch::dropout(attended, dropout_, is_training() && dropout_ > 0));
    PointRows y = skip;
    y.x = skip.x + drop_attention_->forward(attended);
    y.x = y.x + drop_mlp_->forward(y.masked(mlp_->forward(normed_rows(norm2_, y.x, {}, /*relu=*/false))));
    return y;
  }

 private:
  struct Input {
    DepthwiseConv convolution{nullptr};
    torch::nn::LayerNorm norm{nullptr};
    RowConv linear{nullptr};
  };
  bool exact_;
  std::int64_t stride_, heads_, window_;
  double dropout_;
  torch::nn::LayerNorm norm1_{nullptr}, norm2_{nullptr};
  Input query_, key_, value_;
  RowConv out_{nullptr};
  torch::Tensor bias_;
  PerceptronRows mlp_{nullptr};
  DropPath drop_attention_{nullptr}, drop_mlp_{nullptr};
};

// TriDet, 3.2: scalable-granularity perception. DyFADet's encoder has one more ReLU.
class SgpBlockImpl : public torch::nn::Module, public PointBlock {
 public:
  SgpBlockImpl(const PointsOptions& o, std::int64_t level, bool stem)
      : exact_(o.exact()),
        dynamic_(o.neck == "dyn"),
        pooled_mask_(!o.exact() && o.code == "opentad" && dynamic_),
        downsamples_(!stem),
        average_(o.downsample == "average" && !dynamic_),
        eps_(o.code == "opentad" && dynamic_ ? 1e-6 : 1e-5) {
    const auto E = o.dims, w = stem ? 1 : o.window_of(level);
    std::int64_t wide = static_cast<std::int64_t>(std::nearbyint(static_cast<double>(w + 1) * o.sgp_factor));
    wide += wide % 2 == 0;  // ties to even, then odd
    norm_ = register_module("norm", channel_norm(E, eps_));
    psi_ = depthwise("psi", E, w, o.sgp_init), narrow_ = depthwise("narrow", E, w, o.sgp_init);
    wide_ = depthwise("wide", E, wide, o.sgp_init);
    instant_ = depthwise("instant", E, 1, o.sgp_init), global_ = depthwise("global", E, 1, o.sgp_init);
    group_weight_ = register_parameter("group_weight", torch::ones({E}));
    group_bias_ = register_parameter("group_bias", torch::zeros({E}));
    mlp_ = register_module("mlp", PerceptronRows(E, inside_of(o), 0));
    if (downsamples_ && average_) mean_ = register_module("mean", RowConv(E, E, 1, true));
    drop_out_ = register_module("drop_out", DropPath(E, stem ? 0 : o.droppath));
    drop_mlp_ = register_module("drop_mlp", DropPath(E, stem ? 0 : o.droppath));
  }
  PointRows forward(const PointRows& input) override {
    PointRows rows = input;
    if (downsamples_ && !average_) rows = pooled(input, exact_, pooled_mask_);
    if (downsamples_ && average_) rows = averaged(input);
    const auto y = normed_rows(norm_, rows.x, exact_ ? row_kinds(rows, false) : torch::Tensor(), /*relu=*/false);
    auto v = rows.masked(rows.x) + drop_out_->forward(perceive(y, rows));
    if (exact_) v = rows.masked(v);
    PointRows out = rows;
    out.x = v;
    const auto normed = group_norm(out, 16, group_weight_, group_bias_, eps_, exact_);
    out.x = v + drop_mlp_->forward(mlp_->forward(normed));
    if (exact_) out.x = out.masked(out.x);
    return out;
  }

 private:
  DepthwiseConv depthwise(const std::string& name, std::int64_t channels, std::int64_t kernel, double deviation) {
    DepthwiseConv convolution(channels, kernel, true);
    torch::nn::init::normal_(convolution->weight, 0, deviation);
    return register_module(name, convolution);
  }
  // All five convolutions without a weight contribute exactly nothing, and never learn (TriDet's issue 37).
  bool silent() const {
    for (const DepthwiseConv& c : {psi_, narrow_, wide_, instant_, global_})
      if (c->weight.any().item<bool>() || c->bias.any().item<bool>()) return false;
    return true;
  }
  torch::Tensor perceive(const torch::Tensor& y, const PointRows& rows) {
    if (!is_training() && silent()) return y;
    torch::Tensor mean;
    if (exact_ && rows.mask.defined()) mean = (y * rows.mask).sum(1, true) / rows.mask.sum(1, true);
    else mean = y.mean(1, true);
    const auto instant = instant_->forward(y) * torch::relu(global_->forward(mean));
    auto window = narrow_->forward(y) + wide_->forward(y);
    if (dynamic_) window = torch::relu(window);
    return instant + window * psi_->forward(y) + y;
  }
  PointRows averaged(const PointRows& rows) {
    const auto T = rows.rows();
    auto x = T % 2 ? torch::constant_pad_nd(rows.x, {0, 0, 0, 1}) : rows.x;
    x = x.reshape({x.size(0), x.size(1) / 2, 2, x.size(2)});
    PointRows below(x.mean(2), halved(rows, false));
    if (exact_) {  // the mean of those inside
      const auto ends = torch::tensor(rows.lengths, torch::kLong).to(x.device()).reshape({-1, 1, 1});
      const auto alone = torch::arange(below.rows(), ends.options()).reshape({1, -1, 1}) * 2 + 1 == ends;
      below.x = torch::where(alone, x.select(2, 0), below.x);
    }
    below.x = mean_->forward(below.x);
    return below;
  }

  bool exact_, dynamic_, pooled_mask_, downsamples_, average_;
  double eps_;
  torch::nn::LayerNorm norm_{nullptr};
  DepthwiseConv psi_{nullptr}, narrow_{nullptr}, wide_{nullptr}, instant_{nullptr}, global_{nullptr};
  torch::Tensor group_weight_, group_bias_;
  PerceptronRows mlp_{nullptr};
  RowConv mean_{nullptr};
  DropPath drop_out_{nullptr}, drop_mlp_{nullptr};
};

// A scan in both directions, with causal attention beside it for CausalTAD; no perceptron. It works before the pooling.
class ScanBlockImpl : public torch::nn::Module, public PointBlock {
 public:
  ScanBlockImpl(const PointsOptions& o, bool stem)
      : exact_(o.exact()), pooled_mask_(!o.exact() && o.code == "opentad"), downsamples_(!stem) {
    norm_ = register_module("norm", channel_norm(o.dims, o.code == "opentad" ? 1e-6 : 1e-5));
    if (o.neck == "dbm") scan_ = register_module("mixer", BidirectionalMixer(o.dims));
    else causal_ = register_module("mixer", CausalMixer(o.dims, o.heads));
    drop_ = register_module("drop", DropPath(o.dims, o.droppath));
  }
  PointRows forward(const PointRows& rows) override {
    const auto y = normed_rows(norm_, rows.x, exact_ ? row_kinds(rows, false) : torch::Tensor(), /*relu=*/false);
    torch::Tensor lengths;
    if (exact_ && rows.mask.defined()) lengths = torch::tensor(rows.lengths, torch::kLong);
    const auto mixed = scan_ ? scan_->forward(y, lengths) : causal_->forward(y, lengths);
    PointRows out = rows;
    out.x = rows.masked(rows.x + drop_->forward(mixed));
    if (!downsamples_) return out;
    auto below = pooled(out, exact_, pooled_mask_);
    below.x = below.masked(below.x);
    return below;
  }

 private:
  bool exact_, pooled_mask_, downsamples_;
  torch::nn::LayerNorm norm_{nullptr};
  BidirectionalMixer scan_{nullptr};
  CausalMixer causal_{nullptr};
  DropPath drop_{nullptr};
};

}  // namespace

std::shared_ptr<PointBlock> make_point_block(const PointsOptions& o, std::int64_t level, bool stem) {
  if (o.neck == "attention") return std::make_shared<AttentionBlockImpl>(o, level, stem);
  if (o.neck == "sgp" || o.neck == "dyn") return std::make_shared<SgpBlockImpl>(o, level, stem);
  if (o.neck == "pool") return std::make_shared<PoolBlockImpl>(o);
  if (o.neck == "conv") return std::make_shared<ConvBlockImpl>(o, stem);
  return std::make_shared<ScanBlockImpl>(o, stem);
}

TopDownImpl::TopDownImpl(const PointsOptions& o) : exact_(o.exact()) {
  const bool bias = o.neck_norm == "none";  // else the norm behind has one
  for (std::int64_t l = 0; l < o.levels; ++l) {
    const auto number = std::to_string(l);
    laterals_.push_back(register_module("lateral" + number, RowConv(o.dims, o.dims, 1, bias)));
    convolutions_.push_back(register_module("convolution" + number, DepthwiseConv(o.dims, 3, bias)));
  }
}

std::vector<PointRows> TopDownImpl::forward(const std::vector<PointRows>& levels) {
  auto out = levels;
  for (std::size_t l = 0; l < levels.size(); ++l) out[l].x = out[l].masked(laterals_[l]->forward(levels[l].x));
  for (std::size_t l = levels.size() - 1; l > 0; --l) {
    auto& finer = out[l - 1];
    finer.x = finer.x + out[l].x.repeat_interleave(2, 1).slice(1, 0, finer.rows());
    if (exact_) finer.x = finer.masked(finer.x);
  }
  for (std::size_t l = 0; l < out.size(); ++l) out[l].x = out[l].masked(convolutions_[l]->forward(out[l].x));
  return out;
}

}  // namespace tal
