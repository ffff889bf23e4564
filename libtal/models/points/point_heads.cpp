#include "libtal/models/points/point_heads.h"

#include <cmath>

#include "libtal/nn/norm_rows.h"
#include "libtal/nn/row_convolution.h"

namespace tal {

RowConvImpl::RowConvImpl(std::int64_t inputs, std::int64_t outputs, std::int64_t kernel, bool with_bias) {
  weight = register_parameter("weight", torch::empty({outputs, inputs, kernel}));
  torch::nn::init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (with_bias) bias = register_parameter("bias", torch::zeros({outputs}));
}

torch::Tensor RowConvImpl::forward(const torch::Tensor& x, std::int64_t stride) {
  return row_convolution(x, weight, bias, stride);
}

DepthwiseConvImpl::DepthwiseConvImpl(std::int64_t channels, std::int64_t kernel, bool with_bias) {
  weight = register_parameter("weight", torch::empty({channels, 1, kernel}));
  torch::nn::init::kaiming_uniform_(weight, std::sqrt(5.0));
  if (with_bias) bias = register_parameter("bias", torch::zeros({channels}));
}

torch::Tensor DepthwiseConvImpl::forward(const torch::Tensor& x, std::int64_t stride) {
  return depthwise_rows(x, weight, bias, stride);
}

torch::Tensor normed_rows(const torch::nn::LayerNorm& norm, const torch::Tensor& x, const torch::Tensor& kinds,
                          bool relu) {
  return norm_rows(x, norm->weight, norm->bias, norm->options.eps(), kinds, relu);
}

torch::Tensor group_norm(const PointRows& rows, std::int64_t groups, const torch::Tensor& weight,
                         const torch::Tensor& bias, double eps, bool inside) {
  const auto B = rows.x.size(0), T = rows.x.size(1), C = rows.x.size(2);
  const auto x = rows.x.reshape({B, T, groups, C / groups});
  torch::Tensor mean, variance;
  if (inside && rows.mask.defined()) {
    const auto mask = rows.mask.unsqueeze(3);  // [B, T, 1, 1]
    const auto count = mask.sum(1, /*keepdim=*/true) * static_cast<double>(C / groups);
    mean = (x * mask).sum({1, 3}, /*keepdim=*/true) / count;
    variance = ((x - mean).square() * mask).sum({1, 3}, /*keepdim=*/true) / count;
  } else {
    mean = x.mean({1, 3}, /*keepdim=*/true);
    variance = (x - mean).square().mean({1, 3}, /*keepdim=*/true);
  }
  const auto y = ((x - mean) * (variance + eps).rsqrt()).reshape({B, T, C});
  return weight.defined() ? y * weight + bias : y;
}

torch::Tensor row_kinds(const PointRows& rows, bool leaks) {
  if (!rows.mask.defined()) return {};
  const auto inside = rows.mask.squeeze(2) > 0;
  return torch::where(inside, static_cast<int>(kRowInside), static_cast<int>(leaks ? kRowOfZeros : kRowOutside))
      .to(torch::kByte);
}

JoinedLevels::JoinedLevels(const std::vector<PointRows>& levels, std::int64_t kernel, bool leaks)
    : levels_(levels), gap_(kernel / 2) {
  std::vector<torch::Tensor> parts, inside, of_rows;
  for (const auto& level : levels) {
    parts.push_back(level.x);
    const auto all = torch::ones({level.x.size(0), level.rows(), 1}, level.x.options());
    inside.push_back(level.mask.defined() ? level.mask : all);
    const auto kinds_of = row_kinds(level, leaks);
    of_rows.push_back(kinds_of.defined()
                          ? kinds_of.unsqueeze(2)
                          : torch::full({level.x.size(0), level.rows(), 1}, static_cast<int>(kRowInside),
                                        torch::TensorOptions().dtype(torch::kByte).device(level.x.device())));
  }
  x = join(parts), inside_ = join(inside), kinds = join(of_rows).squeeze(2);
}

torch::Tensor JoinedLevels::join(const std::vector<torch::Tensor>& levels) const {
  std::vector<torch::Tensor> parts;
  for (const auto& level : levels) {
    if (!parts.empty() && gap_ > 0)
      parts.push_back(torch::zeros({level.size(0), gap_, level.size(2)}, level.options()));
    parts.push_back(level);
  }
  return torch::cat(parts, 1);
}

std::vector<torch::Tensor> JoinedLevels::split(const torch::Tensor& y) const {
  std::vector<torch::Tensor> parts;
  std::int64_t first = 0;
  for (const auto& level : levels_) {
    parts.push_back(y.slice(1, first, first + level.rows()));
    first += level.rows() + gap_;
  }
  return parts;
}

std::vector<PointRows> JoinedLevels::levels(const torch::Tensor& y) const {
  auto rows = levels_;
  const auto parts = split(y);
  for (std::size_t l = 0; l < rows.size(); ++l) rows[l].x = parts[l];
  return rows;
}

namespace {

// max(0, (tanh(v - tau) + tanh(tau)) / (1 + tanh(tau))): 0 at v = 0, 1 far above.
torch::Tensor gate_of(const torch::Tensor& v, double tau) {
  const double shift = std::tanh(tau);
  return torch::relu((torch::tanh(v - tau) + shift) / (1 + shift));
}

// [B, T, C] -> [B, T, C, k]: the rows around each row, zero outside.
torch::Tensor neighbours(const torch::Tensor& x, std::int64_t kernel) {
  const auto padded = torch::constant_pad_nd(x, {0, 0, kernel / 2, kernel / 2});
  std::vector<torch::Tensor> parts;
  for (std::int64_t j = 0; j < kernel; ++j) parts.push_back(padded.slice(1, j, j + x.size(1)));
  return torch::stack(parts, 3);
}

// What looks from a level at the one beside it: the neighbours of each channel, squared and gated by the channel's own
// gate - in the published code the gate's output holds the value once already.
class NeighbourGateImpl : public torch::nn::Module {
 public:
  NeighbourGateImpl(std::int64_t channels, std::int64_t kernel, double tau, double eps)
      : kernel_(kernel),
        tau_(tau),
        gate_(register_module("gate", DepthwiseConv(channels, kernel, true))),
        mix_(register_module("mix", RowConv(channels * kernel, channels, 1, true))),
        norm_(register_module("norm", channel_norm(channels, eps))) {}
  torch::Tensor forward(const PointRows& rows) {
    const auto gate = rows.masked(gate_of(gate_->forward(rows.x), tau_)).unsqueeze(3);
    const auto around = neighbours(rows.x, kernel_);
    return rows.masked(norm_->forward(mix_->forward((around.square() * gate).flatten(2))));
  }

