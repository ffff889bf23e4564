#include "libtal/models/bsnpp/bsnpp.h"

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/nn/boundary_matching_map.h"
#include "libtal/nn/device.h"
#include "libtal/nn/device_constants.h"
#include "libtal/nn/linear.h"
#include "libtal/nn/losses.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace F = torch::nn::functional;
namespace {

torch::nn::Conv1d conv1d(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  return torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, kernel).padding(kernel / 2));
}
torch::nn::Conv2d conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).padding(kernel / 2));
}

torch::Tensor half(const torch::Tensor& x) { return torch::max_pool1d(x, 2, 2); }
torch::Tensor interpolated(const torch::Tensor& x, std::int64_t rows) {
  return F::interpolate(
      x, F::InterpolateFuncOptions().size(std::vector<std::int64_t>{rows}).mode(torch::kLinear).align_corners(false));
}
// x with the rows of `skip`. The gradient of LibTorch's interpolation takes longer on CUDA than the convolutions around
// it.
torch::Tensor up(const torch::Tensor& x, const torch::Tensor& skip) {
  return x.is_cuda() ? interpolated_by_product(x, skip.size(2)) : interpolated(x, skip.size(2));
}

}  // namespace

torch::Tensor interpolated_by_product(const torch::Tensor& x, std::int64_t rows) {
  check_shape(x, {kAny, kAny, at_least(1)}, "interpolation: input [B, F, T]");
  static auto& matrices = lasting_constants<std::pair<std::int64_t, std::int64_t>>();
  const std::int64_t from = x.size(2);
  const auto matrix = matrices.get(
      {from, rows}, x.device(), [&] { return interpolated(torch::eye(from, torch::kDouble).unsqueeze(0), rows)[0]; });
  return torch::matmul(x, matrix.to(x.scalar_type()));
}

Settings settings_of(BsnppOptions& o) {
  Settings s;
  s.add("rows", &o.rows, "Rows T that the network works on: every video (or window) has as many")
      .between(kLeastRows, kMostRows);
  s.add("durations", &o.durations, "Longest proposal D, rows; at most T").between(1, kMostRows);
  s.add("samples", &o.samples, "Samples N of a proposal's features").between(1, 1024);
  s.add("per-bin", &o.per_bin, "Points that a sample is the mean of").between(1, 64);
  s.add("widen", &o.widen, "Share of its length that a proposal is widened by on each side before sampling")
      .between(0, 4);
  s.add("truncate", &o.truncate, "Round sampling points towards zero, as public checkpoints were trained");
  s.add("first-filters", &o.first_filters, "Filters of the base module's first convolution").between(1, 16384);
  s.add("base-filters", &o.base_filters, "Filters of the base module's second convolution").between(1, 16384);
  s.add("generator-filters", &o.generator_filters, "Filters of the boundary generator").between(1, 16384);
  s.add("reduced-filters", &o.reduced_filters, "Channels that enter the boundary-matching layer").between(1, 16384);
  s.add("proposal-filters", &o.proposal_filters, "Filters of the boundary-matching layer").between(1, 16384);
  s.add("attention-filters", &o.attention_filters, "Channels of the position attention's A and B")
      .between(1, 16384)
      .with("branches", {"position", "aggregated"});
  s.add("head-filters", &o.head_filters, "Filters of the prediction branches").between(1, 16384);
  s.add("generator", &o.generator, "Boundary generator: nested U-Net, U-Net, or one plain convolution",
        {"nested", "u-net", "plain"});
  s.add("train-backward", &o.train_backward, "Train the backward pass, too (the paper trains the forward pass alone)");
  s.add("deep-supervision", &o.deep_supervision, "Train both heads of the nested U-Net's top row")
      .with("generator", {"nested"});
  s.add("branches", &o.branches,
        "Branches of the proposal relation block, each once: position, channel, aggregated (both attentions' sum), "
        "plain (none)",
        {"position", "channel", "aggregated", "plain"})
      .count(1, 4);
  s.add("sampling", &o.sampling,
        "Training proposals: all positives and negatives (none), as many of each (iou), and of balanced scales (scale)",
        {"none", "iou", "scale"})
      .without("relation-weight", {"0"});
  s.add("scale-ratio", &o.scale_ratio, "lambda of the scale-balanced sampling")
      .between(0, 1)
      .above(0)
      .with("sampling", {"scale"})
      .without("relation-weight", {"0"});
  s.add("positive", &o.positive, "tIoU above which a proposal is positive")
      .between(0, 1)
      .below(1)
      .without("relation-weight", {"0"});
  s.add("negative", &o.negative, "tIoU below which a proposal is negative; at most that of positives")
      .between(0, 1)
      .without("relation-weight", {"0"});
  s.add("relation-weight", &o.relation_weight, "Weight beta of the confidence losses").between(0, 1e6);
  s.add("l2", &o.l2, "Weight gamma of half the sum of squares of all parameters").between(0, 1e3);
  s.add("boundary-labels", &o.boundary_labels,
        "Positive rows of a boundary: more than half covered by its region (literal), and the row that contains it "
        "(nearest)",
        {"nearest", "literal"});
  return s;
}

