#include "libtal/models/bmn/bmn.h"

#include <algorithm>

#include "libtal/base/error.h"
#include "libtal/nn/boundary_matching_map.h"
#include "libtal/nn/device.h"
#include "libtal/nn/linear.h"
#include "libtal/nn/losses.h"
#include "libtal/nn/shapes.h"

namespace tal {
namespace F = torch::nn::functional;
namespace {

torch::nn::Conv1d conv1d(std::int64_t in, std::int64_t out, std::int64_t kernel, std::int64_t groups = 1) {
  return torch::nn::Conv1d(torch::nn::Conv1dOptions(in, out, kernel).padding(kernel / 2).groups(groups));
}
torch::nn::Conv2d conv2d(std::int64_t in, std::int64_t out, std::int64_t kernel) {
  return torch::nn::Conv2d(torch::nn::Conv2dOptions(in, out, kernel).padding(kernel / 2));
}
torch::nn::Conv3d layer(const BmnOptions& o) {
  return torch::nn::Conv3d(torch::nn::Conv3dOptions(o.reduced_filters, o.proposal_filters, {o.samples, 1, 1}));
}

}  // namespace

Settings settings_of(BmnOptions& o) {
  Settings s;
  s.add("form", &o.form, "The published network (paper), or the one of the public PyTorch checkpoints (public)",
        {"paper", "public"});
  s.add("layout", &o.layout, "Axes of the maps that the 2-D convolutions see", {"start-duration", "start-end"})
      .with("form", {"public"});
  s.add("rows", &o.rows, "Rows T that the network works on: every video (or window) has as many").between(1, kMostRows);
  s.add("durations", &o.durations, "Longest proposal D, rows; at most T").between(1, kMostRows);
  s.add("samples", &o.samples, "Samples N of a proposal's features").between(1, 1024);
  s.add("per-bin", &o.per_bin, "Points that a sample is the mean of").between(1, 64);
  s.add("widen", &o.widen, "Share of its length that a proposal is widened by on each side before sampling")
      .between(0, 4);
  s.add("base-filters", &o.base_filters, "Filters of the base module").between(1, 16384);
  s.add("groups", &o.groups, "Groups of the 1-D convolutions").between(1, 16384).with("form", {"public"});
  s.add("reduced-filters", &o.reduced_filters, "Channels that enter the boundary-matching layer").between(1, 16384);
  s.add("boundary-filters", &o.boundary_filters, "Filters of the temporal branch")
      .between(1, 16384)
      .with("form", {"paper"});
  s.add("proposal-filters", &o.proposal_filters, "Filters of the boundary-matching layer").between(1, 16384);
  s.add("head-filters", &o.head_filters, "Filters of the 2-D convolutions").between(1, 16384);
  s.add("positive", &o.positive, "tIoU above which a proposal is of high quality in the regression loss")
      .between(0, 1)
      .below(1)
      .without("regression-weight", {"0"});
  s.add("negative", &o.negative,
        "tIoU below which a proposal is of low quality in the regression loss; at most that of high ones")
      .between(0, 1)
      .without("regression-weight", {"0"});
  s.add("class-threshold", &o.class_threshold, "tIoU above which a proposal is positive in the classification loss")
      .between(0, 1)
      .below(1);
  s.add("regression-weight", &o.regression_weight, "Weight of the regression loss").between(0, 1e6);
  s.add("boundary-labels", &o.boundary_labels,
        "Positive rows of a boundary: more than half covered by its region (literal), and the row that contains it "
        "(nearest)",
        {"nearest", "literal"});
  return s;
}

void check(const BmnOptions& o) {
  if (o.durations > o.rows)
    throw Error("a longest proposal of " + std::to_string(o.durations) + " rows does not fit into " +
                std::to_string(o.rows) + " rows")
        .at_field("durations");
  if (o.form == "paper" && o.layout != "start-duration") throw Error("is for the public form").at_field("layout");
  if (o.form == "public" && o.base_filters % o.groups)
    throw Error("does not divide the " + std::to_string(o.base_filters) + " base filters").at_field("groups");
  if (!(o.negative <= o.positive)) throw Error("the negative threshold is above the positive one").at_field("negative");
}

BmnImpl::BmnImpl(std::int64_t dim, const BmnOptions& o) : dim_(dim), options_(o) {
  check(o);
  if (o.form == "paper") {
    conv1d1_ = register_module("conv1d1", conv1d(dim, o.base_filters, 3));
    conv1d2_ = register_module("conv1d2", conv1d(o.base_filters, o.reduced_filters, 3));
    conv1d3_ = register_module("conv1d3", conv1d(o.reduced_filters, o.boundary_filters, 3));
    conv1d4_ = register_module("conv1d4", conv1d(o.boundary_filters, 2, 3));
    conv3d1_ = register_module("conv3d1", layer(o));
    conv2d1_ = register_module("conv2d1", conv2d(o.proposal_filters, o.head_filters, 1));
    conv2d2_ = register_module("conv2d2", conv2d(o.head_filters, o.head_filters, 3));
    conv2d3_ = register_module("conv2d3", conv2d(o.head_filters, 2, 1));
    return;
  }
  if (dim % o.groups)
    throw Error("the " + std::to_string(dim) + " channels of the features are no multiple of the " +
                std::to_string(o.groups) + " groups")
        .at_field("groups");
  using torch::nn::ReLU;
  using torch::nn::Sequential;
  const std::int64_t f = o.base_filters, h = o.head_filters;
  base_ = register_module("x_1d_b", Sequential(conv1d(dim, f, 3, o.groups), ReLU(), conv1d(f, f, 3, o.groups), ReLU()));
  start_ = register_module("x_1d_s", Sequential(conv1d(f, f, 3, o.groups), ReLU(), conv1d(f, 1, 1)));
  end_ = register_module("x_1d_e", Sequential(conv1d(f, f, 3, o.groups), ReLU(), conv1d(f, 1, 1)));
  proposal1d_ = register_module("x_1d_p", Sequential(conv1d(f, o.reduced_filters, 3), ReLU()));
  proposal3d_ = register_module("x_3d_p", Sequential(layer(o)));
  proposal2d_ = register_module("x_2d_p", Sequential(conv2d(o.proposal_filters, h, 1), ReLU(), conv2d(h, h, 3), ReLU(),
                                                     conv2d(h, h, 3), ReLU(), conv2d(h, 2, 1)));
}

std::shared_ptr<const BoundaryMatchingTable> BmnImpl::table(std::int64_t rows) const {
  return boundary_matching_table({rows, std::min(options_.durations, rows), options_.samples, options_.per_bin,
                                  options_.widen, options_.form == "public"});
}

BmnOutput BmnImpl::forward(const torch::Tensor& x) {
  check_shape(x, {kAny, dim_, at_least(1)}, "BMN: features [B, C, T]");
  const auto proposals = table(x.size(2));
  return options_.form == "paper" ? paper(x, *proposals) : checkpoint(x, *proposals);
}

BmnOutput BmnImpl::paper(const torch::Tensor& x, const BoundaryMatchingTable& table) {
  const auto base = conv1d2_(conv1d1_(x).relu()).relu();                                         // [B, 128, T]
  const auto boundary = conv1d4_(conv1d3_(base).relu());                                         // [B, 2, T]
  const auto features = boundary_matching(base, conv3d1_->weight, conv3d1_->bias, table, true);  // [B, L, 512]
  const auto h = linear(features, conv2d1_->weight, conv2d1_->bias, true);                       // [B, L, 128]
  const auto outside = linear(conv3d1_->bias.relu(), conv2d1_->weight, conv2d1_->bias, true);  // the literal network's
                                                                                               // values at invalid
                                                                                               // entries
  const auto context = convolve_proposals(h, conv2d2_->weight, conv2d2_->bias, outside, table).relu_();
  return {boundary, proposals_to_map(linear(context, conv2d3_->weight, conv2d3_->bias), table)};
}

torch::Tensor BmnImpl::sampled(const torch::Tensor& reduced, const BoundaryMatchingTable& table) {
  const auto& conv3d = *proposal3d_->ptr<torch::nn::Conv3dImpl>(0);
  const auto& conv2d1 = *proposal2d_->ptr<torch::nn::Conv2dImpl>(0);
  return linear(boundary_matching(reduced, conv3d.weight, conv3d.bias, table, true), conv2d1.weight, conv2d1.bias,
                true);
}

torch::Tensor BmnImpl::dense_by_duration(const torch::Tensor& reduced, const BoundaryMatchingTable& table,
                                         const torch::Tensor& outside) {
  return torch::where(valid_proposals(table, reduced.device()), proposals_to_map(sampled(reduced, table), table),
                      outside);
}

// Rows s .. e + 1 for the proposal s .. e: one more row, which is empty, makes room for those that end with the last
// row.
torch::Tensor BmnImpl::dense_by_end(const torch::Tensor& reduced, const torch::Tensor& outside) {
  const std::int64_t rows = reduced.size(2);
  const auto table =
      boundary_matching_table({rows + 1, rows + 1, options_.samples, options_.per_bin, options_.widen, true});
  const auto map =
      proposals_to_map(sampled(F::pad(reduced, F::PadFuncOptions({0, 1})), *table), *table).flatten(2);  // [B, H, (T +
                                                                                                         // 1)^2]
  const auto row = torch::arange(rows, reduced.device());
  const auto start = row.unsqueeze(1), end = row.unsqueeze(0);
  const auto place = ((end - start + 1).clamp_min(0) * (rows + 1) + start).flatten();
  return torch::where(start <= end, map.index_select(2, place).unflatten(2, std::vector<std::int64_t>{rows, rows}),
                      outside);
}

// With two 3x3 convolutions in a row, entries beyond the valid ones matter: dense maps.
BmnOutput BmnImpl::checkpoint(const torch::Tensor& x, const BoundaryMatchingTable& table) {
  const auto base = base_->forward(x);
  const auto boundary = torch::cat({start_->forward(base), end_->forward(base)}, 1);
  const auto& conv2d1 = *proposal2d_->ptr<torch::nn::Conv2dImpl>(0);
  const auto outside =
      linear(proposal3d_->ptr<torch::nn::Conv3dImpl>(0)->bias.relu(), conv2d1.weight, conv2d1.bias, true)
          .view({1, -1, 1, 1});
  const auto reduced = proposal1d_->forward(base);
  const bool by_end = options_.layout == "start-end";
  auto map = by_end ? dense_by_end(reduced, outside) : dense_by_duration(reduced, table, outside);
  for (std::size_t k = 2; k <= 6; k += 2) {
    map = proposal2d_->ptr<torch::nn::Conv2dImpl>(k)->forward(map);
    if (k < 6) map = map.relu();
  }
  const auto valid = valid_proposals(table, x.device());
  if (by_end) {
    const std::int64_t rows = x.size(2);
    const auto start = torch::arange(rows, x.device()).unsqueeze(0),
               duration = torch::arange(valid.size(0), x.device()).unsqueeze(1);
    map = map.flatten(2)
              .index_select(2, (start * rows + (start + duration).clamp_max(rows - 1)).flatten())
              .unflatten(2, valid.sizes().vec());
  }
  return {boundary, map * valid};
}

std::vector<ProposalMaps> BmnImpl::infer(const torch::Tensor& x) {
  const torch::NoGradGuard guard;
  const auto out = forward(x);
  const auto boundary = widened(out.boundary).sigmoid().cpu();  // a batch's maps in one copy
  const auto maps = widened(widened(out.maps).sigmoid() * valid_proposals(*table(x.size(2)), x.device())).cpu();
  std::vector<ProposalMaps> result;
  for (std::int64_t b = 0; b < x.size(0); ++b)
    result.push_back({boundary[b][0], boundary[b][1], boundary_map(boundary[b][0], boundary[b][1], maps.size(2)),
                      maps[b][0].contiguous(), maps[b][1].contiguous()});
  return result;
}

BmnLoss bmn_loss(const BmnOutput& output, const torch::Tensor& boundary, const torch::Tensor& iou,
                 const torch::Tensor& sampled, const torch::Tensor& valid, double boundary_threshold,
                 const BmnOptions& o) {
  const OwnPrecision own;
  const BmnOutput out{widened(output.boundary), widened(output.maps)};
  check_same_shape(boundary, out.boundary, "BMN loss: boundary labels [B, 2, T]");
  check_shape(out.maps, {kAny, 2, kAny, kAny}, "BMN loss: maps [B, 2, D, T]");
  check_same_shape(iou, out.maps.select(1, 0), "BMN loss: tIoU labels [B, D, T]");
  check_same_shape(sampled, iou, "BMN loss: sampled proposals [B, D, T]");
  check_shape(valid, {iou.size(1), iou.size(2)}, "BMN loss: valid proposals [D, T]");
  const auto type = out.maps.scalar_type();
  const auto labels = (boundary > boundary_threshold).to(type);
  BmnLoss loss;
  loss.boundary = balanced_logistic(out.boundary.select(1, 0), labels.select(1, 0)) +
                  balanced_logistic(out.boundary.select(1, 1), labels.select(1, 1));
  const auto weights = valid.to(type).expand_as(iou);
  loss.classification = balanced_logistic(out.maps.select(1, 1), (iou > o.class_threshold).to(type), weights);
  const auto error = (out.maps.select(1, 0).sigmoid() - iou).square() * sampled;
  loss.regression = 0.5 * error.sum() / sampled.sum().clamp_min(1);
  loss.total = loss.boundary + loss.classification + o.regression_weight * loss.regression;
  return loss;
}

}  // namespace tal
