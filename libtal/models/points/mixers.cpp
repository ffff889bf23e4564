#include "libtal/models/points/mixers.h"

#include <cmath>

#include "libtal/base/error.h"
#include "libtal/nn/own_gradients.h"
#include "libtal/nn/selective_scan.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

torch::nn::Linear linear(std::int64_t inputs, std::int64_t outputs, bool bias) {
  return torch::nn::Linear(torch::nn::LinearOptions(inputs, outputs).bias(bias));
}

torch::nn::Conv1d depthwise(std::int64_t channels, std::int64_t outputs, std::int64_t rows, std::int64_t padding) {
  torch::nn::Conv1d layer(torch::nn::Conv1dOptions(channels, outputs, rows).groups(channels).padding(padding));
  const torch::NoGradGuard guard;
  layer->bias.zero_();
  return layer;
}

// x [B, T, C], weight [C, 1, k] -> [B, T, C]: `before` rows of zeros before the first. As a convolution of pictures one
// row high, which LibTorch computes channels last, as they lie.
torch::Tensor convolve(const torch::Tensor& x, const torch::Tensor& weight, const torch::Tensor& bias,
                       std::int64_t before) {
  const auto y = torch::conv2d(x.transpose(1, 2).unsqueeze(2), weight.unsqueeze(2), bias, /*stride=*/1,
                               /*padding=*/at::IntArrayRef{0, before}, /*dilation=*/1, /*groups=*/weight.size(0));
  return y.squeeze(2).transpose(1, 2).narrow(1, 0, x.size(1));
}

// Rows of x [B T, C] in an order that is its own inverse, so that no gradients have to be added up.
torch::Tensor reordered(const torch::Tensor& x, const torch::Tensor& order) {
  return with_gradients({x}, [&] {
    return Operation{x.index_select(0, order), {order}, [](const Backward& known) -> std::vector<torch::Tensor> {
                       return {known.upstream.index_select(0, known.saved[0])};
                     }};
  });
}

// Turns the rows of every sequence round, and back; those behind them stay.
class Reversal {
 public:
  Reversal() = default;                                        // all rows
  Reversal(const torch::Tensor& lengths, std::int64_t rows) {  // [B, 1]
    const auto row = torch::arange(rows, lengths.options());
    order_ = (torch::where(row < lengths, lengths - 1 - row, row) +
              torch::arange(lengths.size(0), lengths.options()).unsqueeze(1) * rows)
                 .flatten();
  }
  torch::Tensor operator()(const torch::Tensor& x) const {
    return order_.defined() ? reordered(x.flatten(0, 1), order_).view(x.sizes()) : x.flip(1);
  }

 private:
  torch::Tensor order_;  // [B T]
};

}  // namespace

ScanMixerImpl::ScanMixerImpl(std::int64_t channels, std::int64_t conv, std::int64_t states, std::int64_t expand,
                             std::int64_t parts, std::int64_t outputs)
    : inner_(expand * channels), states_(states), parts_(parts) {
  const std::int64_t rank = (channels + 15) / 16;
  in_proj_ = register_module("in_proj", linear(channels, 2 * parts * inner_, false));
  conv1d_ = register_module("conv1d", depthwise(inner_, inner_, conv, conv - 1));
  x_proj_ = register_module("x_proj", linear(inner_, rank + 2 * states, false));
  dt_proj_ = register_module("dt_proj", linear(rank, inner_, true));
  out_proj_ = register_module("out_proj", linear(2 * outputs * inner_, channels, false));
  a_log_ = register_parameter("A_log", torch::arange(1, states + 1, torch::kFloat).log().repeat({inner_, 1}));
  d_ = register_parameter("D", torch::ones({inner_}));
  const torch::NoGradGuard guard;
  const double bound = 1 / std::sqrt(static_cast<double>(rank));
  dt_proj_->weight.uniform_(-bound, bound);
  // Steps from 0.001 to 0.1 at the start, evenly in their logarithm: softplus of this bias.
  const auto step = torch::empty({inner_}).uniform_(std::log(1e-3), std::log(0.1)).exp().clamp_min(1e-4);
  dt_proj_->bias.copy_(step + (-torch::expm1(-step)).log());
}