void check(const BsnppOptions& o) {
  if (o.rows < kLeastRows)
    throw Error("the network halves its rows twice and needs at least 4, not " + std::to_string(o.rows))
        .at_field("rows");
  if (o.durations > o.rows)
    throw Error("a longest proposal of " + std::to_string(o.durations) + " rows does not fit into " +
                std::to_string(o.rows) + " rows")
        .at_field("durations");
  if (o.branches.empty()) throw Error("at least one branch is needed").at_field("branches");
  for (auto branch = o.branches.begin(); branch != o.branches.end(); ++branch)
    if (std::find(o.branches.begin(), branch, *branch) != branch)
      throw Error("'" + *branch + "' is there twice; each branch can be there once").at_field("branches");
  if (!(o.negative <= o.positive)) throw Error("the negative threshold is above the positive one").at_field("negative");
}

BsnppBaseImpl::BsnppBaseImpl(std::int64_t dim, const BsnppOptions& o)
    : conv1_(register_module("conv1", conv1d(dim, o.first_filters, 3))),
      conv2_(register_module("conv2", conv1d(o.first_filters, o.base_filters, 3))) {}
torch::Tensor BsnppBaseImpl::forward(const torch::Tensor& x) {
  check_shape(x, {kAny, conv1_->options.in_channels(), at_least(1)}, "BSN++ base module: features [B, C, T]");
  return conv2_(conv1_(x).relu()).relu();
}

GeneratorNodeImpl::GeneratorNodeImpl(std::int64_t in, std::int64_t out)
    : conv_(register_module("conv", conv1d(in, out, 3))), bn_(register_module("bn", torch::nn::BatchNorm1d(out))) {}
torch::Tensor GeneratorNodeImpl::forward(const torch::Tensor& x) {
  check_shape(x, {kAny, conv_->options.in_channels(), at_least(1)}, "BSN++ generator node: input [B, F, T]");
  return bn_(conv_(x)).relu();
}

BoundaryGeneratorImpl::BoundaryGeneratorImpl(std::int64_t in, const BsnppOptions& options)
    : kind_(options.generator), deep_supervision_(options.deep_supervision && options.generator == "nested") {
  const std::int64_t f = options.generator_filters;
  x00_ = register_module("x00", GeneratorNode(in, f));
  if (kind_ != "plain") {
    x10_ = register_module("x10", GeneratorNode(f, f));
    x20_ = register_module("x20", GeneratorNode(f, f));
    if (kind_ == "nested") x01_ = register_module("x01", GeneratorNode(2 * f, f));
    x11_ = register_module("x11", GeneratorNode(2 * f, f));
    x02_ = register_module("x02", GeneratorNode((kind_ == "nested" ? 3 : 2) * f, f));
  }
  if (deep_supervision_) head1_ = register_module("head1", conv1d(f, 2, 1));
  head2_ = register_module("head2", conv1d(f, 2, 1));
}