 private:
  std::int64_t kernel_;
  double tau_;
  DepthwiseConv gate_;
  RowConv mix_;
  torch::nn::LayerNorm norm_;
};

// What follows the sum over levels: the neighbours weighed by a convolution of all of them and by one gate for all
// channels.
class DepthGateImpl : public torch::nn::Module {
 public:
  DepthGateImpl(std::int64_t channels, std::int64_t outputs, std::int64_t kernel, double tau, double eps, bool exact)
      : kernel_(kernel),
        exact_(exact),
        tau_(tau),
        weigh_(register_module("weigh", RowConv(channels * kernel, channels, kernel, true))),
        weigh_norm_(register_module("weigh_norm", channel_norm(channels, eps))),
        gate_(register_module("gate", RowConv(channels * kernel, 1, kernel, true))),
        mix_(register_module("mix", RowConv(channels * kernel, outputs, 1, true))),
        norm_(register_module("norm", channel_norm(outputs, eps))) {}
  torch::Tensor forward(const PointRows& rows) {
    auto around = neighbours(rows.x, kernel_);
    if (exact_ && rows.mask.defined()) around = around * rows.mask.unsqueeze(3);  // a row behind the end has neighbours
    const auto flat = around.flatten(2);
    const auto weight = rows.masked(weigh_norm_->forward(weigh_->forward(flat))) * gate_of(gate_->forward(flat), tau_);
    return rows.masked(norm_->forward(mix_->forward((around * weight.unsqueeze(3)).flatten(2))));
  }

