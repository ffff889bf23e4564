#include "libtal/models/bsnpp/relation_attention.h"

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/nn/blockwise_attention.h"
#include "libtal/nn/linear.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace {

// x^T x, [B, L, C] -> [B, C, C]: the products of later channels with earlier ones are those of the earlier
// with the later.
torch::Tensor products_of_channels(const torch::Tensor& x) {
  if (x.is_cuda()) return torch::bmm(x.transpose(1, 2), x);  // a GPU multiplies the other half sooner than it copies it
  constexpr std::int64_t kStep = 128;
  const std::int64_t channels = x.size(2);
  std::vector<torch::Tensor> upper, rows;  // upper: [B, step, channels from the step's first on]
  for (std::int64_t c = 0; c < channels; c += kStep) {
    const std::int64_t step = std::min(kStep, channels - c);
    upper.push_back(torch::bmm(x.narrow(2, c, step).transpose(1, 2), x.narrow(2, c, channels - c)));
    std::vector<torch::Tensor> row;
    for (std::int64_t before = 0; before < c; before += kStep)
      row.push_back(upper[static_cast<std::size_t>(before / kStep)].narrow(2, c - before, step).transpose(1, 2));
    row.push_back(upper.back());
    rows.push_back(torch::cat(row, 2));
  }
  return torch::cat(rows, 1);
}

}  // namespace

RelationAttentionImpl::RelationAttentionImpl(const std::string& kind, std::int64_t channels, std::int64_t filters)
    : kind_(kind), channels_(channels) {
  const auto pointwise = [&] { return torch::nn::Conv2d(torch::nn::Conv2dOptions(channels, filters, 1)); };
  if (kind == "position") {
    a_ = register_module("a", pointwise());
    b_ = register_module("b", pointwise());
  }
  if (kind == "position" || kind == "channel") scale_ = register_parameter("scale", torch::ones({1}));
}

bool RelationAttentionImpl::reads(const std::string& attention) const {
  return kind_ == attention || (kind_ == "aggregated" && attention != "plain");
}

void RelationAttentionImpl::check_proposals(const torch::Tensor& x) const {
  if (kind_ == "aggregated") throw Error("BSN++ relation block: an aggregated branch has no attention of its own");
  check_shape(x, {kAny, kAny, channels_}, "BSN++ relation attention: proposals [B, L, C]");
}

torch::Tensor RelationAttentionImpl::position(const torch::Tensor& x, const torch::Tensor& values) {
  const auto queries = linear(x, b_->weight, b_->bias), keys = linear(x, a_->weight, a_->bias);
  return values + scale_ * blockwise_attention(queries, keys, values);
}

torch::Tensor RelationAttentionImpl::channel_mixing(const torch::Tensor& x) {
  const auto p = products_of_channels(x).softmax(2);
  return torch::eye(x.size(2), x.options()) + scale_ * p;
}

torch::Tensor RelationAttentionImpl::attend(const torch::Tensor& x) {
  check_proposals(x);
  if (kind_ == "position") return position(x, x);
  return kind_ == "channel" ? torch::bmm(x, channel_mixing(x).transpose(1, 2)) : x;
}

std::vector<torch::Tensor> RelationAttentionImpl::through(const torch::Tensor& x,
                                                          const std::vector<torch::Tensor>& weights) {
  check_proposals(x);
  for (const auto& weight : weights)
    check_shape(weight, {kAny, channels_}, "BSN++ relation attention: weights behind it [k, C]");
  const auto weight = weights.size() == 1 ? weights[0] : torch::cat(weights);  // side by side
  torch::Tensor all;
  if (kind_ == "position") {
    all = position(x, linear(x, weight, torch::Tensor()));
  } else if (kind_ == "plain") {
    all = linear(x, weight, torch::Tensor());
  } else {
    const auto mixed = torch::matmul(weight, channel_mixing(x));  // [B, k, C]
    if (x.is_cuda()) {
      all = torch::bmm(x, mixed.transpose(1, 2));
    } else {
      std::vector<torch::Tensor> rows;
      for (std::int64_t b = 0; b < x.size(0); ++b) rows.push_back(linear(x[b], mixed[b], torch::Tensor()));
      all = rows.size() == 1 ? rows[0].unsqueeze(0) : torch::stack(rows);
    }
  }
  std::vector<std::int64_t> sizes;
  for (const auto& each : weights) sizes.push_back(each.size(0));
  return all.split_with_sizes(sizes, 2);
}

}  // namespace tal