std::vector<torch::Tensor> BoundaryGeneratorImpl::forward(const torch::Tensor& base) {
  check_shape(base, {kAny, kAny, at_least(kind_ == "plain" ? 1 : kLeastRows)},
              "BSN++ boundary generator: features [B, F, T]");
  if (kind_ == "plain") return {head2_(x00_(base))};
  return kind_ == "nested" ? nested(base) : u_net(base);
}

std::vector<torch::Tensor> BoundaryGeneratorImpl::nested(const torch::Tensor& base) {
  const auto x00 = x00_(base);                                     // [B, f, T]
  const auto x10 = x10_(half(x00));                                // [B, f, T / 2]
  const auto x20 = x20_(half(x10));                                // [B, f, T / 4]
  const auto x01 = x01_(torch::cat({x00, up(x10, x00)}, 1));       // [B, 2 f, T] -> [B, f, T]
  const auto x11 = x11_(torch::cat({x10, up(x20, x10)}, 1));       // [B, 2 f, T / 2] -> [B, f, T / 2]
  const auto x02 = x02_(torch::cat({x00, x01, up(x11, x00)}, 1));  // [B, 3 f, T] -> [B, f, T]
  if (!deep_supervision_) return {head2_(x02)};
  return {head1_(x01), head2_(x02)};
}

std::vector<torch::Tensor> BoundaryGeneratorImpl::u_net(const torch::Tensor& base) {
  const auto x00 = x00_(base);
  const auto x10 = x10_(half(x00));
  const auto x20 = x20_(half(x10));
  const auto x11 = x11_(torch::cat({x10, up(x20, x10)}, 1));
  return {head2_(x02_(torch::cat({x00, up(x11, x00)}, 1)))};
}

std::vector<std::pair<torch::Tensor, torch::Tensor>> BoundaryGeneratorImpl::passes(const torch::Tensor& base,
                                                                                   const torch::Tensor& reversed) {
  check_same_shape(reversed, base, "BSN++ boundary generator: features in reversed time [B, F, T]");
  std::vector<std::pair<torch::Tensor, torch::Tensor>> result;
  for (const auto& head : forward(torch::cat({base, reversed}))) {
    const auto both = head.chunk(2);
    result.emplace_back(both[0], both[1].flip(2).flip(1));  // back in time, then start and end swapped
  }
  return result;
}

RelationBranchImpl::RelationBranchImpl(const std::string& kind, const BsnppOptions& o)
    : RelationAttentionImpl(kind, o.proposal_filters, o.attention_filters) {
  conv1_ = register_module("conv1", conv2d(o.proposal_filters, o.head_filters, 1));
  conv2_ = register_module("conv2", conv2d(o.head_filters, o.head_filters, 3));
  conv3_ = register_module("conv3", conv2d(o.head_filters, 2, 1));
}

torch::Tensor RelationBranchImpl::predict(const torch::Tensor& first, const BoundaryMatchingTable& table) {
  check_shape(first, {kAny, table.proposals(), conv1_->bias.size(0)},
              "BSN++ relation branch: first convolution [B, L, k]");
  const auto h = (first + conv1_->bias).relu_();  // [B, L, k]
  const auto outside = conv1_->bias.relu();       // h where there is no proposal
  const auto context = convolve_proposals(h, conv2_->weight, conv2_->bias, outside, table).relu_();  // [B, L, k]
  return widened(linear(context, conv3_->weight, conv3_->bias)).sigmoid();
}

