#include "libtal/models/etp/etp_ln.h"

#include <algorithm>

#include "libtal/nn/shapes.h"

namespace tal {

Settings settings_of(EtpLnOptions& o) {
  Settings s;
  s.add("norm", &o.norm, "Normalisation of the pooled features", {"batch", "none"});
  s.add("non-local", &o.non_local, "Non-local block before the heads; false: plain structured temporal pyramid");
  s.add("non-local-dim", &o.non_local_dim, "Inner size of the non-local block; 0: half of the features'")
      .between(0, 65536)
      .with("non-local", {"true"});
  s.add("dropout", &o.dropout, "Probability, of the pooled parts").at_least(0).below(1);
  s.add("comp-weight", &o.comp_weight, "Weight of the completeness loss: alpha of Eq. (9)").above(0);
  s.add("loc-weight", &o.loc_weight, "Weight of the location loss: beta of Eq. (9)").above(0);
  s.add("fusion", &o.fusion,
        "Several streams: a network each whose scores are fused (late, the paper), or side by side (early)",
        {"late", "early"});
  return s;
}

EtpLnImpl::EtpLnImpl(std::int64_t channels, std::int64_t classes, const EtpLnOptions& o) : channels_(channels) {
  if (o.norm == "batch") norm = register_module("norm", torch::nn::BatchNorm1d(channels));
  if (o.non_local)
    non_local = register_module(
        "non_local",
        NonLocal(channels, o.non_local_dim > 0 ? o.non_local_dim : std::max<std::int64_t>(1, channels / 2)));
  cls = register_module("cls", torch::nn::Linear(kPyramidParts * channels, classes + 1));
  comp = register_module("comp", torch::nn::Linear(kPyramidParts * channels, classes));
  reg = register_module("reg", torch::nn::Linear(kPyramidParts * channels, 2));
  dropout = register_module("dropout", torch::nn::Dropout(o.dropout));
}

torch::Tensor EtpLnImpl::pyramid(const torch::Tensor& pooled) {
  check_shape(pooled, {kAny, kPyramidParts, channels_}, "ETP localization network: pooled proposals [M, 5, C]");
  const auto x = norm ? norm->forward(pooled.reshape({-1, channels_})).view_as(pooled) : pooled;
  return non_local ? non_local->forward(x) : x;
}

EtpLnOutputs EtpLnImpl::forward(const torch::Tensor& pooled) {
  const auto parts = dropout->forward(pyramid(pooled)).flatten(1);  // [M, 5 C]
  return {cls->forward(parts), comp->forward(parts), reg->forward(parts)};
}

EtpLnOutputs EtpLnImpl::score(const torch::Tensor& x, std::span<const Segment> segments) {
  check_shape(x, {kAny, channels_}, "ETP localization network: rows [T, C]");
  torch::NoGradGuard guard;
  constexpr std::int64_t kGroup = 2048;  // proposals whose parts are held at a time
  const auto heads = torch::cat({cls->weight, comp->weight, reg->weight}),
             bias = torch::cat({cls->bias, comp->bias, reg->bias});
  const std::int64_t outputs = heads.size(0), inner = non_local ? non_local->theta->weight.size(0) : 0;
  const auto by_part = heads.view({outputs, kPyramidParts, channels_});

  // Every linear map of the rows in one product: theta, phi, g, then the heads' columns for each part.
  std::vector<torch::Tensor> maps;
  if (non_local)
    for (const auto& layer : {non_local->theta, non_local->phi, non_local->g}) maps.push_back(layer->weight.squeeze(2));
  maps.push_back(by_part.transpose(0, 1).reshape({kPyramidParts * outputs, channels_}));
  auto map = torch::cat(maps), constant = bias;
  torch::Tensor block_bias =
      non_local ? torch::cat({non_local->theta->bias, non_local->phi->bias, non_local->g->bias}) : torch::Tensor();
  if (norm) {  // x' = a x + b at inference, part by part
    const auto a = norm->weight * torch::rsqrt(norm->running_var + norm->options.eps()),
               b = norm->bias - norm->running_mean * a;
    if (non_local) block_bias = block_bias + torch::mv(map.narrow(0, 0, 3 * inner), b);
    constant = constant + torch::mv(by_part.sum(1), b);
    map = map * a;
  }
  const auto mapped = torch::mm(x, map.t());  // [T, 3 C' + 5 outputs]
  const PrefixSums direct(mapped.narrow(1, 3 * inner, kPyramidParts * outputs).contiguous());
  const PrefixSums block(mapped.narrow(1, 0, 3 * inner).contiguous());
  torch::Tensor folded;
  if (non_local) {
    folded = torch::matmul(by_part, non_local->out->weight.squeeze(2)).flatten(1);  // [outputs, 5 C']
    constant = constant + torch::mv(by_part.sum(1), non_local->out->bias);
  }

  std::vector<torch::Tensor> all = {torch::empty({0, outputs}, x.options())};
  const auto ranges = pyramid_ranges(segments, x.size(0));
  for (std::int64_t begin = 0; begin < static_cast<std::int64_t>(segments.size()); begin += kGroup) {
    const std::int64_t count = std::min(kGroup, static_cast<std::int64_t>(segments.size()) - begin);
    const auto own = std::span(ranges).subspan(static_cast<std::size_t>(begin * kPyramidParts),
                                               static_cast<std::size_t>(count * kPyramidParts));
    auto y = constant + direct.part_sums(own, kPyramidParts);
    if (non_local) {
      const auto parts = (block.means(own) + block_bias).view({count, kPyramidParts, 3 * inner});
      const auto similarity = torch::bmm(parts.narrow(2, 0, inner), parts.narrow(2, inner, inner).transpose(1, 2));
      const auto aggregate =
          torch::bmm(similarity, parts.narrow(2, 2 * inner, inner)) / static_cast<double>(kPyramidParts);
      y += torch::mm(aggregate.flatten(1), folded.t());
    }
    all.push_back(y);
  }
  const auto result = torch::cat(all);
  const std::int64_t classes = comp->weight.size(0);
  return {result.narrow(1, 0, classes + 1), result.narrow(1, classes + 1, classes),
          result.narrow(1, 2 * classes + 1, 2)};
}

torch::Tensor ranking_scores(const EtpLnOutputs& outputs) {
  check_shape(outputs.comp, {kAny, kAny}, "ETP ranking scores: completeness [M, K]");
  check_shape(outputs.cls, {outputs.comp.size(0), outputs.comp.size(1) + 1}, "ETP ranking scores: classes [M, K + 1]");
  return torch::softmax(outputs.cls.to(torch::kDouble), 1).narrow(1, 0, outputs.comp.size(1)) *
         torch::exp(outputs.comp.to(torch::kDouble));
}

}  // namespace tal