 private:
  std::int64_t kernel_;
  bool exact_;
  double tau_;
  RowConv weigh_;
  torch::nn::LayerNorm weigh_norm_;
  RowConv gate_, mix_;
  torch::nn::LayerNorm norm_;
};

// A level's rows at the rate of another: the row that the same time falls into. exact: whatever the lengths are.
torch::Tensor at_rate_of(const torch::Tensor& x, std::int64_t rows, bool exact) {
  if (!exact) return torch::upsample_nearest1d(x.transpose(1, 2), {rows}).transpose(1, 2);
  if (x.size(1) > rows) return x.slice(1, 0, x.size(1), 2);
  return x.repeat_interleave(2, 1).slice(1, 0, rows);
}

}  // namespace

class DynamicLayerImpl : public torch::nn::Module {
 public:
  DynamicLayerImpl(std::int64_t channels, std::int64_t outputs, std::int64_t kernel, double tau, double eps, bool exact)
      : exact_(exact),
        finer_(register_module("finer", std::make_shared<NeighbourGateImpl>(channels, kernel, tau, eps))),
        coarser_(register_module("coarser", std::make_shared<NeighbourGateImpl>(channels, kernel, tau, eps))),
        depth_(register_module("depth", std::make_shared<DepthGateImpl>(channels, outputs, kernel, tau, eps, exact))),
        others_(register_parameter("others", torch::zeros({1}))),
        own_(register_parameter("own", torch::ones({1}))) {}
  std::vector<PointRows> forward(const std::vector<PointRows>& levels) {
    std::vector<torch::Tensor> as_finer, as_coarser;
    for (const auto& level : levels)
      as_finer.push_back(finer_->forward(level)), as_coarser.push_back(coarser_->forward(level));
    std::vector<PointRows> out = levels;
    for (std::size_t l = 0; l < levels.size(); ++l) {
      torch::Tensor sum;
      const auto add = [&](const torch::Tensor& other) {
        const auto moved = at_rate_of(other, levels[l].rows(), exact_);
        sum = sum.defined() ? sum + moved : moved;
      };
      if (l > 0) add(as_finer[l - 1]);
      if (l + 1 < levels.size()) add(as_coarser[l + 1]);
      out[l].x = levels[l].x * own_;
      if (sum.defined()) out[l].x = sum * others_ + out[l].x;
      if (exact_) out[l].x = levels[l].masked(out[l].x);
      out[l].x = torch::relu(depth_->forward(out[l]));
    }
    return out;
  }

 private:
  bool exact_;
  std::shared_ptr<NeighbourGateImpl> finer_, coarser_;
  std::shared_ptr<DepthGateImpl> depth_;
  torch::Tensor others_, own_;
};

PointHeadImpl::PointHeadImpl(const PointsOptions& o, std::int64_t outputs, std::int64_t kernel, double eps)
    : width_(o.dims) {
  for (std::int64_t i = 0; i < o.head_layers; ++i) {
    const auto number = std::to_string(i);
    if (o.head == "dynamic") {
      dynamic_.push_back(
          register_module("dynamic" + number,
                          std::make_shared<DynamicLayerImpl>(width_, o.head_dims, kernel, o.gate_tau, eps, o.exact())));
    } else {
      convolutions_.push_back(register_module("convolution" + number, RowConv(width_, o.head_dims, kernel, false)));
      norms_.push_back(register_module("norm" + number, channel_norm(o.head_dims, eps)));
    }
    width_ = o.head_dims;
  }
  output = register_module("output", RowConv(width_, outputs, kernel, true));
}

void PointHeadImpl::add_quality() {
  quality = register_module("quality", RowConv(width_, 1, output->weight.size(2), true));
}

torch::Tensor PointHeadImpl::hidden(const JoinedLevels& levels, const torch::Tensor& x) {
  if (!dynamic_.empty()) {
    auto rows = levels.levels(x);
    for (const auto& layer : dynamic_) rows = layer->forward(rows);
    std::vector<torch::Tensor> parts;
    for (const auto& level : rows) parts.push_back(level.x);
    return levels.join(parts);
  }
  auto y = x;
  for (std::size_t i = 0; i < convolutions_.size(); ++i)
    y = normed_rows(norms_[i], convolutions_[i]->forward(y), levels.kinds, /*relu=*/true);
  return y;
}

}  // namespace tal