ProposalRelationImpl::ProposalRelationImpl(std::int64_t in, const BsnppOptions& o)
    : reduce_(register_module("reduce", conv1d(in, o.reduced_filters, 3))),
      conv3d_(register_module("conv3d", torch::nn::Conv3d(torch::nn::Conv3dOptions(
                                            o.reduced_filters, o.proposal_filters, {o.samples, 1, 1})))) {
  for (const auto& kind : o.branches) branches_.push_back(register_module(kind, RelationBranch(kind, o)));
  for (const std::string kind : {"position", "channel", "plain"}) {
    if (std::none_of(branches_.begin(), branches_.end(), [&](const auto& branch) { return branch->reads(kind); }))
      continue;
    const auto own = std::find(o.branches.begin(), o.branches.end(), kind);
    if (own != o.branches.end()) {
      attentions_.emplace_back(kind, branches_[static_cast<std::size_t>(own - o.branches.begin())].ptr());
      continue;
    }
    const auto alone = std::make_shared<RelationAttentionImpl>(kind, o.proposal_filters, o.attention_filters);
    attentions_.emplace_back(kind, register_module(kind, alone));
  }
}

// Fig. 4 up to the first convolution of each branch; that of "aggregated" sees the sum of both attentions.
std::vector<torch::Tensor> ProposalRelationImpl::first_convolutions(const torch::Tensor& proposals) {
  std::vector<torch::Tensor> first(branches_.size());
  for (auto& [kind, attention] : attentions_) {
    std::vector<std::size_t> readers;
    std::vector<torch::Tensor> weights;
    for (std::size_t k = 0; k < branches_.size(); ++k)
      if (branches_[k]->reads(kind)) readers.push_back(k), weights.push_back(branches_[k]->first_weight());
    const auto parts = attention->through(proposals, weights);
    for (std::size_t r = 0; r < readers.size(); ++r) {
      auto& sum = first[readers[r]];
      sum = sum.defined() ? sum + parts[r] : parts[r];
    }
  }
  return first;
}

torch::Tensor ProposalRelationImpl::forward(const torch::Tensor& base, const BoundaryMatchingTable& table) {
  check_shape(base, {kAny, reduce_->options.in_channels(), table.spec().rows},
              "BSN++ relation block: features [B, F, T]");
  const auto reduced = reduce_(base).relu();  // [B, F, T] -> [B, C, T]
  const auto proposals = boundary_matching(reduced, conv3d_->weight, conv3d_->bias, table, true);  // [B, L, O]
  const auto first = first_convolutions(proposals);                                                // each [B, L, k]
  std::vector<torch::Tensor> maps;
  for (std::size_t k = 0; k < branches_.size(); ++k) maps.push_back(branches_[k]->predict(first[k], table));
  return torch::stack(maps, 1);
}

BsnppImpl::BsnppImpl(std::int64_t dim, const BsnppOptions& options) : dim_(dim), options_(options) {
  check(options_);
  base_ = register_module("base", BsnppBase(dim, options_));
  cbg_ = register_module("cbg", BoundaryGenerator(options_.base_filters, options_));
  prb_ = register_module("prb", ProposalRelation(options_.base_filters, options_));
}

std::shared_ptr<const BoundaryMatchingTable> BsnppImpl::table(std::int64_t rows) const {
  return boundary_matching_table({rows, std::min(options_.durations, rows), options_.samples, options_.per_bin,
                                  options_.widen, options_.truncate});
}

std::pair<torch::Tensor, torch::Tensor> BsnppImpl::both_directions(const torch::Tensor& x) {
  const auto both = base_(torch::cat({x, x.flip(2)})).chunk(2);
  return {both[0], both[1]};
}

void BsnppImpl::check_input(const torch::Tensor& x) const {
  check_shape(x, {kAny, dim_, at_least(options_.generator == "plain" ? 1 : kLeastRows)}, "BSN++: features [B, C, T]");
}

BsnppOutput BsnppImpl::forward(const torch::Tensor& x) {
  check_input(x);
  const auto proposals = table(x.size(2));
  BsnppOutput out;
  if (is_training() && options_.train_backward) {
    const auto [base, reversed] = both_directions(x);
    out.base = base;
    for (const auto& [forward, backward] : cbg_->passes(base, reversed))
      out.logits.push_back(forward), out.logits.push_back(backward);
  } else {
    out.base = base_(x);
    out.logits = cbg_->forward(out.base);
  }
  out.maps = proposals_to_map(prb_->forward(out.base, *proposals).mean(1), *proposals);
  return out;
}

