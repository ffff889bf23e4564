#include "libtal/models/points/point_targets.h"

#include <algorithm>
#include <limits>

#include "libtal/nn/device.h"
#include "libtal/nn/losses.h"

namespace tal {
namespace {

constexpr double kAlpha = 0.25, kGamma = 2;  // of the focal loss
constexpr double kEverything = 10000;        // grid units: the last level's range

struct Distances {
  double left, right;
  double longer() const { return std::max(left, right); }
};
Distances distances_of(const GridPoint& point, const Segment& s) { return {point.at - s.start, s.end - point.at}; }

bool near_the_middle(const GridPoint& point, const Segment& s, const PointLossOptions& o) {
  if (!o.center_sampling) return point.at > s.start && point.at < s.end;
  const double middle = 0.5 * (s.start + s.end), reach = o.center_radius * point.stride;
  return point.at > std::max(middle - reach, s.start) && point.at < std::min(middle + reach, s.end);
}

bool fits(const GridPoint& point, const Segment& s, const PointLossOptions& o) {
  const double longer = distances_of(point, s).longer();
  return near_the_middle(point, s, o) && longer >= point.low && longer <= point.high;
}

torch::Tensor joined(const std::vector<PointLevel>& levels, torch::Tensor PointLevel::*what) {
  std::vector<torch::Tensor> parts;
  for (const auto& level : levels) parts.push_back(level.*what);
  return torch::cat(parts, 1);
}

torch::Tensor inside(const std::vector<PointLevel>& levels) {  // [B, P]
  std::vector<torch::Tensor> parts;
  for (const auto& level : levels) {
    const auto ends = torch::tensor(level.lengths, torch::kLong).to(level.logits.device());
    parts.push_back(torch::arange(level.logits.size(1), ends.options()).unsqueeze(0) < ends.unsqueeze(1));
  }
  return torch::cat(parts, 1);
}

// Distances that the network predicts at (b, p, c), p counted over all levels.
torch::Tensor predicted(const std::vector<PointLevel>& levels, const torch::Tensor& b, const torch::Tensor& p,
                        const torch::Tensor& c) {
  if (!levels[0].starts.defined()) return joined(levels, &PointLevel::offsets).index({b, p});
  std::vector<torch::Tensor> parts, places;
  std::int64_t first = 0;
  for (const auto& level : levels) {
    const auto rows = level.offsets.size(1);
    const auto here = (p >= first).logical_and(p < first + rows).nonzero().squeeze(1);
    if (here.numel())
      parts.push_back(trident_distances(level, b.index({here}), p.index({here}) - first, c.index({here}))),
          places.push_back(here);
    first += rows;
  }
  if (parts.empty()) return levels[0].offsets.sum() * 0 + torch::zeros({0, 2}, levels[0].offsets.options());
  const auto order = torch::cat(places).argsort();
  return torch::cat(parts).index({order});
}

// TemporalMaxer: of all segments that hold the point, the one with the lowest focal loss of its class + 2 DIoU losses.
void take_cheapest(const std::vector<PointLevel>& levels, const torch::Tensor& b, const torch::Tensor& p,
                   const std::vector<std::vector<GridSegment>>& segments, const PointLossOptions& o,
                   const torch::Tensor& wanted) {
  constexpr double kDistanceCost = 2;
  std::vector<std::int64_t> rows;
  for (const auto& level : levels) rows.push_back(level.offsets.size(1));
  const auto points = grid_points(rows, o.ranges);
  const auto logits = joined(levels, &PointLevel::logits).detach().index({b, p});    // [n, C]
  const auto offsets = joined(levels, &PointLevel::offsets).detach().index({b, p});  // [n, 2]
  const auto sequence = b.cpu(), place = p.cpu();
  const auto at_b = sequence.accessor<std::int64_t, 1>(), at_p = place.accessor<std::int64_t, 1>();
  // One row for each pair of positive and segment that holds it.
  std::vector<std::int64_t> of, label;
  std::vector<double> pairs;
  for (std::int64_t i = 0; i < at_b.size(0); ++i) {
    const auto& point = points[static_cast<std::size_t>(at_p[i])];
    for (const auto& s : segments[static_cast<std::size_t>(at_b[i])]) {
      const auto d = distances_of(point, s.segment);
      if (d.left < 0 || d.right < 0) continue;
      of.push_back(i), label.push_back(s.label);
      pairs.insert(pairs.end(), {d.left / point.stride, d.right / point.stride});
    }
  }
  if (of.empty()) return;
  const auto device = wanted.device();
  const auto rows_of = torch::tensor(of, torch::kLong).to(device),
             labels = torch::tensor(label, torch::kLong).to(device);
  const auto candidates = torch::tensor(pairs, torch::kDouble).to(wanted.options()).reshape({-1, 2});
  const auto hot = torch::one_hot(labels, logits.size(1)).to(logits.scalar_type());
  const auto cost = (soft_focal_loss(logits.index({rows_of}), hot, kGamma, kAlpha).sum(1) +
                     kDistanceCost * offsets_diou_loss(offsets.index({rows_of}), candidates))
                        .to(torch::kDouble)
                        .cpu();
  const auto value = cost.accessor<double, 1>();
  std::vector<std::int64_t> best(static_cast<std::size_t>(at_b.size(0)), -1);
  for (std::size_t k = 0; k < of.size(); ++k) {
    auto& winner = best[static_cast<std::size_t>(of[k])];
    if (winner < 0 || value[static_cast<std::int64_t>(k)] < value[winner]) winner = static_cast<std::int64_t>(k);
  }
  wanted.copy_(candidates.index({torch::tensor(best, torch::kLong).to(device)}));  // a positive has one at least
}

}  // namespace

Settings settings_of(PointLossOptions& o) {
  Settings s;
  s.add("ranges", &o.ranges,
        "Which distances a level is for, in rows: 0-4, 4-8, 8-16 ..., or overlapping: 0-4, 2-8, 4-16 ...",
        {"adjacent", "overlapping"});
  s.add("center-sampling", &o.center_sampling, "Only points near the middle of a segment are positive");
  s.add("center-radius", &o.center_radius, "How near, in strides of the level")
      .above(0)
      .with("center-sampling", {"true"});
  s.add("all-labels", &o.all_labels,
        "Every segment that a point fits sets its class, not only those as short as the shortest");
  s.add("distance-loss", &o.distance_loss, "Of distances: 1 - IoU and how far the middles are apart, or 1 - IoU alone",
        {"diou", "giou"});
  s.add("distance-target", &o.distance_target,
        "Whose distances a point in several segments learns: the shortest, or the cheapest (TemporalMaxer)",
        {"shortest", "cheapest"})
      .without("head", {"trident"});
  s.add("distance-of", &o.distance_of, "What counts once in the distance loss: a point, or a point and class",
        {"point", "class"})
      .without("head", {"trident"});
  s.add("smoothing", &o.smoothing, "Of the labels: y (1 - e) + e / (classes + 1)").at_least(0).below(1);
  s.add("loss-weight", &o.loss_weight,
        "Weight of the distance loss (negative: as much as makes it equal to the class loss)")
      .between(-1, 1e6);
  s.add("quality-power", &o.quality_power, "The class loss of positives is weighed by overlap to this power")
      .between(0, 100)
      .with("head", {"trident"});
  s.add("quality-weight", &o.quality_weight, "Weight of the loss of the predicted overlap")
      .between(0, 1e6)
      .with("quality", {"true"});
  s.add("normalizer", &o.normalizer, "Positives of a batch that the losses' moving mean starts at").between(1, 1e9);
  return s;
}

std::vector<GridPoint> grid_points(std::span<const std::int64_t> rows, const std::string& ranges) {
  std::vector<GridPoint> points;
  double stride = 1;
  for (std::size_t l = 0; l < rows.size(); ++l, stride *= 2) {
    const double low = l == 0                    ? 0
                       : ranges == "overlapping" ? stride
                                                 : 2 * stride,
                 high = l + 1 == rows.size() ? kEverything : 4 * stride;
    for (std::int64_t k = 0; k < rows[l]; ++k) points.push_back({static_cast<double>(k) * stride, low, high, stride});
  }
  return points;
}

PointTargets assign_points(std::span<const GridPoint> points, std::span<const GridSegment> segments,
                           std::int64_t classes, const PointLossOptions& o) {
  constexpr double kAsShort = 1e-3;  // grid units
  const auto P = static_cast<std::int64_t>(points.size());
  PointTargets targets{torch::zeros({P, classes}), torch::zeros({P, 2}), 0};
  auto hot = targets.classes.accessor<float, 2>();
  auto distance = targets.distances.accessor<float, 2>();
  for (std::int64_t p = 0; p < P; ++p) {
    const auto& point = points[static_cast<std::size_t>(p)];
    const GridSegment* shortest = nullptr;
    for (const auto& s : segments)
      if (fits(point, s.segment, o) && (!shortest || s.segment.length() < shortest->segment.length())) shortest = &s;
    if (!shortest) continue;
    ++targets.positives;
    for (const auto& s : segments)
      if (fits(point, s.segment, o) && (o.all_labels || s.segment.length() <= shortest->segment.length() + kAsShort))
        hot[p][s.label] = 1;
    const auto d = distances_of(point, shortest->segment);
    distance[p][0] = static_cast<float>(d.left / point.stride),
    distance[p][1] = static_cast<float>(d.right / point.stride);
  }
  return targets;
}

torch::Tensor offsets_iou(const torch::Tensor& a, const torch::Tensor& b) {
  const auto shared = torch::minimum(a, b).sum(1);
  return shared / (a.sum(1) + b.sum(1) - shared).clamp_min(1e-8);
}

torch::Tensor offsets_diou_loss(const torch::Tensor& a, const torch::Tensor& b) {
  const auto apart = 0.5 * ((a.select(1, 1) - a.select(1, 0)) - (b.select(1, 1) - b.select(1, 0)));
  return 1 - offsets_iou(a, b) + (apart / torch::maximum(a, b).sum(1).clamp_min(1e-8)).square();
}

PointLosses point_losses(const std::vector<PointLevel>& outputs, const torch::Tensor& classes,
                         const torch::Tensor& distances, const std::vector<std::vector<GridSegment>>& segments,
                         double normalizer, const PointLossOptions& o) {
  const OwnPrecision own;
  auto levels = outputs;
  for (auto& level : levels)
    for (auto part :
         {&PointLevel::logits, &PointLevel::offsets, &PointLevel::starts, &PointLevel::ends, &PointLevel::quality})
      level.*part = widened(level.*part);
  const auto logits = joined(levels, &PointLevel::logits);  // [B, P, C]
  const auto valid = inside(levels);
  const auto hot = classes * valid.unsqueeze(2).to(classes.scalar_type());
  const bool trident = levels[0].starts.defined(), each = trident || o.distance_of == "class";
  const double C = static_cast<double>(logits.size(2));

  // Positives: points, or pairs of point and class.
  const auto found = (each ? hot : std::get<0>(hot.max(2))).nonzero();  // [n, 2 or 3]
  const auto b = found.select(1, 0), p = found.select(1, 1), c = each ? found.select(1, 2) : torch::zeros_like(b);
  auto wanted = distances.index({b, p}).to(logits.scalar_type());
  if (o.distance_target == "cheapest" && !trident) take_cheapest(levels, b, p, segments, o, wanted);
  const auto offsets = predicted(levels, b, p, c);
  const auto none = b.numel() == 0;

  auto per_entry = soft_focal_loss(logits, hot * (1 - o.smoothing) + o.smoothing / (C + 1), kGamma, kAlpha);
  if (trident && !none) {
    const auto weight = offsets_iou(offsets, wanted).pow(o.quality_power);
    per_entry = per_entry * torch::ones_like(per_entry).index_put({b, p, c}, weight.to(per_entry.scalar_type()));
  }
  PointLosses losses;
  losses.classes = (per_entry * valid.unsqueeze(2).to(per_entry.scalar_type())).sum() / normalizer;
  const auto apart = [&] {
    return o.distance_loss == "diou" ? offsets_diou_loss(offsets, wanted) : 1 - offsets_iou(offsets, wanted);
  };
  losses.distances = none ? offsets.sum() * 0 : apart().sum() / normalizer;
  const auto weight = o.loss_weight >= 0 ? torch::full({}, o.loss_weight, losses.classes.options())
                                         : losses.classes.detach() / losses.distances.detach().clamp_min(0.01);
  losses.loss = losses.classes + weight * losses.distances;
  if (levels[0].quality.defined() && !none) {
    const auto said = joined(levels, &PointLevel::quality).squeeze(2).index({b, p});
    losses.quality = torch::binary_cross_entropy_with_logits(said, offsets_iou(offsets, wanted).detach(), {}, {},
                                                             at::Reduction::Sum) /
                     normalizer;
    losses.loss = losses.loss + o.quality_weight * losses.quality;
  }
  return losses;
}

}  // namespace tal
