#include "libtal/models/etp/etp_rn.h"

#include <algorithm>
#include <cmath>

#include "libtal/nn/device.h"
#include "libtal/nn/shapes.h"

namespace tal {

Settings settings_of(EtpRnOptions& o) {
  Settings s;
  s.add("norm", &o.norm, "Normalisation of the units' features", {"batch", "none"});
  s.add("unit-length", &o.unit_length, "Length of a video unit, frames; units follow each other by half of it")
      .between(1, 1e6);
  s.add("hidden", &o.hidden, "Size of the BiGRU, each direction").between(1, 65536);
  s.add("non-local", &o.non_local, "Unit features with the non-local block");
  s.add("non-local-dim", &o.non_local_dim, "Inner size of the non-local block; 0: half of the features'")
      .between(0, 65536)
      .with("non-local", {"true"});
  s.add("snap-target", &o.snap_target,
        "The ground truth is fitted to the unit grid, too, as the paper says; false: as annotated");
  return s;
}

RowRange UnitGrid::fit(const Segment& seconds) const {
  // A boundary on the grid stays there in spite of rounding.
  constexpr double kSlack = 1e-9;
  const auto first = std::max<std::int64_t>(0, static_cast<std::int64_t>(std::floor(seconds.start / step_ + kSlack)));
  const auto end = static_cast<std::int64_t>(std::ceil(seconds.end / step_ - kSlack));  // grid point; a unit spans two
                                                                                        // steps
  return {first, std::max(first + 1, end - 1)};
}

Segment UnitGrid::seconds(const RowRange& units) const {
  return {static_cast<double>(units.first) * step_, static_cast<double>(units.end + 1) * step_};
}

Segment UnitGrid::rows(std::int64_t unit) const {
  const double start = static_cast<double>(unit) * step_;
  return {time_.row(start), time_.row(start + 2 * step_)};
}

EtpRnImpl::EtpRnImpl(std::int64_t channels, const EtpRnOptions& o) {
  if (o.norm == "batch") norm = register_module("norm", torch::nn::BatchNorm1d(channels));
  if (o.non_local)
    non_local = register_module(
        "non_local",
        NonLocal(channels, o.non_local_dim > 0 ? o.non_local_dim : std::max<std::int64_t>(1, channels / 2)));
  gru = register_module("gru", torch::nn::GRU(torch::nn::GRUOptions(kPyramidParts * channels, o.hidden)
                                                  .num_layers(2)
                                                  .bidirectional(true)
                                                  .batch_first(true)));
  fc = register_module("fc", torch::nn::Linear(2 * o.hidden, 2));
}

torch::Tensor EtpRnImpl::unit_features(const torch::Tensor& pooled) {
  check_shape(pooled, {kAny, kPyramidParts, gru->options.input_size() / kPyramidParts},
              "ETP refinement network: pooled units [U, 5, C]");
  const auto x = norm ? norm->forward(pooled.reshape({-1, pooled.size(2)})).view_as(pooled) : pooled;
  return (non_local ? non_local->forward(x) : x).flatten(1);
}

torch::Tensor EtpRnImpl::encode(const torch::Tensor& input, const torch::Tensor& lengths) {
  check_shape(input, {at_least(1), at_least(1), gru->options.input_size()},
              "ETP refinement network: sequences of units [B, U, 5 C]");
  check_shape(lengths, {input.size(0)}, "ETP refinement network: lengths [B]");
  const OwnPrecision own;
  const auto units = input.to(fc->weight.scalar_type());
  const auto packed =
      torch::nn::utils::rnn::pack_padded_sequence(units, lengths.cpu(), /*batch_first=*/true, /*enforce_sorted=*/false);
  const auto h = std::get<1>(gru->forward_with_packed_input(packed));  // [2 layers x 2 directions, B, H]
  return torch::cat({h[2], h[3]}, 1);
}

torch::Tensor EtpRnImpl::forward(const torch::Tensor& units, const torch::Tensor& lengths) {
  return fc->forward(encode(units, lengths));
}

torch::Tensor EtpRnImpl::refine(const torch::Tensor& features, std::span<const RowRange> proposals) {
  return fc->forward(range_gru(gru, features, proposals));
}

}  // namespace tal