std::vector<ProposalMaps> BsnppImpl::infer(const torch::Tensor& x, bool backward_pass) {
  const torch::NoGradGuard guard;
  check_input(x);
  const auto proposals = table(x.size(2));
  torch::Tensor base, heat;
  if (backward_pass) {
    const auto [own, reversed] = both_directions(x);
    base = own;
    const auto [forward, backward] = cbg_->passes(own, reversed).back();
    heat = fuse_passes(widened(forward).sigmoid(), widened(backward).sigmoid());
  } else {
    base = base_(x);
    heat = widened(cbg_->forward(base).back()).sigmoid();
  }
  const auto maps = proposals_to_map(prb_->forward(base, *proposals).mean(1), *proposals).cpu();
  heat = heat.cpu();  // a batch's maps in one copy
  std::vector<ProposalMaps> result;
  for (std::int64_t b = 0; b < x.size(0); ++b)
    result.push_back({heat[b][0], heat[b][1], boundary_map(heat[b][0], heat[b][1], maps.size(2)),
                      maps[b][0].contiguous(), maps[b][1].contiguous()});
  return result;
}

torch::Tensor fuse_passes(const torch::Tensor& forward, const torch::Tensor& backward) {
  check_same_shape(backward, forward, "BSN++: probabilities of the backward pass");
  return (forward * backward).sqrt();
}

BsnppLoss bsnpp_loss(const std::vector<torch::Tensor>& logits, const torch::Tensor& probabilities,
                     const torch::Tensor& boundary, const torch::Tensor& iou, const torch::Tensor& sampled,
                     const std::vector<torch::Tensor>& parameters, const BsnppOptions& o) {
  const OwnPrecision own;
  const auto maps = widened(probabilities);
  check_shape(maps, {kAny, 2, kAny, kAny}, "BSN++ loss: maps [B, 2, D, T]");
  for (const auto& head : logits) check_same_shape(boundary, head, "BSN++ loss: boundary labels [B, 2, T]");
  check_same_shape(iou, maps.select(1, 0), "BSN++ loss: tIoU labels [B, D, T]");
  check_same_shape(sampled, iou, "BSN++ loss: sampled proposals [B, D, T]");
  BsnppLoss loss;
  loss.boundary = torch::zeros({}, maps.options());
  for (const auto& head : logits)  // Eq. (6)
    for (int side = 0; side < 2; ++side)
      loss.boundary = loss.boundary + balanced_logistic(widened(head).select(1, side), boundary.select(1, side)) /
                                          static_cast<double>(logits.size());
  const auto count = sampled.sum().clamp_min(1);
  const auto mean = [&](const torch::Tensor& each) { return (each * sampled).sum() / count; };
  const auto regression = maps.select(1, 0), classification = maps.select(1, 1);
  loss.regression = mean(F::smooth_l1_loss(regression, iou, F::SmoothL1LossFuncOptions(torch::kNone)));  // Eq. (7)
  // Of probabilities: the mean of the branches' is no sigmoid of anything. Maps are exactly 0 at invalid entries, where
  // nothing is sampled.
  const auto label = (iou > o.positive).to(maps.scalar_type());
  loss.classification =
      mean(F::binary_cross_entropy(classification, label, F::BinaryCrossEntropyFuncOptions().reduction(torch::kNone)));
  loss.l2 = torch::zeros({}, maps.options());
  for (const auto& p : parameters) loss.l2 = loss.l2 + 0.5 * p.square().sum();
  loss.total = loss.boundary + o.relation_weight * (loss.regression + loss.classification) + o.l2 * loss.l2;  // Eq. (5)
  return loss;
}

}  // namespace tal
