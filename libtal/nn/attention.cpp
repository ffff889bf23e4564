#include "libtal/nn/attention.h"

#include <cmath>

#include "libtal/base/error.h"
#include "libtal/nn/channel_norm.h"
#include "libtal/nn/shapes.h"

namespace tal {

SoftAttentionImpl::SoftAttentionImpl(std::int64_t dim) : score_(register_module("score", torch::nn::Linear(dim, 1))) {}

torch::Tensor SoftAttentionImpl::weights(const torch::Tensor& rows) {
  check_shape(rows, {kAny, kAny, score_->options.in_features()}, "soft attention: rows [N, L, D]");
  return torch::softmax(score_(rows).squeeze(2), 1);
}

torch::Tensor SoftAttentionImpl::forward(const torch::Tensor& rows) {
  return torch::bmm(weights(rows).unsqueeze(1), rows).squeeze(1);  // [N, 1, L] x [N, L, D] -> [N, D]
}

AttentionUnitImpl::AttentionUnitImpl(std::int64_t dim, std::int64_t heads, bool projected) : heads_(heads) {
  if (heads < 1 || dim % heads)
    throw Error("attention: " + std::to_string(dim) + " columns cannot be shared out among " + std::to_string(heads) +
                " heads");
  if (projected) {
    const auto attn = register_module("attn", std::make_shared<torch::nn::Module>("attn"));
    in_weight_ = attn->register_parameter("in_proj_weight", torch::empty({3 * dim, dim}));
    in_bias_ = attn->register_parameter("in_proj_bias", torch::zeros({3 * dim}));
    out_ = attn->register_module("out_proj", torch::nn::Linear(dim, dim));
    torch::nn::init::xavier_uniform_(in_weight_);
    torch::nn::init::zeros_(out_->bias);
  }
  norm_ = register_module("norm", channel_norm(dim, 1e-5));
}

torch::Tensor AttentionUnitImpl::forward(const torch::Tensor& z, std::int64_t rows) {
  check_shape(z, {kAny, at_least(rows), norm_->options.normalized_shape()[0]}, "attention unit: rows [N, M, D]");
  const std::int64_t n = z.size(0), m = z.size(1), d = z.size(2);
  const torch::Tensor wanted = rows ? z.narrow(1, 0, rows) : z;
  const auto split = [&](const torch::Tensor& t) {
    return t.view({n, t.size(1), heads_, d / heads_}).transpose(1, 2);
  };  // -> [N, heads, M, dq]
  torch::Tensor query, key, value;
  if (in_weight_.defined()) {
    const auto w = in_weight_.split({d, 2 * d}), b = in_bias_.split({d, 2 * d});
    query = split(torch::linear(wanted, w[0], b[0]));
    const auto both = torch::linear(z, w[1], b[1]).split(d, 2);  // [N, M, 2D]
    key = split(both[0].contiguous()), value = split(both[1].contiguous());
  } else {
    query = split(wanted.contiguous()), key = value = split(z.contiguous());
  }
  torch::Tensor out;
  if (z.is_cuda()) {
    out = torch::scaled_dot_product_attention(query, key, value);
  } else {
    const auto scores = torch::matmul(query, key.transpose(2, 3)) / std::sqrt(static_cast<double>(d / heads_));
    out = torch::matmul(torch::softmax(scores, 3), value);
  }
  out = out.transpose(1, 2).reshape({n, rows ? rows : m, d});
  if (in_weight_.defined()) out = out_(out);
  return norm_(wanted + out);
}

TokenAttentionImpl::TokenAttentionImpl(std::int64_t dim, std::int64_t heads, std::int64_t units, bool projected)
    : token_(register_parameter("token", torch::randn({1, dim}) * 0.02)),
      units_(register_module("units", torch::nn::ModuleList())) {
  for (std::int64_t k = 0; k < units; ++k) units_->push_back(AttentionUnit(dim, heads, projected));
}

torch::Tensor TokenAttentionImpl::forward(const torch::Tensor& rows) {
  check_shape(rows, {kAny, kAny, token_.size(1)}, "token attention: rows [N, L, D]");
  torch::Tensor z = torch::cat({token_.expand({rows.size(0), 1, rows.size(2)}), rows}, 1);
  for (std::size_t k = 0; k < units_->size(); ++k)
    z = units_->ptr<AttentionUnitImpl>(k)->forward(z, k + 1 == units_->size() ? 1 : 0);
  return z.select(1, 0);
}

}  // namespace tal