torch::Tensor ScanMixerImpl::scan(const torch::Tensor& x, const torch::Tensor& z) {
  const auto input = torch::silu(convolve(x, conv1d_->weight, conv1d_->bias, conv1d_->weight.size(2) - 1));
  const auto parts = x_proj_->forward(input).split_with_sizes({dt_proj_->weight.size(1), states_, states_}, 2);
  const auto steps = torch::linear(parts[0], dt_proj_->weight);
  const auto channels_first = [](const torch::Tensor& rows) { return rows.transpose(1, 2); };
  return selective_scan(channels_first(input), channels_first(steps), -a_log_.exp(), channels_first(parts[1]),
                        channels_first(parts[2]), d_, channels_first(z), dt_proj_->bias, /*softplus=*/true)
      .transpose(1, 2);
}

torch::Tensor ScanMixerImpl::forward(const torch::Tensor& x, const torch::Tensor& lengths) {
  check_shape(x, {kAny, kAny, in_proj_->weight.size(1)}, "scan mixer: rows [B, T, E]");
  torch::Tensor outside;
  Reversal reversal;
  if (lengths.defined()) {
    check_shape(lengths, {x.size(0)}, "scan mixer: lengths [B]");
    if (lengths.scalar_type() != torch::kLong) throw Error("scan mixer: lengths must be int64");
    const auto own = lengths.to(x.device()).unsqueeze(1);
    outside = (torch::arange(x.size(1), own.options()) >= own).unsqueeze(2);
    reversal = Reversal(own, x.size(1));
  }
  const auto both = in_proj_->forward(outside.defined() ? x.masked_fill(outside, 0) : x).chunk(2, 2);
  // The second direction's rows, turned round, are further sequences.
  const auto mixed = mix(torch::cat({both[0], reversal(both[1])})).chunk(2);
  const auto y = out_proj_->forward(torch::cat({mixed[0], reversal(mixed[1])}, 2));
  return outside.defined() ? y.masked_fill(outside, 0) : y;
}

BidirectionalMixerImpl::BidirectionalMixerImpl(std::int64_t channels, std::int64_t conv, std::int64_t states,
                                               std::int64_t expand)
    : ScanMixerImpl(channels, conv, states, expand, 2, 1) {}

torch::Tensor BidirectionalMixerImpl::mix(const torch::Tensor& rows) {
  const auto parts = rows.chunk(2, 2);
  return scan(parts[0], parts[1]);
}

CausalMixerImpl::CausalMixerImpl(std::int64_t channels, std::int64_t heads, std::int64_t conv, std::int64_t states,
                                 std::int64_t expand)
    : ScanMixerImpl(channels, conv, states, expand, 4, 2), heads_(heads) {
  if (heads < 1 || inner_ % heads != 0)
    throw Error("causal mixer: its " + std::to_string(inner_) + " channels must be a multiple of its heads");
  qkv_ = register_module("qkv", depthwise(inner_, 3 * inner_, 3, 1));
}

torch::Tensor CausalMixerImpl::mix(const torch::Tensor& rows) {
  const auto parts = rows.chunk(4, 2);
  // Each channel three times, for as many outputs: plain depthwise convolutions are the fast ones.
  const auto thrice = parts[2].unsqueeze(3).expand({-1, -1, -1, 3}).flatten(2);
  const auto qkv = convolve(thrice, qkv_->weight, qkv_->bias, 1).chunk(3, 2);
  const auto by_head = [&](const torch::Tensor& t) {
    return t.unflatten(2, {heads_, inner_ / heads_}).transpose(1, 2);  // [B, heads, T, d / heads]
  };
  // On the CPU and on GPUs in blocks: T x T scores never exist.
  const auto attended = at::scaled_dot_product_attention(by_head(qkv[0]), by_head(qkv[1]), by_head(qkv[2]), {},
                                                         /*dropout_p=*/0, /*is_causal=*/true);
  const auto gated = attended.transpose(1, 2).flatten(2) * torch::silu(parts[3]);
  return torch::cat({scan(parts[0], parts[1]), gated}, 2);
}

}  // namespace tal
